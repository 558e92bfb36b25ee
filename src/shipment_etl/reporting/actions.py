"""Actions: where to act first, by what is later than others, costs more than before, or is cheaper with another carrier."""

import pandas as pd

from shipment_etl.reporting.advice import Action, Cost
from shipment_etl.reporting.cheaper import find_cheaper_carriers
from shipment_etl.reporting.dearer import find_dearer
from shipment_etl.reporting.findings import add_outcomes, figures
from shipment_etl.reporting.late import find_late, find_most_delay
from shipment_etl.reporting.slices import PAIR, sum_by

__all__ = ["actions"]

MIN_COST_ACTIONS = 2
"""Actions reserved for costs, however much is late."""

MIN_LATE_SHARE = 0.10
"""Share two or more days late from which delay comes before cost, even if all carriers are equally late.

Source: 6 to 9 % late is usual for parcel and less-than-truck-load freight, by figures of ShipMatrix and of carriers.
"""


def actions(days: pd.DataFrame, before: pd.DataFrame | None = None, most: int = 6) -> list[Action]:
    """Return where to act: first what is later than others, by late shipments, then what costs too much, by money.

    Args:
        days: rows of lane_days of one period; those without a delay are ignored.
        before: those of the period before, if there is one.
        most: maximum number; two of them are for costs, if any cost too much.
    """
    dearer = [] if before is None else find_dearer(days, before, most)
    days = days[days["delay_days"].notna()]
    if days.empty:
        return []
    outcomes = add_outcomes(days)
    pairs = sum_by(outcomes, list(PAIR))
    found: list[Action] = sorted(find_late(outcomes, most), key=lambda each: -each.size)
    if not found and figures(days).late_share.pct >= 100 * MIN_LATE_SHARE:
        found = [find_most_delay(pairs)]
    costs: list[Cost] = sorted([*dearer, *find_cheaper_carriers(days)], key=lambda each: -each.size)
    found = [*found[: most - len(costs[:MIN_COST_ACTIONS])], *costs][:most]
    return found or [find_most_delay(pairs)]
