"""Which batches report on a shipment: the table of the hashes of all ids, batch by batch.

It holds eight bytes a shipment and batch, and says of each batch its first and last id. So where ids grow with time, as most
do, the log tells which files can be passed over; of all others the hashes are read, and nothing else of the history.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.types import DateType, LongType, StringType, StructField, StructType

from shipment_etl.jobs.ids import ID_HASH, Hashes, Ids, in_order
from shipment_etl.jobs.side_by_side import THREADS
from shipment_etl.jobs.work import Work
from shipment_etl.lake.commits import DataFile
from shipment_etl.lake.tables import KNOWN_IDS
from shipment_etl.lake.written import is_text, nothing_written

__all__ = ["HITS", "Known", "find_known", "knows_source"]

OWN = StructType(
    [
        StructField("batch_date", DateType()),
        StructField(ID_HASH, LongType()),
        StructField("first_id", StringType()),
        StructField("last_id", StringType()),
    ]
)
HITS = pa.schema([("batch_date", pa.date32()), (ID_HASH, pa.int64())])
MAX_ROWS_IN_ONE_FILE = 1_000_000
"""Hashes that are put together in one file, 8 MB: so much a run writes anew at most."""
PLACES = 1 << 22
"""Of a table that says by some bits of a hash whether it can be among others; it fits into a cache."""


class Known(NamedTuple):
    """What other batches report on the shipments of a batch.

    Attributes:
        hits: `HITS`, each batch that reports on one of them, now or when the batch was processed before.
        again: whether the batch was processed before.
    """

    hits: pa.Table
    again: bool


def knows_source(work: Work) -> bool:
    """Whether the ids of the job's source are known; they are not, where an earlier release has processed all of it."""
    return bool(_files(work))


def find_known(work: Work, own: Ids, older: Sequence[Ids]) -> Known:
    """Put the ids of the job's batch in place of those that it had, and return which other batches have them, too.

    Args:
        work: the job.
        own: ids of its batch.
        older: of other batches that are not known yet; of these, ids that another batch reports on are returned as well.
    """
    files = _files(work)
    with_batch = [each for each in files if work.may_have_batch(each)]
    had = [ids for each in with_batch for ids in _read(work, each) if ids.batch_date == work.start.batch_date]
    asked = _Asked([own, *(each for each in had if not np.array_equal(each.hashes, own.hashes))], older)
    with ThreadPoolExecutor(THREADS) as pool:
        places = [each for each in files if not _is_own(work, each) and asked.may_be_in(each)]
        found = list(pool.map(lambda file: asked.find(work, file), places))
    _replace(work, files, with_batch, [own, *older])
    hits = pa.concat_tables([HITS.empty_table(), *found, *map(_hits_of, older)])
    return Known(asked.told_twice(hits) if older else hits, bool(had))


class _Asked:
    """Hashes that are looked for, and the range of their ids.

    Args:
        own: of the batch of the job, and those that it had.
        older: of others.
    """

    def __init__(self, own: Sequence[Ids], older: Sequence[Ids]) -> None:
        every = [*own, *older]
        self._own = own
        self._hashes = _union(every)
        self._first = min((each.first for each in every if len(each.hashes)), default="")
        self._last = max((each.last for each in every if len(each.hashes)), default="")

    @cached_property
    def _can_be(self) -> npt.NDArray[np.bool_]:
        places = np.zeros(PLACES, bool)
        for first in range(0, len(self._hashes), MAX_ROWS_IN_ONE_FILE):
            places[self._hashes[first : first + MAX_ROWS_IN_ONE_FILE] & (PLACES - 1)] = True
        return places

    def may_be_in(self, file: DataFile) -> bool:
        """Whether a file can have one of the ids, by its range in the log."""
        return bool(len(self._hashes)) and bool(file.least["first_id"] <= self._last and self._first <= file.most["last_id"])

    def find(self, work: Work, file: DataFile) -> pa.Table:
        """Return which other batches have one of the ids, by a file."""
        hashes = work.lake.content(KNOWN_IDS.name, file.path, [ID_HASH])[ID_HASH].to_numpy()
        # To look each of them up in a sorted list would take ten times as long.
        likely = np.flatnonzero(self._can_be[hashes & (PLACES - 1)])
        places = np.searchsorted(self._hashes, hashes[likely])
        hits = likely[self._hashes.take(places, mode="clip") == hashes[likely]]
        if not len(hits):
            return HITS.empty_table()
        batches = work.lake.content(KNOWN_IDS.name, file.path, ["batch_date"])["batch_date"].take(pa.array(hits))
        rows = pa.Table.from_arrays([batches, pa.array(hashes[hits])], schema=HITS)
        if work.may_have_batch(file):
            rows = rows.filter(pc.not_equal(batches, pa.scalar(work.start.batch_date)))
        return rows

    def told_twice(self, hits: pa.Table) -> pa.Table:
        """Return the hits of ids that two batches report on, or one and the batch of the job."""
        batches = hits.group_by(ID_HASH).aggregate([("batch_date", "count_distinct")])
        several = batches.filter(pc.greater(batches["batch_date_count_distinct"], 1))[ID_HASH].to_numpy()
        wanted = np.concatenate([several, _union(self._own)])
        return hits.filter(pa.array(np.isin(hits[ID_HASH].to_numpy(), wanted)))


def _union(every: Sequence[Ids]) -> Hashes:
    return every[0].hashes if len(every) == 1 else in_order(each.hashes for each in every)


def _hits_of(ids: Ids) -> pa.Table:
    dates = pa.repeat(pa.scalar(ids.batch_date), len(ids.hashes))
    return pa.Table.from_arrays([dates, pa.array(ids.hashes)], schema=HITS)


def _files(work: Work) -> list[DataFile]:
    return [each for each in work.files(KNOWN_IDS.name) if each.partition["source"] == work.start.source]


def _is_own(work: Work, file: DataFile) -> bool:
    """Whether a file has ids of the batch of the job alone, by its range in the log."""
    return bool(file.least["batch_date"] == file.most["batch_date"] == work.start.batch_date)


def _replace(work: Work, files: list[DataFile], with_batch: list[DataFile], new: Sequence[Ids]) -> None:
    """Write ids of batches into one file, together with what small files have of others, and those of the batch."""
    small = _small_files(files, sum(len(each.hashes) for each in new))
    removed = {each.path: each for each in (*with_batch, *small)}
    mixed = [each for each in removed.values() if not _is_own(work, each)]
    others = [ids for each in mixed for ids in _read(work, each) if ids.batch_date != work.start.batch_date]
    nothing = nothing_written(KNOWN_IDS, OWN)
    rows, written = [_rows_of(each) for each in (*others, *new) if len(each.hashes)], []
    if rows:
        path, partition = f"{work.folder}/hashes.parquet", {"source": work.start.source}
        written.append(work.lake.write_table(KNOWN_IDS, rows, nothing.schema, path, partition))
    work.put(KNOWN_IDS, nothing.with_files(written), removed.values())


def _small_files(files: Iterable[DataFile], rows: int) -> list[DataFile]:
    """Return the files that so many rows are put together with.

    None has more rows than all that it is put together with. So a row is written anew as often as the number of its file's
    rows doubles, and there are as many small files at most, however long the history is.
    """
    found = []
    for each in sorted(files, key=lambda file: file.rows or 0):
        if (each.rows or 0) > min(rows, MAX_ROWS_IN_ONE_FILE - rows):
            break
        found.append(each)
        rows += each.rows or 0
    return found


def _read(work: Work, file: DataFile) -> Iterator[Ids]:
    rows = work.content(KNOWN_IDS, [file], OWN.names, encoded=is_text)
    batches: Iterable[pa.Table] = [rows]
    if file.least["batch_date"] != file.most["batch_date"]:
        batches = (rows.filter(pc.equal(rows["batch_date"], each)) for each in pc.unique(rows["batch_date"]))
    for batch in batches:
        day, first, last = (batch[name][0].as_py() for name in ("batch_date", "first_id", "last_id"))
        yield Ids(day, in_order(batch[ID_HASH].chunks), first, last)


def _rows_of(ids: Ids) -> pa.Table:
    """Return the rows of a batch; what is the same in all of them is a dictionary of one value."""
    same = np.zeros(len(ids.hashes), np.int8)
    values = {"batch_date": pa.array([ids.batch_date]), "first_id": pa.array([ids.first]), "last_id": pa.array([ids.last])}
    columns = {name: pa.DictionaryArray.from_arrays(same, value) for name, value in values.items()}
    return pa.table({ID_HASH: pa.array(ids.hashes), **columns})
