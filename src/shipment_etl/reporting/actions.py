"""Actions: where to act first, by what comes later than others, what has grown dearer, and what others do for less."""

import pandas as pd

from shipment_etl.reporting.advice import Action, Cost
from shipment_etl.reporting.cheaper import find_cheaper_carriers
from shipment_etl.reporting.dearer import find_dearer
from shipment_etl.reporting.findings import figures, with_outcomes
from shipment_etl.reporting.late import find_late, find_most_delay
from shipment_etl.reporting.slices import PAIR, sum_by

__all__ = ["actions"]

COST_LINES = 2
"""Lines that costs have among the actions, however much is late."""

LATE_ALIKE = 0.10
"""Share two or more days late above which time is what a network loses first, even if all carriers are late alike.

Source: 6 to 9 % late is usual for parcel and less-than-truck-load freight, by ShipMatrix and carriers' own figures.
"""


def actions(days: pd.DataFrame, before: pd.DataFrame | None = None, most: int = 6) -> list[Action]:
    """Say where to act: what comes later than others, most late shipments first, then what is dear, most money first.

    Args:
        days: rows of lane_days of one period; those without a delay do not count.
        before: those of the period before, if there is one.
        most: how many at most; costs have two of them, if there is anything to say about costs.
    """
    dearer = [] if before is None else find_dearer(days, before, most)
    days = days[days["delay_days"].notna()]
    if days.empty:
        return []
    outcomes = with_outcomes(days)
    pairs = sum_by(outcomes, list(PAIR))
    found: list[Action] = sorted(find_late(outcomes, most), key=lambda each: -each.size)
    if not found and figures(days).late_share.pct >= 100 * LATE_ALIKE:
        found = [find_most_delay(pairs)]
    costs: list[Cost] = sorted([*dearer, *find_cheaper_carriers(days)], key=lambda each: -each.size)
    found = [*found[: most - len(costs[:COST_LINES])], *costs][:most]
    return found or [find_most_delay(pairs)]
