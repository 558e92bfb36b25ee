"""Marts kept up to date: only what changed in lane_days since the marts were last right is computed anew.

The log of runs says which version of lane_days the marts were made from, and which versions of themselves that left. If
they are still those, the difference between two versions of lane_days, as its Delta log has it, tells the months and days
to replace. If not (a crash, a restore, another network), all is computed anew. Either way the marts end as a function of
lane_days alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from deltalake.exceptions import DeltaError
from pyspark.sql import DataFrame

from shipment_etl.dates import as_date
from shipment_etl.errors import CommitConflict
from shipment_etl.jobs.work import Work
from shipment_etl.lake.lake import DataFile, Lake
from shipment_etl.lake.runs import Run, last_succeeded
from shipment_etl.lake.tables import LANE_DAYS, LANE_MONTHS, MART_TABLES
from shipment_etl.network import Network
from shipment_etl.transform.lane_days import lane_months
from shipment_etl.transform.marts import (
    TREND_DAYS,
    carrier_performance,
    cost_analysis,
    delay_trends,
    route_efficiency,
    warehouse_demand,
)

__all__ = ["Change", "update_marts"]

MOST_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Change:
    """What of lane_days is other than the marts know: months, as YYYY-MM, and a span of days that holds all changes."""

    months: tuple[str, ...]
    first: date
    last: date


def update_marts(work: Work, network: Network) -> None:
    """Bring lane_months and the five marts up to the newest lane_days.

    Raises:
        CommitConflict: other runs kept changing lane_days meanwhile.
    """
    for _ in range(MOST_ROUNDS):
        version = work.lake.version(LANE_DAYS.name)
        change = _change(work.lake, version, network)
        if change is None:
            _rebuild(work, network)
        elif change.months:
            _replace(work, network, change)
        else:
            for table in (LANE_MONTHS, *MART_TABLES.values()):
                work.confirm(table)
        if work.lake.version(LANE_DAYS.name) == version:
            return
    raise CommitConflict(LANE_DAYS.name, MOST_ROUNDS)


def _rebuild(work: Work, network: Network) -> None:
    days = work.lake.read(work.spark, LANE_DAYS.name)
    months = work.replace(LANE_MONTHS, lane_months(days), None)
    _replace_all_time(work, months)
    work.replace(MART_TABLES["cost_analysis"], cost_analysis(months), None)
    work.replace(MART_TABLES["delay_trends"], delay_trends(days), None)
    work.replace(MART_TABLES["warehouse_demand"], warehouse_demand(days, network.capacities), None)


def _replace(work: Work, network: Network, change: Change) -> None:
    days = work.lake.read(work.spark, LANE_DAYS.name)
    in_months = _in(change.months)
    months = work.replace(LANE_MONTHS, lane_months(days.where(in_months)), in_months)
    _replace_all_time(work, months)
    work.replace(MART_TABLES["cost_analysis"], cost_analysis(months.where(in_months)), in_months)
    # A day's trend looks six days back, so a change reaches six days ahead.
    week = timedelta(days=TREND_DAYS - 1)
    reached = _between(change.first, change.last + week)
    trends = delay_trends(_days(days, change.first - week, change.last + week)).where(reached)
    work.replace(MART_TABLES["delay_trends"], trends, reached)
    demand = warehouse_demand(_days(days, change.first, change.last), network.capacities)
    work.replace(MART_TABLES["warehouse_demand"], demand, _between(change.first, change.last))


def _replace_all_time(work: Work, months: DataFrame) -> None:
    work.replace(MART_TABLES["carrier_performance"], carrier_performance(months), None)
    work.replace(MART_TABLES["route_efficiency"], route_efficiency(months), None)


def _change(lake: Lake, version: int, network: Network) -> Change | None:
    """Return what the marts do not know yet; None if they cannot be trusted, so that all is to be computed anew."""
    base = last_succeeded(lake, "process")
    if base is None or base.settings["network"] != network.digest or not _untouched(lake, base):
        return None
    try:
        known = {file.path: file for file in lake.files(LANE_DAYS.name, base.tables[LANE_DAYS.name].version)}
    except DeltaError:
        # The log no longer reaches back that far.
        return None
    current = {file.path: file for file in lake.files(LANE_DAYS.name, version)}
    return _changed([*(known.keys() ^ current.keys())], known | current)


def _changed(paths: Iterable[str], files: dict[str, DataFile]) -> Change | None:
    changed = [files[path] for path in paths]
    if any("shipment_date" not in file.least or file.least["shipment_date"] is None for file in changed):
        return None
    months = {file.partition["month"] for file in changed}
    days = [as_date(day) for file in changed for day in (file.least["shipment_date"], file.most["shipment_date"])]
    return Change(tuple(sorted(months)), min(days, default=date.min), max(days, default=date.min))


def _untouched(lake: Lake, base: Run) -> bool:
    """Whether lane_months and the marts are the versions that the run left."""
    names = [LANE_MONTHS.name, *(table.name for table in MART_TABLES.values())]
    return all(name in base.tables and lake.has(name) and lake.version(name) == base.tables[name].version for name in names)


def _days(days: DataFrame, first: date, last: date) -> DataFrame:
    months = f"month BETWEEN '{first:%Y-%m}' AND '{last:%Y-%m}'"
    return days.where(months).where(_between(first, last))


def _in(months: Iterable[str]) -> str:
    names = ", ".join(f"'{month}'" for month in months)
    return f"month IN ({names})"


def _between(first: date, last: date) -> str:
    return f"shipment_date BETWEEN DATE'{first}' AND DATE'{last}'"
