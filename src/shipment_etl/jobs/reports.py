"""Reports on one shipment in several batches: the newest is in shipments, all others are in overtaken.

known_ids says which batches report on a shipment. Only their files are read, and only the columns that say which report is
newer; a file that loses a report is rewritten without it. Most reports are on shipments in transit, which have their own
files. Moving reports needs no engine.

A report is overtaken by the next newer one. So the history of a shipment is a chain, and adding or removing a report changes
one link of it.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DateType, LongType, StructField, StructType

from shipment_etl.dates import as_date
from shipment_etl.hashing import hash_of
from shipment_etl.jobs.batch import IN_TRANSIT
from shipment_etl.jobs.chains import NEXT_BATCH, NEXT_ROW, TIED
from shipment_etl.jobs.ids import ID_HASH, Hashes, Ids, sort_unique
from shipment_etl.jobs.known_ids import find_known, knows_source
from shipment_etl.jobs.links import IDS, Links
from shipment_etl.jobs.places import (
    BY_BATCH,
    BY_ROW,
    PLACE,
    POSITION,
    Place,
    is_of,
    places_of,
    read_whole,
    report_schema,
)
from shipment_etl.jobs.roll_up import SIGN
from shipment_etl.jobs.side_by_side import THREADS
from shipment_etl.jobs.work import Work
from shipment_etl.lake.commits import DataFile
from shipment_etl.lake.staging import Staging
from shipment_etl.lake.tables import OVERTAKEN, SHIPMENTS, Table
from shipment_etl.lake.written import Written, empty_written

__all__ = ["Resolved", "resolve_reports"]

WAS_BY = "was_by"
"""The batch that had overtaken a report until now."""
NEVER = -(1 << 31)


class Resolved(NamedTuple):
    """What became of the reports of a batch.

    Attributes:
        shipments: files of its newest reports.
        overtaken: number of its other reports.
        overtook: number of reports of other batches that this batch has overtaken.
        tied: number of pairs of successive reports with the same moment, one of this batch and one of another.
        corrections: what `update_lane_days` has to book in addition to the shipments.
    """

    shipments: Written
    overtaken: int
    overtook: int
    tied: int
    corrections: pa.Table


class _Move(NamedTuple):
    """What happens to a place: the file that replaces it, None if nothing is left, and the reports that leave it.

    `moving` go to other files; `dropped` are reports of the job's batch from when it was processed before.
    """

    place: Place
    rest: DataFile | None
    moving: pa.Table
    dropped: pa.Table


def resolve_reports(work: Work, staging: Staging, shipments: Written, overtaken: Written, hashes: Hashes) -> Resolved:
    """Update shipments and overtaken with the reports of a batch.

    Args:
        work: the job.
        staging: for intermediate results.
        shipments: files of the batch's shipments, as written.
        overtaken: files of the batch's reports that others in it have overtaken, written beside its shipments.
        hashes: hashes of the ids in both.
    """
    rows = shipments.rows + overtaken.rows
    shipments = shipments.with_files(replace(each, partition=work.batch) for each in shipments.files)
    overtaken = _write_overtaken(work, shipments, overtaken)
    own = [Place(SHIPMENTS, each, is_own=True) for each in shipments.files]
    own += [Place(OVERTAKEN, each, is_own=True) for each in overtaken.files]
    older = _read_older(work, staging)
    known = find_known(work, Ids(work.start.batch_date, hashes, *_ends(work, shipments)), older)
    moves, tied = list[_Move](), 0
    if known.hits.num_rows:
        asked = _read_ids(work, staging, shipments, known.hits, with_older=bool(older))
        links = Links(work, own, are_unique=not older)
        linked = links.find(asked, known)
        moves, tied = _move(work, links, linked, shipments, overtaken), _count_ties(work, linked)
    return _settle(work, own, moves, shipments, overtaken, rows, tied)


def _ends(work: Work, shipments: Written) -> tuple[str, str]:
    """Return the first and last id of shipments, from the footers of their files if these have them."""
    ends = []
    for file in shipments.files:
        least, most = (each.get("shipment_id") for each in (file.least, file.most))
        if least is None or most is None:
            read = pc.min_max(work.content(SHIPMENTS, [file], ["shipment_id"])["shipment_id"]).as_py()
            least, most = read["min"], read["max"]
        ends.append((least, most))
    return min((least for least, _ in ends), default=""), max((most for _, most in ends), default="")


def _read_others(work: Work) -> DataFrame:
    """Return shipments of the other batches of the source."""
    mine = (F.col("source") == work.start.source) & (F.col("batch_date") != F.lit(work.start.batch_date))
    return work.base.read(work.spark, SHIPMENTS.name).where(mine)


def _read_older(work: Work, staging: Staging) -> list[Ids]:
    """Return the ids of the batches that an earlier release has processed, if no ids of the source are known yet."""
    batches = {as_date(each.file.partition["batch_date"]) for each in places_of(work, SHIPMENTS)} - {work.start.batch_date}
    if knows_source(work) or not batches:
        return []
    others = _read_others(work)
    ends = others.groupBy("batch_date").agg(F.min("shipment_id").alias("first"), F.max("shipment_id").alias("last"))
    hashes = staging.keep("older_ids", others.select("batch_date", hash_of("shipment_id").alias(ID_HASH))).content()
    return [
        Ids(
            row["batch_date"],
            sort_unique(hashes.filter(is_of(hashes, row["batch_date"]))[ID_HASH].chunks),
            row["first"],
            row["last"],
        )
        for row in ends.collect()
    ]


def _read_ids(work: Work, staging: Staging, shipments: Written, hits: pa.Table, *, with_older: bool) -> pa.Table:
    """Return the ids of hits, with their hashes; also those of older batches if `with_older`."""
    hashes = staging.put("hits", hits.select([ID_HASH]).group_by(ID_HASH).aggregate([]))
    rows = work.lake.read_files(work.spark, SHIPMENTS.name, shipments.files, shipments.own).select("shipment_id")
    if with_older:
        rows = rows.unionByName(_read_others(work).select("shipment_id"))
    asked = rows.withColumn(ID_HASH, hash_of("shipment_id")).join(hashes, ID_HASH)
    kept = staging.keep("asked", asked.select(IDS.names))
    return kept.content().cast(IDS) if kept.rows else IDS.empty_table()


def _write_overtaken(work: Work, shipments: Written, overtaken: Written) -> Written:
    """Write reports of the batch that others in it have overtaken into files of the table overtaken."""
    fields = [each for each in shipments.own.fields if each.name in OVERTAKEN.columns]
    own = StructType([*fields, StructField("batch_date", DateType()), StructField(BY_ROW, LongType())])
    if not overtaken.files:
        return empty_written(OVERTAKEN, own)
    rows = work.lake.read_files(work.spark, SHIPMENTS.name, overtaken.files, overtaken.own)
    told = rows.withColumns({"batch_date": F.lit(work.start.batch_date), BY_ROW: F.col("next_row")})
    written = work.write(OVERTAKEN, told.select(*own.names), "batch")
    work.discard(SHIPMENTS, overtaken.files)
    return written.with_files(replace(each, partition=_partition_of(work, work.start.batch_date)) for each in written.files)


def _partition_of(work: Work, batch: date) -> dict[str, str]:
    """Return the partition of the reports that a batch has overtaken."""
    return {"source": work.start.source, BY_BATCH: batch.isoformat()}


def _move(work: Work, links: Links, linked: pa.Table, shipments: Written, overtaken: Written) -> list[_Move]:
    """Take reports out of their places if another report overtakes them now, or none."""
    schemas = {SHIPMENTS.name: shipments.schema, OVERTAKEN.name: overtaken.schema}
    columns, day = report_schema(overtaken.arrow), work.start.batch_date
    changed = linked.filter(pc.or_(_differs(linked, BY_BATCH, NEXT_BATCH), _differs(linked, BY_ROW, NEXT_ROW)))
    changed = changed.sort_by(PLACE)
    numbers = changed[PLACE].to_numpy()

    def move(number: int) -> _Move:
        place = links.places[number]
        first, last = np.searchsorted(numbers, [number, number + 1])
        mine = changed.slice(first, last - first)
        whole = read_whole(work, place, columns)
        stays = np.ones(whole.num_rows, bool)
        stays[mine[POSITION].to_numpy()] = False
        was_by = pa.scalar(place.by, pa.date32())
        moving, dropped = whole.take(mine[POSITION]).cast(columns), columns.empty_table()
        for name in (NEXT_BATCH, NEXT_ROW):
            moving = moving.append_column(name, mine[name])
        if number in links.stale:
            stale = is_of(whole, day).to_numpy()
            dropped = whole.filter(pa.array(stale)).cast(columns)
            stays &= ~stale
        rest, file = whole.filter(pa.array(stays)), None
        if rest.num_rows:
            folder = f"rest{IN_TRANSIT}" if IN_TRANSIT in place.file.path else "rest"
            path, schema = f"{work.folder}/{folder}/{number}.parquet", schemas[place.table.name]
            file = work.lake.write_table(place.table, [rest], schema, path, place.file.partition_texts)
        return _Move(place, file, _add_column(moving, WAS_BY, was_by), _add_column(dropped, WAS_BY, was_by))

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(move, sorted({*numbers.tolist(), *links.stale})))


def _add_column(rows: pa.Table, name: str, value: pa.Scalar) -> pa.Table:
    """Return rows with a column of one value."""
    return rows.append_column(name, pa.repeat(value, rows.num_rows))


def _differs(rows: pa.Table, one: str, other: str) -> pa.ChunkedArray:
    def number(name: str) -> pa.ChunkedArray:
        whole = rows[name].cast(pa.int32()).cast(pa.int64()) if pa.types.is_date(rows[name].type) else rows[name]
        return pc.fill_null(whole, NEVER)

    return pc.not_equal(number(one), number(other))


def _count_ties(work: Work, linked: pa.Table) -> int:
    """Count the pairs of reports with the same moment, one of this batch and one of another."""
    day = work.start.batch_date
    return pc.sum(pc.and_(linked[TIED], pc.xor(is_of(linked, day), is_of(linked, day, NEXT_BATCH)))).as_py() or 0


def _settle(
    work: Work, own: list[Place], moves: list[_Move], shipments: Written, overtaken: Written, rows: int, tied: int
) -> Resolved:
    """Put every file into its table: those that stay, those that were rewritten, and those of the reports that moved."""
    day, replaced = work.start.batch_date, {(each.place.table.name, each.place.file.path) for each in moves}
    kept = [each for each in own if (each.table.name, each.file.path) not in replaced]
    rests = [replace(each.place, file=each.rest) for each in moves if each.rest]
    moving = pa.concat_tables([_empty_moves(overtaken), *(each.moving for each in moves)])
    arrived = [*_write_newest(work, moving, shipments), *_write_into_overtaken(work, moving, overtaken)]
    for table, written in ((SHIPMENTS, shipments), (OVERTAKEN, overtaken)):
        files = [each.file for each in (*kept, *rests, *arrived) if each.table is table]
        known = work.files(table.name)
        gone = [each for each in known if (table.name, each.path) in replaced or _is_from_before(work, table, each)]
        if files or gone or table.name not in work.base.tables:
            work.put(table, written.with_files(files), gone)
    newest = shipments.with_files(each.file for each in (*kept, *rests) if each.table is SHIPMENTS and each.is_own)
    overtook = pc.sum(pc.and_(is_of(moving, day, NEXT_BATCH), pc.invert(is_of(moving, day)))).as_py() or 0
    dropped = pa.concat_tables([moving.slice(0, 0).drop_columns([NEXT_BATCH, NEXT_ROW]), *(each.dropped for each in moves)])
    return Resolved(newest, rows - newest.rows, overtook, tied, _corrections(work, moving, dropped))


def _empty_moves(overtaken: Written) -> pa.Table:
    """Return an empty table with the columns of moving reports."""
    dates, row = [pa.field(name, pa.date32()) for name in (NEXT_BATCH, WAS_BY)], pa.field(NEXT_ROW, pa.int64())
    return pa.schema([*report_schema(overtaken.arrow), dates[0], row, dates[1]]).empty_table()


def _is_from_before(work: Work, table: Table, file: DataFile) -> bool:
    """Whether a file only has results of the job's batch from when it was processed before."""
    column = "batch_date" if table is SHIPMENTS else BY_BATCH
    batch = {"source": work.start.source, column: work.start.batch_date.isoformat()}
    return file.partition_texts.items() >= batch.items()


def _write_newest(work: Work, moving: pa.Table, shipments: Written) -> Iterator[Place]:
    """Write reports that are no longer overtaken back into shipments."""
    newest = moving.filter(pc.is_null(moving[NEXT_BATCH]))
    for batch in sorted(pc.unique(newest["batch_date"]).to_pylist()):
        rows = newest.filter(is_of(newest, batch))
        for folder, part in (("back", pc.is_valid(rows["outcome"])), (f"back{IN_TRANSIT}", pc.is_null(rows["outcome"]))):
            found, partition = rows.filter(part), {"source": work.start.source, "batch_date": batch.isoformat()}
            if found.num_rows:
                path = f"{work.folder}/{folder}/{batch}.parquet"
                file = work.lake.write_table(SHIPMENTS, [found], shipments.schema, path, partition)
                yield Place(SHIPMENTS, file)


def _write_into_overtaken(work: Work, moving: pa.Table, overtaken: Written) -> Iterator[Place]:
    """Write reports into overtaken, one file for each batch that overtakes them."""
    for batch in sorted(pc.unique(moving[NEXT_BATCH].drop_null()).to_pylist()):
        rows = moving.filter(is_of(moving, batch, NEXT_BATCH))
        rows = rows.set_column(rows.column_names.index(BY_ROW), BY_ROW, rows[NEXT_ROW])
        path = f"{work.folder}/moved/{batch}.parquet"
        yield Place(OVERTAKEN, work.lake.write_table(OVERTAKEN, [rows], overtaken.schema, path, _partition_of(work, batch)))


def _corrections(work: Work, moving: pa.Table, dropped: pa.Table) -> pa.Table:
    """Return the reports to book, with the batch that books them as batch_date, and `SIGN`.

    A batch books all of its reports, and books off those that it overtakes. The job's batch is booked again as a whole; of
    the other batches, only the changes.
    """
    day = work.start.batch_date
    own, by_own = is_of(moving, day), is_of(moving, day, NEXT_BATCH)
    is_overtaken = pc.is_valid(moving[NEXT_BATCH])
    entries = (
        (moving.filter(_is_another(moving, day, WAS_BY)), WAS_BY, 1),
        (dropped.filter(_is_another(dropped, day, WAS_BY)), WAS_BY, 1),
        # Reports of the batch that it has overtaken itself would be booked and booked off, so neither is needed.
        (moving.filter(pc.and_(is_overtaken, pc.invert(pc.and_(own, by_own)))), NEXT_BATCH, -1),
        (moving.filter(pc.and_(own, _is_another(moving, day, NEXT_BATCH))), "batch_date", 1),
    )
    times = [name for name, kind in SHIPMENTS.columns.items() if kind == "timestamp"]
    columns = [name for name in SHIPMENTS.columns if name not in ("source", "batch_date", *times)]
    return pa.concat_tables(
        _add_column(rows.select(columns).append_column("batch_date", rows[batch]), SIGN, pa.scalar(sign))
        for rows, batch, sign in entries
    )


def _is_another(rows: pa.Table, batch: date, column: str) -> pa.ChunkedArray:
    """Return whether rows are of another batch; false where the column is null."""
    return pc.fill_null(pc.not_equal(rows[column], pa.scalar(batch)), False)
