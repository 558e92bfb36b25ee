"""Cheaper: carriers that do the same for less than another one on the lane."""

from typing import Any

import pandas as pd

from shipment_etl.reporting.advice import CheaperCarrier
from shipment_etl.reporting.costs import MIN_ROWS, SPREAD, WORTH_SAYING, all_know, priced, variance_of_ratio, with_spread
from shipment_etl.reporting.findings import Share, with_outcomes, z_of
from shipment_etl.reporting.intervals import Z, interval_of_estimate
from shipment_etl.reporting.slices import LANE, MIN_SHIPMENTS, PAIR, SUMMED

__all__ = ["ALIKE_WEIGHT", "find_cheaper_carriers"]

SLOWER_DAYS = 0.1
"""Days in transit that a cheaper carrier may take more in the mean, to be held against a dearer one."""

ALIKE_WEIGHT = 0.15
"""Carriers are compared by cost only where their mean weights on the lane differ by no more than this share."""


def find_cheaper_carriers(days: pd.DataFrame) -> list[CheaperCarrier]:
    """Carriers that cost more than another one whose shipments on the lane weigh alike, travel as fast, come no later."""
    pairs = _sum_pairs(with_outcomes(days))
    # Means are comparable only where every shipment knows its cost and its weight.
    usable = priced(pairs[(pairs["shipments"] >= MIN_SHIPMENTS) & (pairs["weight_kg"] > 0)])
    usable = usable[all_know(usable, "weighed_cost")]
    found = []
    for _, lane in usable.groupby(list(LANE)):
        rows = lane.to_dict("records")
        for row in rows:
            cheaper = [each for other in rows if other is not row and (each := _cheaper(row, other))]
            if cheaper:
                found.append(max(cheaper, key=lambda each: each.cost_at_stake))
    return found


def _sum_pairs(days: pd.DataFrame) -> pd.DataFrame:
    """Return the sums of each carrier on a lane, and the variance of its mean cost: unknown where there are few rows."""
    pairs, spread = (rows.groupby(list(PAIR), as_index=False) for rows in (days, with_spread(priced(days))))
    both = pairs[list(SUMMED)].sum().merge(spread[list(SPREAD)].sum(), on=list(PAIR))
    variance = variance_of_ratio(both, both["cost"] / both["shipments"])
    return both.assign(variance=variance.where(both["rows"] >= MIN_ROWS))


def _cheaper(own: dict[Any, Any], other: dict[Any, Any]) -> CheaperCarrier | None:
    """Return what another carrier on the lane would save; None if it is no choice, or chance may explain its price."""
    shipments = own["shipments"]
    cost, weight = own["cost"] / shipments, own["weight_kg"] / shipments
    ratio = weight / (other["weight_kg"] / other["shipments"])
    slower = other["transit_days"] / other["shipments"] - own["transit_days"] / shipments
    later = z_of(Share(other["late"], other["shipments"]), Share(own["late"], shipments))
    if abs(ratio - 1) > ALIKE_WEIGHT or slower > SLOWER_DAYS or later > Z:
        return None
    # What the other would take for our weight, and never less than it takes for its own.
    raised = max(1.0, ratio)
    price = other["cost"] / other["shipments"] * raised
    # Credit notes can bring a mean to 0 or below: that is no price.
    if cost <= 0 or price < 0 or cost - price < WORTH_SAYING * cost:
        return None
    saved = (cost - price) * shipments
    interval = interval_of_estimate(saved, shipments**2 * (own["variance"] + raised**2 * other["variance"]))
    if interval is not None and interval.low <= 0:
        return None
    return CheaperCarrier(
        carrier=str(own["carrier"]),
        origin=str(own["origin_warehouse"]),
        city=str(own["destination_city"]),
        cost_at_stake=saved,
        interval=interval,
        other=str(other["carrier"]),
        avg_cost=cost,
        other_cost=price,
    )
