"""Dearer: what costs more than its weight and distance cost in the period before."""

import pandas as pd

from shipment_etl.reporting.advice import Dearer
from shipment_etl.reporting.costs import MIN_ROWS, SPREAD, WORTH_SAYING, variance_of_ratio, with_spread
from shipment_etl.reporting.findings import with_outcomes
from shipment_etl.reporting.intervals import interval_of_estimate
from shipment_etl.reporting.slices import PAIR, SLICES, limit_of, part_of, search
from shipment_etl.reporting.tariffs import with_expected_cost

__all__ = ["find_dearer"]

MIN_ROWS_OF_SLICE = 3
"""Rows of lane_days below which a slice is not judged, in either period."""


def find_dearer(days: pd.DataFrame, before: pd.DataFrame, most: int) -> list[Dearer]:
    """Find what has grown dearer, the largest first."""
    frames = [with_spread(rows, "expected_cost") for rows in with_expected_cost(with_outcomes(days), with_outcomes(before))]
    limit = limit_of(frames[0])

    def look(now: pd.DataFrame, earlier: pd.DataFrame) -> pd.DataFrame:
        slices = pd.concat([_compare(now, earlier, keys) for keys in ((), *SLICES)], ignore_index=True)
        # Credit notes can bring a cost below 0: nothing is dearer than a refund.
        priced = (slices["cost"] > 0) & (slices["usual"] >= 0)
        return slices[priced & (slices["z"] >= limit) & (slices["excess"] >= WORTH_SAYING * slices["cost"])]

    return [_dearer(part) for part in search(look, frames, most)]


def _compare(now: pd.DataFrame, before: pd.DataFrame, keys: tuple[str, ...]) -> pd.DataFrame:
    """Hold the cost of each slice, as a multiple of what is expected, against that multiple of the period before.

    A lane that was dearer than its carrier's tariff then is expected to be so now.

    Columns: those of `PAIR`; the sums of now; usual, what the shipments would have cost; excess, what they cost more, and
    excess_variance; z.

    Source: the variance of a ratio of sums by linearisation, Cochran, "Sampling Techniques" (1977), section 2.11. Few rows
    show a spread badly, so that there it is at least that of all shipments of the carrier.
    """
    sums = ["shipments", "cost", "expected_cost", "expected_variance", *SPREAD]
    one, other = (rows.assign(every=0).groupby(["every", *keys], as_index=False)[sums].sum() for rows in (now, before))
    both = one.merge(other, on=["every", *keys], suffixes=("", "_before"))
    for when in ("", "_before"):
        both = both[(both[f"rows{when}"] >= MIN_ROWS_OF_SLICE) & (both[f"expected_cost{when}"] > 0)]
    variance = _variance(both, "") + _variance(both, "_before")
    usual = both["expected_cost"] * both["cost_before"] / both["expected_cost_before"]
    excess, excess_variance = both["cost"] - usual, variance * both["expected_cost"] ** 2
    z = excess / excess_variance.where(excess_variance > 0) ** 0.5
    missing = {name: None for name in PAIR if name not in keys}
    return both.assign(usual=usual, excess=excess, excess_variance=excess_variance, z=z, fixed=len(keys), **missing)


def _variance(both: pd.DataFrame, when: str) -> pd.Series:
    ratio = both[f"cost{when}"] / both[f"expected_cost{when}"]
    own = variance_of_ratio(both, ratio, "expected_cost", when)
    usual = ratio**2 * both[f"expected_variance{when}"] / both[f"expected_cost{when}"] ** 2
    return own.where((both[f"rows{when}"] >= MIN_ROWS) | (own > usual), usual)


def _dearer(part: pd.Series) -> Dearer:
    return Dearer(
        **part_of(part),
        cost_at_stake=float(part["excess"]),
        interval=interval_of_estimate(float(part["excess"]), float(part["excess_variance"])),
        avg_cost=float(part["cost"] / part["shipments"]),
        cost_before=float(part["usual"] / part["shipments"]),
    )
