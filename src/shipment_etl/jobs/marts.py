"""Keep the marts up to date: only what a batch changed in lane_days is recomputed.

The log has a digest of what the current marts were computed with: the network, the release and the plugins. If it is still
the same, the months that the batch had and has decide what to replace. If not, or if another program has changed a table,
everything is recomputed. Either way the resulting marts depend on lane_days alone.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from shipment_etl.dates import as_date
from shipment_etl.jobs.side_by_side import run_side_by_side
from shipment_etl.jobs.work import PACKAGE, PLUGIN, Work
from shipment_etl.lake.commits import DataFile
from shipment_etl.lake.staging import Staging
from shipment_etl.lake.tables import KNOWN_IDS, LANE_DAYS, LANE_MONTHS, mart_table
from shipment_etl.lake.written import Written
from shipment_etl.network import Network
from shipment_etl.transform.lane_days import lane_months, net_days
from shipment_etl.transform.mart import Mart

__all__ = ["marts_key", "update_marts"]


def update_marts(work: Work, staging: Staging, network: Network, changed: Sequence[str]) -> None:
    """Update lane_months and all marts after some months of lane_days were changed."""
    marts = work.plugins.marts()
    key = marts_key(work.versions, network, marts)
    tables = [LANE_MONTHS, *map(mart_table, marts)]
    if work.base.marts_key != key or any(table.name not in work.base.tables for table in tables):
        _rebuild(work, staging, network, marts)
    elif changed or _find_as_of(work, work.base_files(KNOWN_IDS.name)) != _find_as_of(work, work.files(KNOWN_IDS.name)):
        _replace(work, staging, network, marts, changed)
    for table in tables:
        work.confirm(table)
    work.marts_key = key


def marts_key(versions: Mapping[str, str], network: Network, marts: Sequence[Mart]) -> str:
    """Return a digest of everything that marts are computed with, apart from lane_days."""
    made_by = {name: version for name, version in versions.items() if name == PACKAGE or name.startswith(PLUGIN)}
    tables = [[LANE_MONTHS.name, *LANE_MONTHS.columns], *([mart.name, *mart.columns.items()] for mart in marts)]
    text = json.dumps([made_by, network.digest, tables], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _find_as_of(work: Work, known_ids: Iterable[DataFile]) -> date:
    """Return the newest batch date of any source: the day for which overdue shipments are determined."""
    dates = (as_date(each.most["batch_date"]) for each in known_ids)
    return max(dates, default=work.start.batch_date)


def _rebuild(work: Work, staging: Staging, network: Network, marts: Sequence[Mart]) -> None:
    every = work.read_files(LANE_DAYS, work.files(LANE_DAYS.name))
    months, days = _sum(work, staging, every, every)
    _write(work, network, [_Part(mart, days if mart.span == "day" else months) for mart in marts])


def _replace(work: Work, staging: Staging, network: Network, marts: Sequence[Mart], changed: Sequence[str]) -> None:
    look_back_days = max((mart.look_back_days for mart in marts if mart.span == "day"), default=0)
    reached, read = _reach(changed, look_back_days)
    needed = _months_of(work, read).where(_is_in_reach(reached, look_back_days))
    months, days = _sum(work, staging, _months_of(work, changed), needed, changed)
    parts = []
    for mart in marts:
        if mart.span == "all_time":
            parts.append(_Part(mart, months))
        elif changed and mart.span == "month":
            parts.append(_Part(mart, months.where(F.col("month").isin(*changed)), keep=_exclude_months(changed)))
        elif changed:
            reached, _ = _reach(changed, mart.look_back_days)
            rows = days.where(_is_in_reach(reached, mart.look_back_days))
            parts.append(_Part(mart, rows, _is_in_months(reached), _exclude_months(reached)))
    _write(work, network, parts)


class _Part(NamedTuple):
    """A mart, or some months of it.

    Attributes:
        mart: the mart.
        rows: the rows that it is computed from.
        only: selects the rows of the mart to write; all if None.
        keep: selects the rows of the table that are kept; none if None.
    """

    mart: Mart
    rows: DataFrame
    only: Column | None = None
    keep: Callable[[pa.Table], pa.Table] | None = None


def _sum(
    work: Work,
    staging: Staging,
    for_months: DataFrame,
    for_days: DataFrame,
    changed: Sequence[str] | None = None,
) -> tuple[DataFrame, DataFrame]:
    """Update lane_months from rows of lane_days, and return it and the sums of days; both with the column as_of.

    lane_months is as large as all marts together, so the months that are recomputed get their own file.
    """
    as_of = F.lit(_find_as_of(work, work.files(KNOWN_IDS.name)))
    old = [each for each in work.files(LANE_MONTHS.name) if changed is None or _has_one_of(changed, each)]

    def sum_months() -> Written:
        written = work.write_whole(LANE_MONTHS, lane_months(for_months))
        return written if changed is None else written + work.write_rest(LANE_MONTHS, old, _exclude_months(changed), written)

    def sum_days() -> DataFrame:
        # Staged, because every mart of days reads it.
        return staging.keep("net_days", net_days(for_days.withColumn("as_of", as_of))).frame

    months, days = run_side_by_side(work.spark, sum_months, sum_days)
    return work.put_whole(LANE_MONTHS, months, old).withColumn("as_of", as_of), days


def _write(work: Work, network: Network, parts: Sequence[_Part]) -> None:
    """Write marts, and add them to their tables."""

    def write(part: _Part) -> Written:
        rows = part.mart.make(part.rows, network)
        return work.write_whole(mart_table(part.mart), rows if part.only is None else rows.where(part.only), part.keep)

    _, *written = run_side_by_side(work.spark, work.fingerprints.take, *(partial(write, part) for part in parts))
    for part, files in zip(parts, written, strict=True):
        work.put_whole(mart_table(part.mart), files)


def _is_in_months(months: Sequence[str], day: Column | str = "shipment_date") -> Column:
    """Compare names of months: one comparison for each of many months would make a plan too deep for the engines."""
    return F.date_format(day, "yyyy-MM").isin(*months)


def _is_in_reach(months: Sequence[str], look_back_days: int) -> Column:
    """Whether a day is in some months, or so shortly before one of them that a day of that month looks back to it."""
    if not months:
        return F.lit(False)
    return _is_in_months(months) | _is_in_months(months, F.date_add("shipment_date", look_back_days))


def _months_of(work: Work, months: Sequence[str]) -> DataFrame:
    return work.read_files(LANE_DAYS, [each for each in work.files(LANE_DAYS.name) if each.partition["month"] in months])


def _has_one_of(months: Sequence[str], file: DataFile) -> bool:
    """Whether a file of lane_months can have one of some months, by its range in the log."""
    first, last = file.least.get("month"), file.most.get("month")
    return first is None or last is None or any(first <= each <= last for each in months)


def _exclude_months(months: Sequence[str]) -> Callable[[pa.Table], pa.Table]:
    """Return a function that selects the rows of all other months."""

    def select(rows: pa.Table) -> pa.Table:
        month = rows["month"] if "month" in rows.column_names else pc.strftime(rows["shipment_date"], "%Y-%m")
        return rows.filter(pc.invert(pc.is_in(month, pa.array(months, pa.string()))))

    return select


def _reach(changed: Sequence[str], look_back_days: int) -> tuple[list[str], list[str]]:
    """Return the months that a change affects, and those that have to be read for them.

    A day looks back to the previous month at most, so a change also affects the next month.
    """
    if not look_back_days:
        return list(changed), list(changed)
    reached = {*changed, *(_neighbour(month, 1) for month in changed)}
    return sorted(reached), sorted({*reached, *(_neighbour(month, -1) for month in changed)})


def _neighbour(month: str, step: int) -> str:
    """Return the month before (-1) or after (1) a month."""
    year, number = divmod(int(month[:4]) * 12 + int(month[5:]) - 1 + step, 12)
    return f"{year:04}-{number + 1:02}"
