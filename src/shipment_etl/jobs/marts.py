"""Marts kept up to date: only what changed in lane_days since the marts were last right is computed anew.

The log of runs says which version of lane_days the marts were made from, and which versions of themselves that left. If
no row of theirs came or went since, the rows of lane_days that did, as its Delta log has it, tell the months to replace. If
not (a crash, a restore, another network, a plugin more or less), all is computed anew. Either way the marts end as a
function of lane_days alone. Compaction makes new versions too, but moves rows only: so what counts is what the logs say of
rows, not the versions.
"""

from collections.abc import Iterable, Mapping, Sequence

from shipment_etl.errors import CommitConflict, LakeMissing, NotADeltaTable, TableMissing, VersionMissing
from shipment_etl.jobs.work import PACKAGE, PLUGIN, Work
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.runs import Run, last_succeeded
from shipment_etl.lake.tables import LANE_DAYS, LANE_MONTHS, mart_table
from shipment_etl.network import Network
from shipment_etl.transform.lane_days import lane_months
from shipment_etl.transform.marts import Mart

__all__ = ["standing_marts", "update_marts"]

MOST_ROUNDS = 5


def update_marts(work: Work, network: Network) -> None:
    """Bring lane_months and all marts up to the newest lane_days.

    Raises:
        CommitConflict: other runs kept changing lane_days meanwhile.
    """
    marts = work.plugins.marts()
    for _ in range(MOST_ROUNDS):
        version = work.lake.version(LANE_DAYS.name)
        months = _changed_months(work, network, marts)
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


def _changed_months(work: Work, network: Network, marts: Sequence[Mart]) -> list[str] | None:
    """Return the months, as YYYY-MM, of lane_days that are other than the marts know.

    None if the marts cannot be trusted, so that all is to be computed anew.
    """
    base = _base(work, marts)
    if base is None or base.settings["network"] != network.digest:
        return None
    changed = _changed(work.lake, LANE_DAYS.name, base)
    return None if changed is None else sorted({partition["month"] for partition in changed})


def standing_marts(work: Work) -> Run | None:
    """Return the run whose marts still are what lane_days, as it is now, would give; None if no run's are."""
    base = _base(work, work.plugins.marts())
    return base if base is not None and _changed(work.lake, LANE_DAYS.name, base) == [] else None


def _base(work: Work, marts: Sequence[Mart]) -> Run | None:
    """Return the run that the marts are as it left them, and made by what would make them now; None if there is none."""
    base = last_succeeded(work.lake, "process", "maintain", naming=LANE_DAYS.name)
    if base is None or _made_by(base.versions) != _made_by(work.versions):
        return None
    names = [LANE_MONTHS.name, *(mart_table(mart).name for mart in marts)]
    return base if all(_changed(work.lake, name, base) == [] for name in names) else None


def _made_by(versions: Mapping[str, str]) -> dict[str, str]:
    """Return the versions of what computes marts: the package, and plugins."""
    return {name: version for name, version in versions.items() if name == PACKAGE or name.startswith(PLUGIN)}


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
