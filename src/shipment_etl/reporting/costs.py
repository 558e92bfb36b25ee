"""Costs: what has grown dearer than in the period before, and carriers that are dearer than another one."""

from typing import Any

import pandas as pd

from shipment_etl.reporting.advice import CheaperCarrier, Dearer
from shipment_etl.reporting.findings import Share, with_outcomes, z_of
from shipment_etl.reporting.intervals import Z, interval_of_estimate
from shipment_etl.reporting.slices import LANE, MIN_SHIPMENTS, PAIR, SLICES, SUMMED, limit_of, part_of, search

__all__ = ["find_cheaper_carriers", "find_dearer"]

MIN_ROWS = 20
"""Rows of lane_days below which the spread of a mean cost is not judged."""

SPREAD = ("rows", "cost_2", "cost_shipment", "shipment_2")

SLOWER_DAYS = 0.1
"""Days in transit that a cheaper carrier may take more in the mean, to be held against a dearer one."""

ALIKE_WEIGHT = 0.15
"""Carriers are compared by cost only where their mean weights on the lane differ by no more than this share."""

WORTH_SAYING = 0.05
"""Share of its cost that a shipment must be able to save."""


def find_dearer(days: pd.DataFrame, before: pd.DataFrame, most: int) -> list[Dearer]:
    """Find what has grown dearer, the largest first."""
    frames = [_spread(days), _spread(before)]
    limit = limit_of(frames[0])

    def look(now: pd.DataFrame, earlier: pd.DataFrame) -> pd.DataFrame:
        slices = pd.concat([_compare_means(now, earlier, keys) for keys in ((), *SLICES)], ignore_index=True)
        # Credit notes can bring a mean below 0: nothing is dearer than a refund.
        priced = (slices["cost"] > 0) & (slices["mean_before"] >= 0)
        return slices[priced & (slices["z"] >= limit) & (slices["excess"] >= WORTH_SAYING * slices["cost"])]

    return [_dearer(part) for part in search(look, frames, most)]


def _spread(days: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that know the cost of all their shipments, with what the spread of mean costs is computed from."""
    rows = with_outcomes(days)
    rows = rows[(rows["cost_shipments"] == rows["shipments"]) & (rows["shipments"] > 0)]
    cost, shipments = rows["cost"], rows["shipments"].astype(float)
    return rows.assign(rows=1, cost_2=cost**2, cost_shipment=cost * shipments, shipment_2=shipments**2)


def _compare_means(now: pd.DataFrame, before: pd.DataFrame, keys: tuple[str, ...]) -> pd.DataFrame:
    """Hold the mean cost of a shipment of each slice against that of the period before.

    Columns: those of `PAIR`; the sums of now; mean, mean_before; excess, what the shipments cost more, and excess_variance;
    z.

    Source: the variance of a ratio of sums by linearisation, Cochran, "Sampling Techniques" (1977), section 2.11.
    """
    sums = ["shipments", "cost", "weight_kg", *SPREAD]
    one, other = (rows.assign(every=0).groupby(["every", *keys], as_index=False)[sums].sum() for rows in (now, before))
    both = one.merge(other, on=["every", *keys], suffixes=("", "_before"))
    both = both[(both["rows"] >= MIN_ROWS) & (both["rows_before"] >= MIN_ROWS)]
    mean, mean_before = both["cost"] / both["shipments"], both["cost_before"] / both["shipments_before"]
    variance = _variance_of_mean(both, mean, "") + _variance_of_mean(both, mean_before, "_before")
    heavier = (both["weight_kg"] / both["shipments"]) / (both["weight_kg_before"] / both["shipments_before"])
    alike = (heavier - 1).abs() <= ALIKE_WEIGHT
    both = both.assign(
        mean=mean,
        mean_before=mean_before,
        excess=(mean - mean_before) * both["shipments"],
        excess_variance=variance * both["shipments"] ** 2,
        z=((mean - mean_before) / variance.where(variance > 0) ** 0.5).where(alike, 0.0),
    )
    return both.assign(fixed=len(keys), **{name: None for name in PAIR if name not in keys})


def _variance_of_mean(both: pd.DataFrame, mean: pd.Series, when: str) -> pd.Series:
    residuals = both[f"cost_2{when}"] - 2 * mean * both[f"cost_shipment{when}"] + mean**2 * both[f"shipment_2{when}"]
    return residuals.clip(lower=0) / both[f"shipments{when}"] ** 2


def _dearer(part: pd.Series) -> Dearer:
    return Dearer(
        **part_of(part),
        cost_at_stake=float(part["excess"]),
        interval=interval_of_estimate(float(part["excess"]), float(part["excess_variance"])),
        avg_cost=float(part["mean"]),
        cost_before=float(part["mean_before"]),
    )


def find_cheaper_carriers(days: pd.DataFrame) -> list[CheaperCarrier]:
    """Carriers that cost more than another one whose shipments on the lane weigh alike, travel as fast, come no later."""
    pairs = _with_spread(days)
    # Means are comparable only where every shipment knows its cost and its weight.
    usable = pairs[(pairs["cost_shipments"] == pairs["shipments"]) & (pairs["shipments"] >= MIN_SHIPMENTS)]
    usable = usable[(usable["weight_kg"] > 0) & ((usable["weighed_cost"] - usable["cost"]).abs() < 0.01)]
    found = []
    for _, lane in usable.groupby(list(LANE)):
        rows = lane.to_dict("records")
        for row in rows:
            cheaper = [each for other in rows if other is not row and (each := _cheaper(row, other))]
            if cheaper:
                found.append(max(cheaper, key=lambda each: each.cost_at_stake))
    return found


def _with_spread(days: pd.DataFrame) -> pd.DataFrame:
    """Return the sums of each carrier on a lane, and the variance of its mean cost: unknown where there are few rows."""
    pairs, spread = (rows.groupby(list(PAIR), as_index=False) for rows in (with_outcomes(days), _spread(days)))
    both = pairs[list(SUMMED)].sum().merge(spread[list(SPREAD)].sum(), on=list(PAIR))
    variance = _variance_of_mean(both, both["cost"] / both["shipments"], "")
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
