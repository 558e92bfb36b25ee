"""The process job: a batch of raw shipments becomes clean shipments, a quarantine, the roll-up and the marts."""

from collections.abc import Iterable
from datetime import date as Date
from typing import NamedTuple

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from shipment_etl.contracts.compile import REASONS_TYPE
from shipment_etl.contracts.models import COLUMNS, IDENTITY, contract
from shipment_etl.contracts.repeats import CONFLICT, DUPLICATE, conflicting, repeated_ids, settle, suspects
from shipment_etl.contracts.split import Verdict, judge
from shipment_etl.dates import as_date
from shipment_etl.errors import BatchMissing, DataRejected, InvalidValue, LakeMissing
from shipment_etl.generator.shipments import SOURCE
from shipment_etl.ingest.conform import conform
from shipment_etl.ingest.mapping import Mapping
from shipment_etl.jobs.ingest import as_source
from shipment_etl.jobs.marts import update_marts
from shipment_etl.jobs.work import Work, row_counts, working
from shipment_etl.lake.lake import Lake, Staging
from shipment_etl.lake.runs import HELD, RowCounts, Run
from shipment_etl.lake.tables import LANE_DAYS, QUARANTINE, SHIPMENTS
from shipment_etl.network import Network
from shipment_etl.plugins import plugins
from shipment_etl.sessions import session
from shipment_etl.transform.clean import with_derived
from shipment_etl.transform.lane_days import lane_days

__all__ = ["MAX_REJECTED", "batches", "run_process"]

JSON_RECORD = "map<string,string>"
MAX_REJECTED = 0.1
"""Share of a batch that may be quarantined, where nothing else is said. A file whose layout has changed rejects far more."""


def run_process(
    lake: Lake,
    *,
    date: Date | str | None = None,
    source: str = SOURCE,
    network: Network | None = None,
    max_rejected: float = MAX_REJECTED,
    spark: SparkSession | None = None,
    listeners: Iterable[object] = (),
) -> Run:
    """Process one batch of one source: contract, split, clean, roll-up, marts, run log, in this order.

    Running it again, after a success or a crash, leaves the same tables.

    Args:
        lake: where from and to.
        date: the batch date; the newest batch of the source if None.
        source: which raw table.
        network: allowed values, and capacities of warehouses. If None: the default network for generated shipments, any
            value for files of your own; capacities are the default network's.
        max_rejected: share of the batch that may be quarantined, 0 … 1. Above it the batch is held: its rejected rows are in
            the quarantine, and neither clean shipments nor marts change.
        spark: a session; `session()` if None.
        listeners: objects with implementations of hooks.

    Raises:
        PluginError: a plugin cannot be used; nothing was done.
        InvalidValue: an argument is out of range; nothing was done.
        LakeMissing, TableMissing, BatchMissing: there is nothing to process.
        RowsLost, LakeError, EngineFailed: the lake is as it was.
        DataRejected: more rows were quarantined than `max_rejected` allows; the run is logged as held.
    """
    source = as_source(source)
    if not 0 <= max_rejected <= 1:
        raise InvalidValue("max_rejected", max_rejected, "a share from 0 to 1")
    batch_date = _batch(lake, source, date)
    plugged = plugins(listeners)
    spark = session(plugged=plugged) if spark is None else spark
    with working(
        spark,
        lake,
        job="process",
        source=source,
        batch_date=batch_date,
        settings={"max_rejected": max_rejected},
        plugins=plugged,
    ) as work:
        work.network = (network or Network.default()).digest
        raw = work.batch_of(f"raw/{source}")
        with work.staging() as staging:
            batch = _load_batch(work, staging, raw, network)
            work.rules = tuple(batch.verdict.rules)
            shipments, counts, reasons = _split_and_clean(work, staging, batch)
            warnings = _warnings(shipments, batch.verdict.warnings)
        held = counts.quarantined > max_rejected * counts.read
        if held:
            # Only the quarantine tells of a batch that is held: what was known of it before still counts.
            work.drop(SHIPMENTS)
            rejected = DataRejected(counts.quarantined, counts.read, max_rejected)
            run = work.finish(counts, reasons, warnings, HELD, str(rejected))
        else:
            with work.stage("lane_days"):
                month = F.date_format("shipment_date", "yyyy-MM")
                work.replace_batch(LANE_DAYS, lane_days(shipments), {"month": month})
            with work.stage("marts"):
                update_marts(work, network or Network.default())
            run = work.finish(counts, reasons, warnings)
    if held:
        raise DataRejected(counts.quarantined, counts.read, max_rejected)
    return run


def batches(lake: Lake, source: str) -> list[Date]:
    """Return the dates of all batches of a source, in order.

    Raises:
        LakeMissing, TableMissing: there is no such source.
    """
    if not lake.exists():
        raise LakeMissing(lake.uri)
    return sorted({as_date(file.partition["batch_date"]) for file in lake.files(f"raw/{source}")})


def _batch(lake: Lake, source: str, date: Date | str | None) -> Date:
    known = batches(lake, source)
    if not known:
        raise BatchMissing(source, date or "any date", ())
    batch_date = known[-1] if date is None else as_date(date)
    if batch_date not in known:
        raise BatchMissing(source, batch_date, [day.isoformat() for day in known])
    return batch_date


class _Batch(NamedTuple):
    """Typed shipments, the verdict of their contract, and how to tell a row as it landed, as JSON text."""

    frame: DataFrame
    verdict: Verdict
    original: Column


def _load_batch(work: Work, staging: Staging, raw: DataFrame, network: Network | None) -> _Batch:
    if "mapping" not in raw.columns:
        fields = [part for name in COLUMNS for part in (F.lit(name), F.col(name).cast("string"))]
        schema = contract(network, rules=work.plugins.rules())
        return _Batch(raw, judge(raw, schema), F.to_json(F.create_map(*fields)))
    text = raw.select("mapping").limit(1).collect()[0]["mapping"]
    mapping = Mapping.from_text(text, "the mapping landed with the batch")
    with work.stage("conform"):
        typed = conform(raw.withColumn("record", F.from_json("record", JSON_RECORD)), mapping)
        # Kept, because several queries filter it, and Sail's planner drowns in the filters pushed into the parsing.
        frame = staging.keep("conformed", typed.withColumn("original", F.to_json("original")))
    schema = contract(network or Network.open(), mapping.unknown, work.plugins.rules())
    return _Batch(frame, judge(frame, schema), F.col("original"))


def _split_and_clean(work: Work, staging: Staging, batch: _Batch) -> tuple[DataFrame, RowCounts, dict[str, int]]:
    """Write shipments and quarantine; return the shipments, and what became of the rows."""
    frame, verdict, original = batch
    sound, bad = verdict.parts(frame)
    with work.stage("repeats"):
        candidates = staging.keep("repeated_ids", repeated_ids(frame))
        repeats = None
        if not candidates.isEmpty():
            # Kept before they are judged, so that the whole batch is neither judged nor read once more.
            alike = staging.keep("suspects", suspects(frame, candidates))
            repeats = staging.keep("repeats", settle(alike.where(verdict.sound), candidates))
            sound = sound.join(repeats, IDENTITY, "left_anti")
            conflicts = repeats.where(F.col("repeat") == CONFLICT)
            bad = bad.unionByName(conflicting(alike, conflicts))
    with work.stage("shipments"):
        shipments = work.replace_batch(SHIPMENTS, with_derived(sound))
    with work.stage("quarantine"):
        typed = F.col("reasons").cast(REASONS_TYPE).alias("reasons")
        rejected = bad.select("source_file", IDENTITY, original.alias("original"), typed)
        quarantine = work.replace_batch(QUARANTINE, rejected)
    with work.stage("counts"):
        parts = {"read": frame}
        if repeats is not None:
            parts["duplicates"] = repeats.where(F.col("repeat") == DUPLICATE)
        written = {"accepted": work.rows_written(SHIPMENTS), "quarantined": work.rows_written(QUARANTINE)}
        return shipments, RowCounts(**row_counts(parts), **written), _reasons(quarantine)


def _warnings(shipments: DataFrame, broken: dict[str, Column]) -> dict[str, int]:
    """Count the accepted rows that break a rule of severity `warn`, by rule."""
    if not broken:
        return {}
    counts = shipments.agg(*(F.count(F.when(each, 1)).alias(f"rule_{place}") for place, each in enumerate(broken.values())))
    rows = dict(zip(broken, counts.collect()[0], strict=True))
    return {name: rows[name] for name in sorted(rows, key=lambda name: (-rows[name], name)) if rows[name]}


def _reasons(quarantine: DataFrame) -> dict[str, int]:
    each = quarantine.select(F.explode("reasons").alias("reason"))
    named = each.select(F.concat_ws(":", F.col("reason")["column"], F.col("reason")["rule"]).alias("name"))
    rows = named.groupBy("name").agg(F.count(F.lit(1)).alias("rows")).collect()
    return {row["name"]: row["rows"] for row in sorted(rows, key=lambda row: (-row["rows"], row["name"]))}
