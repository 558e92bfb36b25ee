"""Which batches report on a shipment: the table of the hashes of all ids, batch by batch.

It takes eight bytes per shipment and batch, and has the first and last id of each batch. If ids grow with time, as most do,
the Delta log says which files can be skipped; of all others only the hashes are read, and nothing else of the history.
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

from shipment_etl.jobs.ids import ID_HASH, Hashes, Ids, sort_unique
from shipment_etl.jobs.side_by_side import THREADS
from shipment_etl.jobs.small_files import MAX_ROWS_IN_ONE_FILE, find_small_files
from shipment_etl.jobs.work import Work
from shipment_etl.lake.commits import DataFile
from shipment_etl.lake.tables import KNOWN_IDS
from shipment_etl.lake.written import empty_written, is_text

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
PLACES = 1 << 22
"""Size of a lookup table that says, by some bits of a hash, whether it can be among others; it fits into a CPU cache."""


class Known(NamedTuple):
    """Which other batches report on the shipments of a batch.

    Attributes:
        hits: `HITS` of the other batches that report on its shipments, or on those that it had when processed before.
        again: whether the batch was processed before.
    """

    hits: pa.Table
    again: bool


def knows_source(work: Work) -> bool:
    """Whether the ids of the job's source are known; they are not if an earlier release processed all of its batches."""
    return bool(_files(work))


def find_known(work: Work, own: Ids, older: Sequence[Ids]) -> Known:
    """Replace the ids of the job's batch, and return which other batches have the same ids.

    Args:
        work: the job.
        own: ids of its batch.
        older: ids of other batches that are not known yet; those that they share with another batch are returned as well.
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
    return Known(asked.select_shared(hits) if older else hits, bool(had))


class _Asked:
    """Hashes to search for, and the range of their ids.

    Args:
        own: ids of the job's batch, and those that it had before.
        older: ids of other batches.
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
        """Return which other batches have one of the ids, according to a file."""
        hashes = work.lake.content(KNOWN_IDS.name, file.path, [ID_HASH])[ID_HASH].to_numpy()
        # Looking each of them up in a sorted list would take ten times as long.
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

    def select_shared(self, hits: pa.Table) -> pa.Table:
        """Return the hits of ids that two batches report on, or one batch and the job's."""
        batches = hits.group_by(ID_HASH).aggregate([("batch_date", "count_distinct")])
        several = batches.filter(pc.greater(batches["batch_date_count_distinct"], 1))[ID_HASH].to_numpy()
        wanted = np.concatenate([several, _union(self._own)])
        return hits.filter(pa.array(np.isin(hits[ID_HASH].to_numpy(), wanted)))


def _union(every: Sequence[Ids]) -> Hashes:
    return every[0].hashes if len(every) == 1 else sort_unique(each.hashes for each in every)


def _hits_of(ids: Ids) -> pa.Table:
    dates = pa.repeat(pa.scalar(ids.batch_date), len(ids.hashes))
    return pa.Table.from_arrays([dates, pa.array(ids.hashes)], schema=HITS)


def _files(work: Work) -> list[DataFile]:
    return [each for each in work.files(KNOWN_IDS.name) if each.partition["source"] == work.start.source]


def _is_own(work: Work, file: DataFile) -> bool:
    """Whether a file only has ids of the job's batch, by its range in the log."""
    return bool(file.least["batch_date"] == file.most["batch_date"] == work.start.batch_date)


def _replace(work: Work, files: list[DataFile], with_batch: list[DataFile], new: Sequence[Ids]) -> None:
    """Write new ids into a file, merged with the ids of other batches in small files and in files that had the batch."""
    small = find_small_files(files, sum(len(each.hashes) for each in new))
    removed = {each.path: each for each in (*with_batch, *small)}
    mixed = [each for each in removed.values() if not _is_own(work, each)]
    others = [ids for each in mixed for ids in _read(work, each) if ids.batch_date != work.start.batch_date]
    nothing = empty_written(KNOWN_IDS, OWN)
    written = []
    for number, part in enumerate(_split([each for each in (*others, *new) if len(each.hashes)])):
        path, partition = f"{work.folder}/hashes-{number}.parquet", {"source": work.start.source}
        written.append(work.lake.write_table(KNOWN_IDS, map(_rows_of, part), nothing.schema, path, partition))
    work.put(KNOWN_IDS, nothing.with_files(written), removed.values())


def _split(every: Iterable[Ids]) -> Iterator[list[Ids]]:
    """Split ids into parts for one file each: there are many when the first job of this release reads all older batches."""
    part, rows = list[Ids](), 0
    for ids in every:
        if part and rows + len(ids.hashes) > MAX_ROWS_IN_ONE_FILE:
            yield part
            part, rows = [], 0
        part.append(ids)
        rows += len(ids.hashes)
    if part:
        yield part


def _read(work: Work, file: DataFile) -> Iterator[Ids]:
    rows = work.content(KNOWN_IDS, [file], OWN.names, encoded=is_text)
    batches: Iterable[pa.Table] = [rows]
    if file.least["batch_date"] != file.most["batch_date"]:
        batches = (rows.filter(pc.equal(rows["batch_date"], each)) for each in pc.unique(rows["batch_date"]))
    for batch in batches:
        day, first, last = (batch[name][0].as_py() for name in ("batch_date", "first_id", "last_id"))
        yield Ids(day, sort_unique(batch[ID_HASH].chunks), first, last)


def _rows_of(ids: Ids) -> pa.Table:
    """Return the rows of a batch; columns with one value in all rows are dictionaries of that value."""
    same = np.zeros(len(ids.hashes), np.int8)
    values = {"batch_date": pa.array([ids.batch_date]), "first_id": pa.array([ids.first]), "last_id": pa.array([ids.last])}
    columns = {name: pa.DictionaryArray.from_arrays(same, value) for name, value in values.items()}
    return pa.table({ID_HASH: pa.array(ids.hashes), **columns})
