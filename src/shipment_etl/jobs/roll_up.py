"""Keep the roll-up up to date: what a batch books in lane_days, from its shipments as they were written.

One read of the written files gives the sums, the count and the fingerprint of shipments. The result is small, and is added
to its months without an engine, merged with small files, so that a month has a few files, however many batches it holds.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from shipment_etl.errors import RowsMissing
from shipment_etl.jobs.side_by_side import THREADS
from shipment_etl.jobs.small_files import find_small_files
from shipment_etl.jobs.work import Work, may_have_batch
from shipment_etl.lake.commits import DataFile
from shipment_etl.lake.fingerprint import PARTS, join_parts, row_hash
from shipment_etl.lake.lane_sums import sum_lane_days
from shipment_etl.lake.older import complete_lane_days
from shipment_etl.lake.staging import Staging
from shipment_etl.lake.tables import LANE_DAYS, SHIPMENTS
from shipment_etl.lake.written import Written, empty_written
from shipment_etl.life import CANCELLED
from shipment_etl.transform.lane_days import KEYS, SUMS, roll_up

__all__ = ["SIGN", "update_lane_days"]

SIGN = "sign"
"""The column of a correction that says whether its shipment is booked, 1, or booked off, -1."""
GROUPS = ("source", "batch_date", "shipment_date", *KEYS)


def update_lane_days(
    work: Work, staging: Staging, shipments: Written, warnings: Mapping[str, Column], corrections: pa.Table
) -> tuple[list[str], dict[str, int]]:
    """Update lane_days with the batch's shipments.

    Args:
        work: the job.
        staging: for intermediate results.
        shipments: files of the shipments, as written.
        warnings: rules that a shipment may break, name → whether it does.
        corrections: shipments to book in addition, with the batch that books them as batch_date, and `SIGN`.

    Returns:
        The months that have changed, and the number of rows for each rule that shipments break, the most frequent first.

    Raises:
        RowsMissing: the files do not hold the rows that were written to them.
    """
    rows = work.with_batch(work.read_files(SHIPMENTS, shipments.files)).select(*SHIPMENTS.columns)
    breaks = {f"warning_{place}": F.when(each, 1).otherwise(0) for place, each in enumerate(warnings.values())}
    hashed = rows.withColumns({"row_hash": row_hash(rows.schema), **breaks})
    broken = {name: ("sum", name) for name in breaks}
    beside = {**PARTS, **broken}
    kept = staging.keep("lane_days", roll_up(hashed, beside))
    nothing = empty_written(LANE_DAYS, StructType([each for each in kept.schema.fields if each.name not in beside]))
    columns = [*nothing.arrow, *(pa.field(name, pa.int64()) for name in beside)]
    found = kept.content() if kept.rows else pa.schema(columns).empty_table()
    read = _total(found, "shipments")
    if read != shipments.rows:
        raise RowsMissing(SHIPMENTS.name, shipments.rows, read)
    work.fingerprints.note(SHIPMENTS, join_parts(read, *(found[name].to_pylist() for name in PARTS)))
    booked = [found, *_roll_up_corrections(work, staging, corrections)]
    changed = _book(work, pa.concat_tables(_cast(each, nothing) for each in booked), nothing)
    counts = {rule: _total(found, name) for rule, name in zip(warnings, broken, strict=True)}
    return changed, {rule: counts[rule] for rule in sorted(counts, key=lambda rule: (-counts[rule], rule)) if counts[rule]}


def _total(rows: pa.Table, column: str) -> int:
    return pc.sum(rows[column]).as_py() or 0


def _roll_up_corrections(work: Work, staging: Staging, corrections: pa.Table) -> Iterator[pa.Table]:
    if not corrections.num_rows:
        return
    rows = staging.put("corrections", corrections).withColumn("source", F.lit(work.start.source))
    rolled = staging.keep("booked", roll_up(rows, keys=[SIGN])).content()
    for sign in (1, -1):
        found = rolled.filter(pc.equal(rolled[SIGN], sign))
        for name in SUMS if sign < 0 else ():
            found = found.set_column(found.column_names.index(name), name, pc.negate(found[name]))
        yield found


class _Booked(NamedTuple):
    """What was booked in a month; nothing if it did not change.

    Attributes:
        months: the month.
        files: written for it.
        replaced: files that these replace.
    """

    months: Sequence[str] = ()
    files: Sequence[DataFile] = ()
    replaced: Sequence[DataFile] = ()


def _book(work: Work, entries: pa.Table, nothing: Written) -> list[str]:
    """Replace what the batch had booked, add what other batches book, and return the months that change."""
    entries = entries.filter(pc.not_equal(entries["state"], CANCELLED))
    month_of = pc.strftime(entries["shipment_date"], "%Y-%m")
    known = work.files(LANE_DAYS.name)
    # A table with partitions or columns of an earlier release is rewritten, so all of its months are.
    anew = any(each.partition.keys() != {"month"} for each in known) or not work.has_columns(LANE_DAYS)
    had = {each.partition["month"] for each in known if anew or work.may_have_batch(each)}

    def book(month: str) -> _Booked:
        return _book_month(work, month, entries.filter(pc.equal(month_of, month)), nothing, anew=anew)

    with ThreadPoolExecutor(THREADS) as pool:
        done = list(pool.map(book, sorted({*pc.unique(month_of).to_pylist(), *had})))
    files = [file for each in done for file in each.files]
    work.put(LANE_DAYS, nothing.with_files(files), [file for each in done for file in each.replaced])
    mine = (F.col("source") == work.start.source) & (F.col("batch_date") == F.lit(work.start.batch_date))
    rows_written = work.read_files(LANE_DAYS, files).where(mine)
    with_month = rows_written.withColumn("month", F.date_format("shipment_date", "yyyy-MM"))
    work.fingerprints.note_rows(LANE_DAYS, with_month, files, lambda rows: rows.filter(_is_of_batch(work, rows)))
    return [month for each in done for month in each.months]


def _book_month(work: Work, month: str, new: pa.Table, nothing: Written, *, anew: bool) -> _Booked:
    """Replace what the batch had booked in a month, and write new entries, merged with small files; with all if `anew`."""
    old = [each for each in work.files(LANE_DAYS.name) if each.partition["month"] == month]
    batches = [work.start.batch_date, *pc.unique(new["batch_date"]).to_pylist()]
    read = old if anew else [each for each in old if may_have_batch(each, batches)]
    empty = _cast(nothing.arrow.empty_table(), nothing)
    before = pa.concat_tables([empty, *(_content(work, each, nothing) for each in read)])
    kept = before.filter(pc.invert(_is_of_batch(work, before)))
    if not new.num_rows and kept.num_rows == before.num_rows and not anew:
        return _Booked()
    touched = pc.is_in(kept["batch_date"], value_set=pc.unique(new["batch_date"]))
    booked = _sum(pa.concat_tables([kept.filter(touched), new]))
    small = find_small_files([each for each in old if each not in read], before.num_rows + booked.num_rows)
    rows = pa.concat_tables([*(_content(work, each, nothing) for each in small), kept.filter(pc.invert(touched)), booked])
    path, partition = f"{work.folder}/month={month}/rows.parquet", {"month": month}
    files = [work.lake.write_table(LANE_DAYS, [rows], nothing.schema, path, partition)] if rows.num_rows else []
    return _Booked([month], files, [*read, *small])


def _is_of_batch(work: Work, rows: pa.Table) -> pa.ChunkedArray:
    """Return which rows the batch of this job has booked."""
    same_day = pc.equal(rows["batch_date"], pa.scalar(work.start.batch_date))
    return pc.and_(pc.equal(rows["source"], work.start.source), same_day)


def _sum(rows: pa.Table) -> pa.Table:
    """Return one row for each batch and group; none where everything that was booked is booked off."""
    summed = sum_lane_days(rows, GROUPS)
    booked = pc.not_equal(summed["shipments"], 0)
    for name in SUMS:
        booked = pc.or_(booked, pc.not_equal(summed[name].cast(pa.float64()), 0))
    return summed.filter(booked)


def _content(work: Work, file: DataFile, nothing: Written) -> pa.Table:
    """Return the rows of a file with all columns; files of an earlier release are partitioned by batch."""
    rows = complete_lane_days(work.lake.content(LANE_DAYS.name, file.path))
    for name, kind in (("source", pa.string()), ("batch_date", pa.date32())):
        if name in file.partition:
            rows = rows.append_column(name, pa.repeat(pa.scalar(file.partition[name], kind), rows.num_rows))
    return _cast(rows, nothing)


def _cast(rows: pa.Table, nothing: Written) -> pa.Table:
    """Return rows with the columns and types of lane_days; sums that an earlier release left null are 0."""
    fields = [each for each in nothing.arrow if each.name in (*GROUPS, *SUMS)]
    typed = rows.select([each.name for each in fields]).cast(pa.schema(fields))
    return pa.table({name: typed[name].fill_null(0) if name in SUMS else typed[name] for name in typed.column_names})
