"""Findings: what changed and where the bottlenecks are, as numbers; the wording is elsewhere.

All are computed from sums of `lane_days` and `warehouse_demand`. A difference counts only if it is significant.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import sqrt
from statistics import NormalDist
from typing import cast

import pandas as pd

from shipment_etl.reporting.periods import Period
from shipment_etl.reporting.rounding import rounded_difference
from shipment_etl.thresholds import LATE_DAYS

__all__ = [
    "Change",
    "Figures",
    "Load",
    "Share",
    "add_outcomes",
    "clearly_differ",
    "figures",
    "measure_change",
    "measure_load",
    "select_period",
    "z_of",
]

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole, as two counts."""

    part: int
    whole: int

    @property
    def pct(self) -> float:
        """The share in per cent; 0 if the whole is 0."""
        return 100 * self.part / self.whole if self.whole else 0.0


@dataclass(frozen=True, slots=True)
class Figures:
    """The totals of a period.

    Delays cover the shipments `with_delay`: those that had a promised date and are delivered or `overdue`, which are late by
    the days so far. `days_late` is over all late shipments; `cost` is over the `priced` shipments, whose cost is known;
    `late_cost` is that of shipments two or more days late.
    """

    shipments: int
    with_delay: int
    on_time: int
    late: int
    days_late: int
    priced: int
    cost: float
    late_cost: float
    overdue: int = 0

    @property
    def late_share(self) -> Share:
        """Shipments two or more days late."""
        return Share(self.late, self.with_delay)

    @property
    def on_time_share(self) -> Share:
        """Shipments that came on time: by the network's tolerance in minutes where times are known, else by the day."""
        return Share(self.on_time, self.with_delay)

    @property
    def avg_cost(self) -> float | None:
        """Cost per shipment; None if no cost is known."""
        return self.cost / self.priced if self.priced else None


@dataclass(frozen=True, slots=True)
class Change:
    """The share of shipments on time, now and before; `clear` if the change is significant; those overdue now."""

    now: Share
    before: Share | None
    clear: bool
    overdue: int = 0

    @property
    def points(self) -> Decimal:
        """Percentage points by which the share grew, as shown."""
        return rounded_difference(self.now.pct, self.before.pct) if self.before else Decimal(0)


@dataclass(frozen=True, slots=True)
class Load:
    """Warehouse-days over capacity, among those with a known capacity, and the fullest warehouse."""

    over: Share
    over_before: Share | None
    worst: str | None
    worst_over: int
    peak_pct: float
    peak_day: date | None


def select_period(frame: pd.DataFrame, period: Period) -> pd.DataFrame:
    """Return the rows of a period, by shipment_date."""
    return frame[(frame["shipment_date"] >= period.first) & (frame["shipment_date"] <= period.last)]


def figures(days: pd.DataFrame) -> Figures:
    """Sum rows of lane_days."""
    by_delay = add_outcomes(days)
    return Figures(
        shipments=int(by_delay["shipments"].sum()),
        with_delay=int(by_delay["with_delay"].sum()),
        on_time=int(by_delay["on_time"].sum()),
        late=int(by_delay["late"].sum()),
        days_late=int(by_delay["days_late"].sum()),
        priced=int(by_delay["cost_shipments"].sum()),
        cost=float(by_delay["cost"].sum()),
        late_cost=float(by_delay["late_cost"].sum()),
        overdue=int(by_delay["overdue"].sum()),
    )


def measure_change(now: Figures, before: Figures | None) -> Change:
    """Compare the share on time with that of the period before."""
    if before is None or not before.with_delay:
        return Change(now.on_time_share, None, False, now.overdue)
    clear = clearly_differ(now.on_time_share, before.on_time_share)
    return Change(now.on_time_share, before.on_time_share, clear, now.overdue)


def clearly_differ(one: Share, other: Share, looked_at: int = 1) -> bool:
    """Whether two shares differ significantly: a two-sided test of two proportions at 95 %.

    Args:
        one: a share.
        other: the share to compare it with.
        looked_at: number of pairs tested, this one included; the 95 % apply to all of them together (Bonferroni).
    """
    return abs(z_of(one, other)) >= NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / 2 / looked_at)


def measure_load(demand: pd.DataFrame, now: Period, before: Period | None) -> Load | None:
    """Count warehouse-days over capacity; None if no capacity is known."""
    known = demand[demand["utilisation_pct"].notna()]
    rows = select_period(known, now)
    if rows.empty:
        return None
    over = rows["congested"].astype(bool)
    by_warehouse = rows[over].groupby("origin_warehouse").size().sort_values(ascending=False, kind="stable")
    worst = str(by_warehouse.index[0]) if len(by_warehouse) else None
    fullest = rows if worst is None else rows[rows["origin_warehouse"] == worst]
    peak = fullest.loc[fullest["utilisation_pct"].astype(float).idxmax()]
    earlier = select_period(known, before) if before else None
    return Load(
        over=Share(int(over.sum()), len(rows)),
        over_before=None if earlier is None else Share(int(earlier["congested"].astype(bool).sum()), len(earlier)),
        worst=str(peak["origin_warehouse"]),
        worst_over=int(by_warehouse.iloc[0]) if worst else 0,
        peak_pct=float(peak["utilisation_pct"]),
        peak_day=cast(date, peak["shipment_date"]),
    )


def add_outcomes(days: pd.DataFrame) -> pd.DataFrame:
    """Add columns with the outcomes of shipments to rows of lane_days: counts as integers, costs as doubles."""
    known, shipments = days["delay_days"].notna(), days["shipments"].astype("int64")
    delay = _to_whole(days["delay_days"])
    late = known & (delay >= LATE_DAYS)
    cost, priced = days["cost"].astype(float).fillna(0.0), days["cost_shipments"].astype("int64")
    return days.assign(
        shipments=shipments,
        with_delay=shipments.where(known, 0),
        # Only what is in transit has a due date, and a delay only if it is overdue.
        overdue=shipments.where(known & days["due_date"].notna(), 0),
        cost=cost,
        cost_shipments=priced,
        weighed_cost=days["weighed_cost"].astype(float).fillna(0.0),
        transit_days=_to_whole(days["transit_days"]),
        weight_kg=days["weight_kg"].astype(float).fillna(0.0),
        on_time=_to_whole(days["on_time_shipments"]),
        late=shipments.where(late, 0),
        days_late=delay.clip(lower=0) * shipments,
        late_cost=cost.where(late, 0.0),
        late_priced=priced.where(late, 0),
    )


def _to_whole(values: pd.Series) -> pd.Series:
    """Convert to integers, with 0 for unknown values."""
    return values.astype(float).fillna(0.0).astype("int64")


def z_of(one: Share, other: Share) -> float:
    """Return by how many standard errors one share exceeds the other, with a pooled variance."""
    if not one.whole or not other.whole:
        return 0.0
    pooled = (one.part + other.part) / (one.whole + other.whole)
    error = sqrt(pooled * (1 - pooled) * (1 / one.whole + 1 / other.whole))
    return (one.part / one.whole - other.part / other.whole) / error if error else 0.0
