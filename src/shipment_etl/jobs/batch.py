"""Split a raw batch in one read: valid rows, rejected rows, and rows whose id occurs more than once.

Ids that may occur more than once are found first, by their hashes. Then one pass checks every row, derives its columns, and
writes it to the right folder. Everything after that reads only the small parts.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from shipment_etl.contracts.columns import COLUMNS, IDENTITY, with_optional
from shipment_etl.contracts.models import contract
from shipment_etl.contracts.reasons import REASONS_TYPE
from shipment_etl.contracts.split import UNPARSED, Verdict, judge
from shipment_etl.errors import RowsMissing
from shipment_etl.hashing import hash_of
from shipment_etl.ingest.conform import conform
from shipment_etl.ingest.contract import contract_of
from shipment_etl.ingest.mapping import SourceMapping
from shipment_etl.jobs.ids import ID_HASH, BatchHashes, Hashes
from shipment_etl.jobs.work import Work
from shipment_etl.lake.runs import RowCounts
from shipment_etl.lake.staging import Staging
from shipment_etl.lake.tables import QUARANTINE, SHIPMENTS
from shipment_etl.lake.written import Written
from shipment_etl.life import outcome
from shipment_etl.network import Network
from shipment_etl.transform.clean import derive
from shipment_etl.transform.reports import order_reports

__all__ = ["Batch", "Outcome", "load_batch", "split_batch"]

JSON_RECORD = "map<string,string>"
ORIGINAL = "original"
KIND = "source"
"""The column that decides the folder of a row in the one pass: valid rows go into that of their source, others elsewhere.

It is a partition column of the table, because readers take any folder like kind=sound for a partition.
"""
REJECTED, SUSPECT, OVERTAKEN, IN_TRANSIT = "-rejected", "-suspect", "-overtaken", "-in-transit"
"""Kinds of rows that do not go into the folder of their source; no source can have such a name.

Shipments in transit are valid, but have their own files: the next batches report on them, and then rewrite no other files.
"""
MAX_BROADCAST_ROWS = 2_000_000
"""Up to this many hashes of repeated ids, 16 MB, are broadcast to every task; more are joined by a shuffle."""


class Batch(NamedTuple):
    """A batch before it is split.

    Attributes:
        frame: typed shipments.
        rows: number of rows.
        verdict: result of checking the rows against the contract.
        original: a row as it landed, as JSON text.
        network: defines what is on time.
        currency: of its costs; None if unknown.
    """

    frame: DataFrame
    rows: int
    verdict: Verdict
    original: Column
    network: Network | None
    currency: str | None


class Outcome(NamedTuple):
    """What became of a batch.

    Attributes:
        shipments: files of its newest reports.
        overtaken: files of the reports that others in the batch have overtaken.
        hashes: hashes of the ids in both.
        tied: number of overtaken reports for which only the row number says which report is newer.
        counts: its rows by what became of them.
        reasons: rejected rows by column and rule.
    """

    shipments: Written
    overtaken: Written
    hashes: Hashes
    tied: int
    counts: RowCounts
    reasons: dict[str, int]


def load_batch(work: Work, staging: Staging, network: Network | None) -> Batch:
    """Return the batch of a job, conformed to the contract if it landed as text."""
    name = f"raw/{work.start.source}"
    raw, rows = work.read_batch(name)
    # Read once, because a frame calls its engine each time.
    columns = raw.columns
    if "mapping" not in columns:
        told = [name for name in COLUMNS if name in columns]
        fields = [part for name in told for part in (F.lit(name), F.col(name).cast("string"))]
        schema = contract(network, rules=work.plugins.rules())
        raw = with_optional(raw)
        original = F.to_json(F.create_map(*fields))
        return Batch(raw, rows, judge(raw, schema), original, network, (network or Network.default()).currency)
    text = raw.select("mapping").limit(1).collect()[0]["mapping"]
    mapping = SourceMapping.from_text(text, "the mapping landed with the batch")
    with work.stage("conform"):
        typed = conform(raw.withColumn("record", F.from_json("record", JSON_RECORD)), mapping, network)
        # Staged, because two queries read it, and parsing the records costs more than writing them once.
        frame = staging.keep("conformed", typed.withColumn(ORIGINAL, F.to_json(ORIGINAL))).frame
    schema = contract_of(mapping, network, work.plugins.rules())
    return Batch(frame, rows, judge(frame, schema), F.col(ORIGINAL), network, _currency(mapping, network))


def _currency(mapping: SourceMapping, network: Network | None) -> str | None:
    """Return the currency of costs: the mapping's, else the network's."""
    cost = mapping.columns.get("shipping_cost")
    if cost is not None and cost.currency is not None:
        return cost.currency
    return None if network is None else network.currency


def split_batch(work: Work, staging: Staging, batch: Batch) -> Outcome:
    """Write the shipments of a batch and its quarantine, and return what became of its rows."""
    with work.stage("repeats"):
        hashes = BatchHashes.read(staging, batch.frame)
    with work.stage("shipments"):
        written = _write_by_kind(work, batch, _keep(staging, hashes.repeated))
        suspect, rejected = written.part(source=SUSPECT), written.part(source=REJECTED)
        accepted = hashes.find_accepted(
            *(work.content(SHIPMENTS, each.files, [ID_HASH])[ID_HASH] for each in (rejected, suspect))
        )
        # Frees as much memory as the remaining hashes take.
        del hashes
        ordered = _order(work, suspect, batch.network)
        shipments, overtaken = _select_valid(work, written) + _select_valid(work, ordered), ordered.part(source=OVERTAKEN)
        if shipments.rows < len(accepted):
            raise RowsMissing(SHIPMENTS.name, len(accepted), shipments.rows)
    with work.stage("quarantine"):
        quarantine = _write_quarantine(work, batch, rejected)
        for part in (rejected, suspect):
            work.discard(SHIPMENTS, part.files)
    counts = RowCounts(batch.rows, shipments.rows, quarantine.rows, suspect.rows - ordered.rows, overtaken.rows)
    reasons = _count_reasons(work, quarantine)
    return Outcome(shipments, overtaken, accepted, _count_ties(work, overtaken), counts, reasons)


def _keep(staging: Staging, repeated: Hashes) -> DataFrame | None:
    """Return hashes as rows, or None for no hashes."""
    if not len(repeated):
        return None
    rows = staging.put("repeated_ids", pa.table({ID_HASH: repeated, "repeated": np.ones(len(repeated), bool)}))
    return F.broadcast(rows) if len(repeated) <= MAX_BROADCAST_ROWS else rows


def _write_by_kind(work: Work, batch: Batch, repeated: DataFrame | None) -> Written:
    """Write every row of a batch into the folder of its kind; rows that are not valid also get the hash of their id."""
    frame, suspect = batch.frame.withColumn(ID_HASH, hash_of("shipment_id")), F.lit(False)
    if repeated is not None:
        frame, suspect = frame.join(repeated, ID_HASH, "left"), F.col("repeated").isNotNull()
    kind = F.when(~batch.verdict.sound, REJECTED).when(suspect, SUSPECT).otherwise(_kind_of_sound(work))
    rows, sound = frame.drop("batch_date").withColumn(KIND, kind), F.col(KIND).isin(work.start.source, IN_TRANSIT)
    columns = frame.columns
    beside = {name: F.when(~sound, F.col(name)) for name in (ID_HASH, ORIGINAL, UNPARSED) if name in columns}
    return work.write(SHIPMENTS, derive(rows, sound, batch.network).withColumns(beside), "split", (KIND,), (*beside,))


def _order(work: Work, suspects: Written, network: Network | None) -> Written:
    """Order the reports on each shipment, and write them into the folders of their kinds."""
    if not suspects.files:
        return suspects
    rows = work.with_batch(work.lake.read_files(work.spark, SHIPMENTS.name, suspects.files, suspects.own))
    ordered = order_reports(rows.drop(ID_HASH, ORIGINAL, UNPARSED))
    kind = F.when(F.col("next_row").isNotNull(), OVERTAKEN).otherwise(_kind_of_sound(work))
    derived = derive(ordered.drop("batch_date").withColumn(KIND, kind), F.lit(True), network)
    return work.write(SHIPMENTS, derived, "ordered", (KIND,), ("next_row", "is_tied"))


def _kind_of_sound(work: Work) -> Column:
    return F.when(outcome().isNull(), IN_TRANSIT).otherwise(work.start.source)


def _select_valid(work: Work, written: Written) -> Written:
    return written.part(source=work.start.source) + written.part(source=IN_TRANSIT)


def _count_ties(work: Work, overtaken: Written) -> int:
    return sum(
        pc.sum(work.lake.content(SHIPMENTS.name, each.path, ["is_tied"])["is_tied"]).as_py() for each in overtaken.files
    )


def _write_quarantine(work: Work, batch: Batch, rejected: Written) -> Written:
    """Write rejected rows as they landed, with their reasons."""
    rows = work.lake.read_files(work.spark, SHIPMENTS.name, rejected.files, rejected.own)
    typed = batch.verdict.reasons.cast(REASONS_TYPE).alias("reasons")
    told = ("source_file", IDENTITY, "shipment_id", batch.original.alias(ORIGINAL), typed)
    written = work.write(QUARANTINE, rows.select(*told))
    work.put_batch(QUARANTINE, written)
    files = work.files_of_batch(QUARANTINE.name)
    work.fingerprints.note_rows(QUARANTINE, work.with_batch(work.read_files(QUARANTINE, files)), files)
    return written


def _count_reasons(work: Work, quarantine: Written) -> dict[str, int]:
    """Return the number of rejected rows for each reason, such as weight:greater_than; the most frequent first."""
    found: dict[str, int] = {}
    for file in quarantine.files:
        reasons = pc.list_flatten(work.lake.content(QUARANTINE.name, file.path, ["reasons"])["reasons"].combine_chunks())
        column, rule = (pc.struct_field(reasons, name).cast(pa.string()) for name in ("column", "rule"))
        names = pc.binary_join_element_wise(column, rule, ":")
        for each in pc.value_counts(names).to_pylist():
            found[each["values"]] = found.get(each["values"], 0) + each["counts"]
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
