"""Marts kept up to date: only what changed in lane_days since the marts were last right is computed anew.

The log of runs says which version of lane_days the marts were made from, and which versions of themselves that left. If
no row of theirs came or went since, the rows of lane_days that did, as its Delta log has it, tell the months to replace. If
not (a crash, a restore, another network), all is computed anew. Either way the marts end as a function of lane_days alone.
Compaction makes new versions too, but moves rows only: so what counts is what the logs say of rows, not the versions.
"""

from collections.abc import Iterable, Sequence

from pyspark.sql import DataFrame

from shipment_etl.errors import CommitConflict, LakeMissing, NotADeltaTable, TableMissing, VersionMissing
from shipment_etl.jobs.work import Work
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.runs import Run, last_succeeded
from shipment_etl.lake.tables import LANE_DAYS, LANE_MONTHS, MART_TABLES
from shipment_etl.network import Network
from shipment_etl.transform.lane_days import lane_months
from shipment_etl.transform.marts import (
    carrier_performance,
    cost_analysis,
    delay_trends,
    route_efficiency,
    warehouse_demand,
)

__all__ = ["standing_marts", "update_marts"]

MOST_ROUNDS = 5


def update_marts(work: Work, network: Network) -> None:
    """Bring lane_months and the five marts up to the newest lane_days.

    Raises:
        CommitConflict: other runs kept changing lane_days meanwhile.
    """
    for _ in range(MOST_ROUNDS):
        version = work.lake.version(LANE_DAYS.name)
        months = _changed_months(work.lake, network)
        if months is None:
            _rebuild(work, network)
        elif months:
            _replace(work, network, months)
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


def _replace(work: Work, network: Network, months: Sequence[str]) -> None:
    days = work.lake.read(work.spark, LANE_DAYS.name)
    touched = _in(months)
    summed = work.replace(LANE_MONTHS, lane_months(days.where(touched)), touched)
    _replace_all_time(work, summed)
    work.replace(MART_TABLES["cost_analysis"], cost_analysis(summed.where(touched)), touched)
    # A day's trend looks six days back, so a change reaches into the next month, and a month looks into the one before.
    reached = sorted({*months, *(_neighbour(month, 1) for month in months)})
    looked_at = {*reached, *(_neighbour(month, -1) for month in months)}
    trends = delay_trends(days.where(_in(sorted(looked_at)))).where(_days_of(reached))
    work.replace(MART_TABLES["delay_trends"], trends, _days_of(reached))
    # Whole months here, too: a table that is replaced by days ends in a file a day.
    demand = warehouse_demand(days.where(touched), network.capacities)
    work.replace(MART_TABLES["warehouse_demand"], demand, _days_of(months))


def _replace_all_time(work: Work, months: DataFrame) -> None:
    work.replace(MART_TABLES["carrier_performance"], carrier_performance(months), None)
    work.replace(MART_TABLES["route_efficiency"], route_efficiency(months), None)


def _changed_months(lake: Lake, network: Network) -> list[str] | None:
    """Return the months, as YYYY-MM, of lane_days that are other than the marts know.

    None if the marts cannot be trusted, so that all is to be computed anew.
    """
    base = last_succeeded(lake, "process", "maintain", naming=LANE_DAYS.name)
    if base is None or base.settings["network"] != network.digest or not _untouched(lake, base):
        return None
    changed = _changed(lake, LANE_DAYS.name, base)
    return None if changed is None else sorted({partition["month"] for partition in changed})


def standing_marts(lake: Lake) -> Run | None:
    """Return the run whose marts still are what lane_days, as it is now, would give; None if no run's are."""
    base = last_succeeded(lake, "process", "maintain", naming=LANE_DAYS.name)
    if base is None or not _untouched(lake, base) or _changed(lake, LANE_DAYS.name, base) != []:
        return None
    return base


def _untouched(lake: Lake, base: Run) -> bool:
    """Whether lane_months and the marts have the rows that the run left."""
    names = [LANE_MONTHS.name, *(table.name for table in MART_TABLES.values())]
    return all(_changed(lake, name, base) == [] for name in names)


def _changed(lake: Lake, name: str, base: Run) -> list[dict[str, str]] | None:
    """Return the partitions of a table whose rows came or went since a run; None if that cannot be told."""
    try:
        return lake.changes(name, base.tables[name].version)
    except (KeyError, LakeMissing, NotADeltaTable, TableMissing, VersionMissing):
        # The run did not know the table, it is gone, or its log no longer reaches back that far.
        return None


def _neighbour(month: str, step: int) -> str:
    """Return the month before (-1) or after (1) a month."""
    year, number = divmod(int(month[:4]) * 12 + int(month[5:]) - 1 + step, 12)
    return f"{year:04}-{number + 1:02}"


def _in(months: Iterable[str]) -> str:
    names = ", ".join(f"'{month}'" for month in months)
    return f"month IN ({names})"


def _days_of(months: Iterable[str]) -> str:
    ends = ((month, _neighbour(month, 1)) for month in months)
    return " OR ".join(f"(shipment_date >= DATE'{first}-01' AND shipment_date < DATE'{after}-01')" for first, after in ends)
