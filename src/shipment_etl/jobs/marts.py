"""Marts kept up to date: only what changed in lane_days since the marts were last right is computed anew.

The log of runs says which version of lane_days the marts were made from, and which versions of themselves that left. If
they are still those, the difference between two versions of lane_days, as its Delta log has it, tells the months to
replace. If not (a crash, a restore, another network, a plugin more or less), all is computed anew. Either way the marts
end as a function of lane_days alone.
"""

from collections.abc import Iterable, Mapping, Sequence

from deltalake.exceptions import DeltaError

from shipment_etl.errors import CommitConflict
from shipment_etl.jobs.work import PACKAGE, PLUGIN, Work
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.runs import Run, last_succeeded
from shipment_etl.lake.tables import LANE_DAYS, LANE_MONTHS, mart_table
from shipment_etl.network import Network
from shipment_etl.transform.lane_days import lane_months
from shipment_etl.transform.marts import Mart

__all__ = ["update_marts"]

MOST_ROUNDS = 5


def update_marts(work: Work, network: Network) -> None:
    """Bring lane_months and all marts up to the newest lane_days.

    Raises:
        CommitConflict: other runs kept changing lane_days meanwhile.
    """
    marts = work.plugins.marts()
    for _ in range(MOST_ROUNDS):
        version = work.lake.version(LANE_DAYS.name)
        months = _changed_months(work, version, network, marts)
        if months is None:
            _rebuild(work, network, marts)
        elif months:
            _replace(work, network, marts, months)
        else:
            for table in (LANE_MONTHS, *map(mart_table, marts)):
                work.confirm(table)
        if work.lake.version(LANE_DAYS.name) == version:
            return
    raise CommitConflict(LANE_DAYS.name, MOST_ROUNDS)


def _rebuild(work: Work, network: Network, marts: Sequence[Mart]) -> None:
    days = work.lake.read(work.spark, LANE_DAYS.name)
    months = work.replace(LANE_MONTHS, lane_months(days), None)
    for mart in marts:
        work.replace(mart_table(mart), mart.make(days if mart.span == "day" else months, network), None)


def _replace(work: Work, network: Network, marts: Sequence[Mart], changed: Sequence[str]) -> None:
    days = work.lake.read(work.spark, LANE_DAYS.name)
    months = work.replace(LANE_MONTHS, lane_months(days.where(_in(changed))), _in(changed))
    for mart in marts:
        if mart.span == "all_time":
            work.replace(mart_table(mart), mart.make(months, network), None)
        elif mart.span == "month":
            work.replace(mart_table(mart), mart.make(months.where(_in(changed)), network), _in(changed))
        else:
            # Whole months here, too: a table that is replaced by days ends in a file a day.
            reached, read = _reach(changed, mart.look_back_days > 0)
            rows = mart.make(days.where(_in(read)), network).where(_days_of(reached))
            work.replace(mart_table(mart), rows, _days_of(reached))


def _reach(changed: Sequence[str], looks_back: bool) -> tuple[list[str], list[str]]:
    """Return the months that a change reaches, and those that have to be read for them.

    A day that looks back looks into the month before its own at the farthest, so a change reaches the month after.
    """
    if not looks_back:
        return list(changed), list(changed)
    reached = {*changed, *(_neighbour(month, 1) for month in changed)}
    return sorted(reached), sorted({*reached, *(_neighbour(month, -1) for month in changed)})


def _changed_months(work: Work, version: int, network: Network, marts: Sequence[Mart]) -> list[str] | None:
    """Return the months, as YYYY-MM, of lane_days that are other than the marts know.

    None if the marts cannot be trusted, so that all is to be computed anew.
    """
    base = last_succeeded(work.lake, "process")
    if base is None or base.settings["network"] != network.digest or _made_by(base.versions) != _made_by(work.versions):
        return None
    if not _untouched(work.lake, base, marts):
        return None
    try:
        known = _months_by_file(work.lake, base.tables[LANE_DAYS.name].version)
    except DeltaError:
        # The log no longer reaches back that far.
        return None
    current = _months_by_file(work.lake, version)
    every = known | current
    return sorted({every[path] for path in known.keys() ^ current.keys()})


def _made_by(versions: Mapping[str, str]) -> dict[str, str]:
    """Return the versions of what computes marts: the package, and plugins."""
    return {name: version for name, version in versions.items() if name == PACKAGE or name.startswith(PLUGIN)}


def _months_by_file(lake: Lake, version: int) -> dict[str, str]:
    return {file.path: file.partition["month"] for file in lake.files(LANE_DAYS.name, version)}


def _untouched(lake: Lake, base: Run, marts: Sequence[Mart]) -> bool:
    """Whether lane_months and the marts are the versions that the run left."""
    names = [LANE_MONTHS.name, *(mart_table(mart).name for mart in marts)]
    return all(name in base.tables and lake.has(name) and lake.version(name) == base.tables[name].version for name in names)


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
