"""Slices: shipments with a common carrier, place or lane, and the search for slices that stand out."""

from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any

import pandas as pd

__all__ = [
    "FALSE_ALARM",
    "LANE",
    "MIN_SHIPMENTS",
    "PAIR",
    "PART",
    "SLICES",
    "SUMMED",
    "WEEKDAY",
    "WEEKDAY_SLICES",
    "is_in",
    "limit_of",
    "part_of",
    "search",
    "sum_by",
]

FALSE_ALARM = 0.01
"""Probability that a page names a carrier or lane although all are alike, over all slices tested."""

MIN_SHIPMENTS = 30
"""Shipments that a slice, and what it is compared with, must have."""

SUMMED = (
    *("shipments", "transit_days", "late", "days_late"),
    *("cost", "cost_shipments", "late_cost", "late_priced", "weighed_cost", "weight_kg"),
)

LANE = ("origin_warehouse", "destination_city")
PAIR = ("carrier", *LANE)
SLICES = (
    *(("carrier",), ("origin_warehouse",), ("destination_city",)),
    *(("carrier", "origin_warehouse"), ("carrier", "destination_city"), LANE, PAIR),
)
"""Slices that can be later or more expensive than others, by the columns that they have in common."""

WEEKDAY = "weekday"
WEEKDAY_SLICES = ((WEEKDAY,), ("carrier", WEEKDAY), ("origin_warehouse", WEEKDAY), ("destination_city", WEEKDAY))
"""Slices that can be later on one day of the week than on others."""

PART = (*PAIR, WEEKDAY)
"""Columns that the shipments of a slice can have in common."""

MIN_SHARE_OF_WHOLE = 0.6
"""Share of a slice's excess that a smaller slice within it must have to be named instead."""


def search(look: Callable[..., pd.DataFrame], frames: list[pd.DataFrame], most: int) -> list[pd.Series]:
    """Return the slices that `look` finds in some frames, the largest first; each is removed before the next search."""
    found = list[pd.Series]()
    while len(found) < most:
        slices = look(*frames)
        if slices.empty:
            break
        found.append(_narrow(slices.sort_values("excess", ascending=False, kind="stable")))
        frames = [rows[~is_in(rows, found[-1])] for rows in frames]
    return found


def _narrow(found: pd.DataFrame) -> pd.Series:
    """Return the smallest slice within the largest one that still has most of its excess: the likely cause."""
    worst = found.iloc[0]
    while True:
        within_it = found[(found["fixed"] > worst["fixed"]) & (found["excess"] >= MIN_SHARE_OF_WHOLE * worst["excess"])]
        within_it = within_it[is_in(within_it, worst)]
        if within_it.empty:
            return worst
        worst = within_it.iloc[0]


def is_in(rows: pd.DataFrame, part: pd.Series) -> pd.Series:
    """Whether each row is in a slice."""
    inside = pd.Series(True, index=rows.index)
    for name in PART:
        if part.get(name) is not None:
            inside &= rows[name] == part[name]
    return inside


def sum_by(by_delay: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Sum shipments, delays and costs by the values of some columns."""
    return by_delay.groupby(keys, as_index=False)[list(SUMMED)].sum()


def limit_of(rows: pd.DataFrame, slices: Sequence[tuple[str, ...]] = SLICES) -> float:
    """Return the standard errors that count as significant, corrected for the number of slices tested (Bonferroni)."""
    looked_at = sum(len(rows.drop_duplicates(list(keys))) for keys in slices)
    return NormalDist().inv_cdf(1 - FALSE_ALARM / max(1, looked_at))


def part_of(slice_: pd.Series) -> dict[str, Any]:
    """Return carrier, origin and city of a slice; None means any."""
    return {"carrier": slice_["carrier"], "origin": slice_["origin_warehouse"], "city": slice_["destination_city"]}
