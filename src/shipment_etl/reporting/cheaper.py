"""Cheaper: lanes on which another carrier does the same for less."""

from typing import Any

import pandas as pd

from shipment_etl.reporting.advice import CheaperCarrier
from shipment_etl.reporting.costs import (
    MIN_ROWS,
    MIN_SHARE_AT_STAKE,
    SPREAD,
    add_spread,
    is_complete,
    keep_priced,
    variance_of_ratio,
)
from shipment_etl.reporting.findings import Share, add_outcomes, z_of
from shipment_etl.reporting.intervals import Z, interval_of_estimate
from shipment_etl.reporting.slices import LANE, MIN_SHIPMENTS, PAIR, SUMMED

__all__ = ["MAX_WEIGHT_DIFFERENCE", "find_cheaper_carriers"]

MAX_EXTRA_DAYS = 0.1
"""Extra days in transit, on average, that a cheaper carrier may take and still be compared."""

MAX_WEIGHT_DIFFERENCE = 0.15
"""Carriers are compared by cost only if their mean weights on the lane differ by no more than this share."""


def find_cheaper_carriers(days: pd.DataFrame) -> list[CheaperCarrier]:
    """Find carriers that cost more than another whose shipments on the lane weigh the same, are as fast and no later."""
    pairs = _sum_pairs(add_outcomes(days))
    # Means are comparable only where the cost and weight of every shipment are known.
    usable = keep_priced(pairs[(pairs["shipments"] >= MIN_SHIPMENTS) & (pairs["weight_kg"] > 0)])
    usable = usable[is_complete(usable, "weighed_cost")]
    found = []
    for _, lane in usable.groupby(list(LANE)):
        rows = lane.to_dict("records")
        for row in rows:
            cheaper = [each for other in rows if other is not row and (each := _find_saving(row, other))]
            if cheaper:
                found.append(max(cheaper, key=lambda each: each.cost_at_stake))
    return found


def _sum_pairs(days: pd.DataFrame) -> pd.DataFrame:
    """Return the sums of each carrier on a lane and the variance of its mean cost, unknown if there are few rows."""
    pairs, spread = (rows.groupby(list(PAIR), as_index=False) for rows in (days, add_spread(keep_priced(days))))
    both = pairs[list(SUMMED)].sum().merge(spread[list(SPREAD)].sum(), on=list(PAIR))
    variance = variance_of_ratio(both, both["cost"] / both["shipments"])
    return both.assign(variance=variance.where(both["rows"] >= MIN_ROWS))


def _find_saving(own: dict[Any, Any], other: dict[Any, Any]) -> CheaperCarrier | None:
    """Return what another carrier on the lane would save; None if it is not comparable, or not significantly cheaper."""
    shipments = own["shipments"]
    cost, weight = own["cost"] / shipments, own["weight_kg"] / shipments
    ratio = weight / (other["weight_kg"] / other["shipments"])
    slower = other["transit_days"] / other["shipments"] - own["transit_days"] / shipments
    later = z_of(Share(other["late"], other["shipments"]), Share(own["late"], shipments))
    if abs(ratio - 1) > MAX_WEIGHT_DIFFERENCE or slower > MAX_EXTRA_DAYS or later > Z:
        return None
    # What the other carrier would charge for this weight, and never less than for its own.
    raised = max(1.0, ratio)
    price = other["cost"] / other["shipments"] * raised
    # Credit notes can bring a mean to 0 or below, which is not a price.
    if cost <= 0 or price < 0 or cost - price < MIN_SHARE_AT_STAKE * cost:
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
