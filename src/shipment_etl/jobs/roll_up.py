"""The roll-up kept up to date: lane_days of a batch, from its shipments as they were written.

One read of the written files gives the sums, the count and the fingerprint of shipments. What comes of it is small, and is
put into the files of its months without an engine: one file a month, however many batches it holds.
"""

from collections.abc import Mapping
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column
from pyspark.sql import functions as F

from shipment_etl.errors import RowsMissing
from shipment_etl.jobs.work import Work
from shipment_etl.lake.commits import DataFile
from shipment_etl.lake.fingerprint import PARTS, join_parts, row_hash
from shipment_etl.lake.staging import Staging
from shipment_etl.lake.tables import LANE_DAYS, SHIPMENTS
from shipment_etl.lake.written import Written, nothing_written
from shipment_etl.life import CANCELLED, DELIVERED
from shipment_etl.transform.lane_days import roll_up

__all__ = ["update_lane_days"]


def update_lane_days(
    work: Work, staging: Staging, shipments: Written, warnings: Mapping[str, Column]
) -> tuple[list[str], dict[str, int]]:
    """Bring lane_days up to the batch's shipments.

    Args:
        work: the job.
        staging: for what comes in between.
        shipments: as they were written.
        warnings: rules that a shipment may break, name → whether it does.

    Returns:
        The months that have changed, and the rules that shipments break, with their rows; the most frequent first.

    Raises:
        RowsMissing: the files do not hold the rows that were written to them.
    """
    rows = work.with_batch(work.read_files(SHIPMENTS, shipments.files)).select(*SHIPMENTS.columns)
    hashed = rows.withColumn("row_hash", row_hash(rows.schema))
    broken = {f"warning_{place}": F.count(F.when(each, 1)) for place, each in enumerate(warnings.values())}
    beside = {**{name: F.expr(part) for name, part in PARTS.items()}, **broken}
    rolled = roll_up(hashed, beside)
    kept = staging.keep("lane_days", rolled)
    nothing = nothing_written(LANE_DAYS, rolled.drop(*beside).schema)
    columns = [*nothing.arrow, *(pa.field(name, pa.int64()) for name in beside)]
    found = kept.content() if kept.rows else pa.schema(columns).empty_table()
    read = _total(found, "shipments")
    if read != shipments.rows:
        raise RowsMissing(SHIPMENTS.name, shipments.rows, read)
    work.vouch(SHIPMENTS, join_parts(read, *(found[name].to_pylist() for name in PARTS)))
    counted = found.filter(pc.not_equal(found["state"], CANCELLED))
    changed = _replace_months(work, counted.drop_columns(list(beside)), nothing)
    counts = {rule: _total(found, name) for rule, name in zip(warnings, broken, strict=True)}
    return changed, {rule: counts[rule] for rule in sorted(counts, key=lambda rule: (-counts[rule], rule)) if counts[rule]}


def _total(rows: pa.Table, column: str) -> int:
    return pc.sum(rows[column]).as_py() or 0


def _replace_months(work: Work, batch: pa.Table, nothing: Written) -> list[str]:
    """Put the roll-up of a batch in place of the one that is there; return the months in which that changes anything."""
    month_of = pc.strftime(batch["shipment_date"], "%Y-%m")
    known = work.files(LANE_DAYS.name)
    # The table of an earlier release, by its partitions or columns, is laid out anew, so all months are.
    anew = any(each.partition.keys() != {"month"} for each in known) or not work.has_columns(LANE_DAYS)
    had = None if anew else _months_of_batch(work)
    there = {each.partition["month"] for each in known}
    files, removed, changed = [], [], []
    for month in sorted({*pc.unique(month_of).to_pylist(), *(there if had is None else there & had)}):
        old = [each for each in known if each.partition["month"] == month]
        contents = [_content(work, each) for each in old]
        kept = [_outside_batch(work, each) for each in contents]
        new = batch.filter(pc.equal(month_of, month))
        rows = new.num_rows + sum(each.num_rows for each in kept)
        if not new.num_rows and rows == sum(each.num_rows for each in contents) and not anew:
            continue
        changed.append(month)
        removed += old
        if rows:
            path = f"{work.folder}/month={month}/rows.parquet"
            files.append(work.lake.write_table(LANE_DAYS, [*kept, new], nothing.schema, path, {"month": month}))
    work.put(LANE_DAYS, nothing.with_files(files), removed)
    mine = (F.col("source") == work.start.source) & (F.col("batch_date") == F.lit(work.start.batch_date))
    rows_written = work.read_files(LANE_DAYS, files).where(mine)
    work.vouch(LANE_DAYS, rows_written.withColumn("month", F.date_format("shipment_date", "yyyy-MM")))
    return changed


def _months_of_batch(work: Work) -> set[str] | None:
    """Return the months in which the batch that is replaced can have shipments; None if that cannot be told."""
    months: set[str] = set()
    for file in work.removed(SHIPMENTS):
        if "shipment_date" not in file.least:
            return None
        day: date = file.least["shipment_date"].replace(day=1)
        while day <= file.most["shipment_date"]:
            months.add(f"{day:%Y-%m}")
            day = (day + timedelta(days=31)).replace(day=1)
    return months


def _content(work: Work, file: DataFile) -> pa.Table:
    """Return the rows of a file with all columns: those of an earlier release are of batches, and all delivered."""
    rows = work.lake.content(LANE_DAYS.name, file.path)
    if "state" not in rows.column_names:
        rows = rows.append_column("state", pa.repeat(pa.scalar(DELIVERED), rows.num_rows))
        rows = rows.append_column("due_date", pa.nulls(rows.num_rows, pa.date32()))
    for name, kind in (("source", pa.string()), ("batch_date", pa.date32())):
        if name in file.partition:
            rows = rows.append_column(name, pa.repeat(pa.scalar(file.partition[name], kind), rows.num_rows))
    return rows


def _outside_batch(work: Work, rows: pa.Table) -> pa.Table:
    """Return the rows of all other batches."""
    same_day = pc.equal(rows["batch_date"], pa.scalar(work.start.batch_date))
    return rows.filter(pc.invert(pc.and_(pc.equal(rows["source"], work.start.source), same_day)))
