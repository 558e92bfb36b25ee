"""Which batches have told of a shipment: the table of the hashes of all ids, batch by batch.

It is read as a whole for each batch, a few files of eight bytes a report. Everything else of the history is passed over.
"""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.types import DateType, LongType, StructField, StructType

from shipment_etl.jobs.work import Work
from shipment_etl.lake.commits import DataFile
from shipment_etl.lake.tables import KNOWN_IDS
from shipment_etl.lake.written import nothing_written

__all__ = ["Known", "batches_known", "find_known"]

OWN = StructType([StructField("batch_date", DateType()), StructField("id_hash", LongType())])
MAX_ROWS_IN_ONE_FILE = 1_000_000
"""Hashes that are put together in one file, 8 MB: so much a run writes anew at most, however long the history is."""
PLACES = 1 << 22
"""Of a table that says by some bits of a hash whether it can be among others; it fits into a cache."""


class Known(NamedTuple):
    """What other batches have told of the shipments of a batch.

    Attributes:
        hits: batch_date and id_hash of each batch that has told of one of them, now or when the batch was processed before.
        again: whether the batch was processed before.
    """

    hits: pa.Table
    again: bool


def batches_known(work: Work) -> set[date]:
    """Return the batches of the job's source whose ids are known."""
    found = set[date]()
    for file in _files(work):
        found |= {*pc.unique(work.lake.content(KNOWN_IDS.name, file.path, ["batch_date"])["batch_date"]).to_pylist()}
    return found


def find_known(work: Work, hashes: pa.ChunkedArray, older: pa.Table) -> Known:
    """Put the hashes of a batch's ids in place of those that it had, and return which other batches have them, too.

    Args:
        work: the job.
        hashes: of the ids of its batch.
        older: batch_date and id_hash of other batches that are not known yet; of these, ids that are told of in another
            batch are returned as well.
    """
    files = _files(work)
    with_batch = [each for each in files if each.least["batch_date"] <= work.start.batch_date <= each.most["batch_date"]]
    had = pa.concat_tables([OWN_ROWS, *(_of_batch(work, _read(work, each)) for each in with_batch)])["id_hash"]
    wanted = np.unique(np.concatenate([hashes.to_numpy(), had.to_numpy(), older["id_hash"].to_numpy()]))
    hits = pa.concat_tables([OWN_ROWS, *_hits(work, files, wanted), older])
    _replace(work, files, with_batch, hashes, older)
    return Known(_told_twice(hits, hashes, had) if older.num_rows else hits, len(had) > 0)


def _told_twice(hits: pa.Table, hashes: pa.ChunkedArray, had: pa.ChunkedArray) -> pa.Table:
    """Return the hits of ids that the batch tells of, or that two others do."""
    batches = hits.group_by("id_hash").aggregate([("batch_date", "count_distinct")])
    several = batches.filter(pc.greater(batches["batch_date_count_distinct"], 1))["id_hash"]
    wanted = pa.concat_arrays([chunk for each in (several, hashes, had) for chunk in each.chunks])
    return hits.filter(pc.is_in(hits["id_hash"], value_set=wanted))


def _files(work: Work) -> list[DataFile]:
    return [each for each in work.files(KNOWN_IDS.name) if each.partition["source"] == work.start.source]


def _replace(
    work: Work, files: list[DataFile], with_batch: list[DataFile], hashes: pa.ChunkedArray, older: pa.Table
) -> None:
    own = pa.table({"batch_date": pa.repeat(pa.scalar(work.start.batch_date), len(hashes)), "id_hash": hashes})
    own = pa.concat_tables([own, older])
    small = [each for each in files if (each.rows or 0) + own.num_rows <= MAX_ROWS_IN_ONE_FILE]
    removed = {each.path: each for each in (*with_batch, *small)}
    rows = pa.concat_tables([*(_of_others(work, _read(work, each)) for each in removed.values()), own])
    nothing = nothing_written(KNOWN_IDS, OWN)
    written = []
    if rows.num_rows:
        path, partition = f"{work.folder}/hashes.parquet", {"source": work.start.source}
        written.append(work.lake.write_table(KNOWN_IDS, [rows], nothing.schema, path, partition))
    work.put(KNOWN_IDS, nothing.with_files(written), removed.values())


def _hits(work: Work, files: list[DataFile], wanted: np.ndarray) -> Iterator[pa.Table]:
    can_be = np.zeros(PLACES, bool)
    can_be[wanted & (PLACES - 1)] = True
    for file in files:
        rows = _of_others(work, _read(work, file))
        hashes = rows["id_hash"].to_numpy()
        # To look each of them up in a sorted list would take ten times as long.
        likely = np.flatnonzero(can_be[hashes & (PLACES - 1)])
        yield rows.take(pa.array(likely[np.isin(hashes[likely], wanted)]))


def _read(work: Work, file: DataFile) -> pa.Table:
    return work.lake.content(KNOWN_IDS.name, file.path, OWN.names)


def _of_batch(work: Work, rows: pa.Table) -> pa.Table:
    return rows.filter(pc.equal(rows["batch_date"], pa.scalar(work.start.batch_date)))


def _of_others(work: Work, rows: pa.Table) -> pa.Table:
    return rows.filter(pc.not_equal(rows["batch_date"], pa.scalar(work.start.batch_date)))


OWN_ROWS = pa.schema([("batch_date", pa.date32()), ("id_hash", pa.int64())]).empty_table()
