"""Which batches report on a shipment: the table of the hashes of all ids, batch by batch.

It holds eight bytes a report, and says of each batch its first and last id. So where ids grow with time, as most do, the log
tells which files can be passed over; of all others the hashes are read, and nothing else of the history.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.types import DateType, LongType, StringType, StructField, StructType

from shipment_etl.jobs.work import Work
from shipment_etl.lake.commits import DataFile
from shipment_etl.lake.tables import KNOWN_IDS
from shipment_etl.lake.written import nothing_written

__all__ = ["IDS", "Known", "find_known", "knows_source"]

IDS = pa.schema([("batch_date", pa.date32()), ("id_hash", pa.int64()), ("shipment_id", pa.string())])
"""Ids of batches, and their hashes."""
OWN = StructType(
    [
        StructField("batch_date", DateType()),
        StructField("id_hash", LongType()),
        StructField("first_id", StringType()),
        StructField("last_id", StringType()),
    ]
)
HITS = pa.schema([("batch_date", pa.date32()), ("id_hash", pa.int64())])
MAX_ROWS_IN_ONE_FILE = 1_000_000
"""Hashes that are put together in one file, 8 MB: so much a run writes anew at most, however long the history is."""
PLACES = 1 << 22
"""Of a table that says by some bits of a hash whether it can be among others; it fits into a cache."""


class Known(NamedTuple):
    """What other batches report on the shipments of a batch.

    Attributes:
        hits: batch_date and id_hash of each batch that reports on one of them, now or when the batch was processed before.
        again: whether the batch was processed before.
    """

    hits: pa.Table
    again: bool


def knows_source(work: Work) -> bool:
    """Whether the ids of the job's source are known; they are not, where an earlier release has processed all of it."""
    return bool(_files(work))


def find_known(work: Work, own: pa.Table, older: pa.Table) -> Known:
    """Put the hashes of a batch's ids in place of those that it had, and return which other batches have them, too.

    Args:
        work: the job.
        own: `IDS` of its batch.
        older: of other batches that are not known yet; of these, ids that another batch reports on are returned as well.
    """
    files = _files(work)
    with_batch = [each for each in files if work.may_have_batch(each)]
    had = pa.concat_tables([_nothing(), *(_of_batch(work, _read(work, each)) for each in with_batch)])
    asked = _Asked(own, had, older)
    found = [asked.find(work, each) for each in files if asked.may_be_in(each)]
    hits = pa.concat_tables([HITS.empty_table(), *found, older.select(HITS.names)])
    _replace(work, files, with_batch, pa.concat_tables([_with_range(own), *_ranged(older)]))
    if older.num_rows:
        hits = asked.told_twice(hits)
    return Known(hits, had.num_rows > 0)


class _Asked:
    """Hashes that are looked for, those of the batch of the job among them, and the range of their ids."""

    def __init__(self, own: pa.Table, had: pa.Table, older: pa.Table) -> None:
        self._own = np.concatenate([own["id_hash"].to_numpy(), had["id_hash"].to_numpy()])
        self._hashes = np.sort(np.concatenate([self._own, older["id_hash"].to_numpy()]))
        ids = (own["shipment_id"], older["shipment_id"], had["first_id"], had["last_id"])
        ranges = [pc.min_max(each) for each in ids]
        known = [each for each in ranges if each["min"].is_valid]
        self._first = min((each["min"].as_py() for each in known), default="")
        self._last = max((each["max"].as_py() for each in known), default="")
        self._can_be = np.zeros(PLACES, bool)
        self._can_be[self._hashes & (PLACES - 1)] = True

    def may_be_in(self, file: DataFile) -> bool:
        """Whether a file can have one of the ids, by its range in the log."""
        return bool(len(self._hashes)) and bool(file.least["first_id"] <= self._last and self._first <= file.most["last_id"])

    def find(self, work: Work, file: DataFile) -> pa.Table:
        """Return which other batches have one of the ids, by a file."""
        rows = work.lake.content(KNOWN_IDS.name, file.path, HITS.names)
        hashes = rows["id_hash"].to_numpy()
        # To look each of them up in a sorted list would take ten times as long.
        likely = np.flatnonzero(self._can_be[hashes & (PLACES - 1)])
        places = np.searchsorted(self._hashes, hashes[likely])
        found = rows.take(pa.array(likely[self._hashes.take(places, mode="clip") == hashes[likely]]))
        return found.filter(pc.not_equal(found["batch_date"], pa.scalar(work.start.batch_date)))

    def told_twice(self, hits: pa.Table) -> pa.Table:
        """Return the hits of ids that two batches report on, or one and the batch of the job."""
        batches = hits.group_by("id_hash").aggregate([("batch_date", "count_distinct")])
        several = batches.filter(pc.greater(batches["batch_date_count_distinct"], 1))["id_hash"].to_numpy()
        return hits.filter(pa.array(np.isin(hits["id_hash"].to_numpy(), np.concatenate([several, self._own]))))


def _files(work: Work) -> list[DataFile]:
    return [each for each in work.files(KNOWN_IDS.name) if each.partition["source"] == work.start.source]


def _replace(work: Work, files: list[DataFile], with_batch: list[DataFile], new: pa.Table) -> None:
    small = [each for each in files if (each.rows or 0) + new.num_rows <= MAX_ROWS_IN_ONE_FILE]
    removed = {each.path: each for each in (*with_batch, *small)}
    rows = pa.concat_tables([*(_of_others(work, _read(work, each)) for each in removed.values()), new])
    nothing = nothing_written(KNOWN_IDS, OWN)
    written = []
    if rows.num_rows:
        path, partition = f"{work.folder}/hashes.parquet", {"source": work.start.source}
        written.append(work.lake.write_table(KNOWN_IDS, [rows], nothing.schema, path, partition))
    work.put(KNOWN_IDS, nothing.with_files(written), removed.values())


def _ranged(ids: pa.Table) -> Iterator[pa.Table]:
    for batch in pc.unique(ids["batch_date"]):
        yield _with_range(ids.filter(pc.equal(ids["batch_date"], batch)))


def _with_range(ids: pa.Table) -> pa.Table:
    """Return the hashes of one batch with its first and last id."""
    ends, rows = pc.min_max(ids["shipment_id"]), ids.select(HITS.names)
    for name, end in (("first_id", ends["min"]), ("last_id", ends["max"])):
        rows = rows.append_column(name, pa.repeat(end, rows.num_rows))
    return rows.cast(_nothing().schema)


def _read(work: Work, file: DataFile) -> pa.Table:
    return work.lake.content(KNOWN_IDS.name, file.path).select(OWN.names).cast(_nothing().schema)


def _nothing() -> pa.Table:
    return pa.schema([*HITS, ("first_id", pa.string()), ("last_id", pa.string())]).empty_table()


def _of_batch(work: Work, rows: pa.Table) -> pa.Table:
    return rows.filter(pc.equal(rows["batch_date"], pa.scalar(work.start.batch_date)))


def _of_others(work: Work, rows: pa.Table) -> pa.Table:
    return rows.filter(pc.not_equal(rows["batch_date"], pa.scalar(work.start.batch_date)))
