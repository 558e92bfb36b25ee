"""Keep the marts up to date: only what a batch changed in lane_days is recomputed.

The log has a digest of what the current marts were computed with: the network, the release and the plugins. If it is still
the same, the months that the batch had and has decide what to replace. If not, or if another program has changed a table,
everything is recomputed. Either way the resulting marts depend on lane_days alone.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from shipment_etl.dates import as_date
from shipment_etl.jobs.side_by_side import THREADS, run_side_by_side
from shipment_etl.jobs.work import PACKAGE, PLUGIN, Work
from shipment_etl.lake.commits import DataFile
from shipment_etl.lake.lane_sums import NO_LANE_MONTHS, sum_net
from shipment_etl.lake.staging import Staging
from shipment_etl.lake.tables import KNOWN_IDS, LANE_DAYS, LANE_MONTHS, mart_table, schema_of
from shipment_etl.lake.written import Written
from shipment_etl.network import Network
from shipment_etl.transform.lane_days import KEYS, SUMS
from shipment_etl.transform.mart import Mart

__all__ = ["marts_key", "update_marts"]

NET_DAYS = ("shipment_date", *KEYS, *SUMS)
"""The columns of lane_days that say nothing about the batch."""


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
    every = sorted({each.partition["month"] for each in work.files(LANE_DAYS.name)})
    written, days = _sum(work, staging, every)
    months = _with_as_of(work, work.put_whole(LANE_MONTHS, written))
    _write(work, network, [_Part(mart, days if mart.span == "day" else months) for mart in marts])


def _replace(work: Work, staging: Staging, network: Network, marts: Sequence[Mart], changed: Sequence[str]) -> None:
    look_back_days = max((mart.look_back_days for mart in marts if mart.span == "day"), default=0)
    written, days = _sum(work, staging, changed, look_back_days)
    old = [each for each in work.files(LANE_MONTHS.name) if _has_one_of(changed, each)]
    rest = work.write_rest(LANE_MONTHS, old, _exclude_months(changed), written)
    months = _with_as_of(work, work.put_whole(LANE_MONTHS, written + rest, old))
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


def _sum(work: Work, staging: Staging, changed: Sequence[str], look_back_days: int = 0) -> tuple[Written, DataFrame]:
    """Sum some months of lane_days: write the rows of lane_months, and return them and the sums of days.

    lane_months is as large as all marts together, so the months that are recomputed get their own file.

    Args:
        work: the job.
        staging: for the sums of days.
        changed: the months.
        look_back_days: sum by day also the days on which a change has an effect, and those that such days look back to.
    """
    reached, read = _reach(changed, look_back_days)
    nothing = NO_LANE_MONTHS.arrow.empty_table()
    files: dict[str, list[DataFile]] = defaultdict(list)
    for each in work.files(LANE_DAYS.name):
        files[each.partition["month"]].append(each)

    def sum_month(month: str) -> pa.Table:
        rows = work.content(LANE_DAYS, files[month], NET_DAYS)
        if month not in reached:
            first = as_date(f"{_neighbour(month, 1)}-01") - timedelta(days=look_back_days)
            rows = rows.filter(pc.greater_equal(rows["shipment_date"], pa.scalar(first)))
        with staging.parquet(f"net_days/{month}.parquet") as path:
            pq.write_table(sum_net(rows, "shipment_date"), path)
        rows = rows.append_column("month", pa.repeat(month, rows.num_rows))
        return sum_net(rows, "month") if month in changed else nothing

    with ThreadPoolExecutor(THREADS) as pool:
        sums = pa.concat_tables([nothing, *pool.map(sum_month, [month for month in read if month in files])])
    written = [work.write_one(LANE_MONTHS, [sums], NO_LANE_MONTHS, "months")] if sums.num_rows else []
    days = staging.read_folder("net_days", schema_of({name: LANE_DAYS.columns[name] for name in NET_DAYS}))
    return NO_LANE_MONTHS.with_files(written), _with_as_of(work, days)


def _with_as_of(work: Work, rows: DataFrame) -> DataFrame:
    return rows.withColumn("as_of", F.lit(_find_as_of(work, work.files(KNOWN_IDS.name))))


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
