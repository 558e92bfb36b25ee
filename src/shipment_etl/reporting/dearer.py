"""Dearer: what costs more than the same weight and distance did in the period before."""

import pandas as pd

from shipment_etl.reporting.advice import Dearer
from shipment_etl.reporting.costs import MIN_SHARE_AT_STAKE, SPREAD, add_spread, variance_of_ratio
from shipment_etl.reporting.findings import add_outcomes
from shipment_etl.reporting.intervals import Z, interval_of_estimate, normal_of_student, student_of_normal
from shipment_etl.reporting.slices import MIN_SHIPMENTS, PAIR, SLICES, limit_of, part_of, search
from shipment_etl.reporting.tariffs import add_expected_cost

__all__ = ["find_dearer"]

MIN_FREEDOM = 2
"""Degrees of freedom below which a slice is not tested."""


def find_dearer(days: pd.DataFrame, before: pd.DataFrame, most: int) -> list[Dearer]:
    """Find what has become more expensive, the largest increase first."""
    frames = [add_spread(rows, "expected_cost") for rows in add_expected_cost(add_outcomes(days), add_outcomes(before))]
    limit = limit_of(frames[0])

    def look(now: pd.DataFrame, earlier: pd.DataFrame) -> pd.DataFrame:
        slices = pd.concat([_compare(now, earlier, keys) for keys in ((), *SLICES)], ignore_index=True)
        # Credit notes can bring a cost below 0, where an increase has no meaning.
        priced = (slices["cost"] > 0) & (slices["usual"] >= 0)
        return slices[priced & (slices["z"] >= limit) & (slices["excess"] >= MIN_SHARE_AT_STAKE * slices["cost"])]

    return [_to_dearer(part) for part in search(look, frames, most)]


def _compare(now: pd.DataFrame, before: pd.DataFrame, keys: tuple[str, ...]) -> pd.DataFrame:
    """Compare the ratio of actual to expected cost of each slice with that ratio in the period before.

    So a lane that cost more than its carrier's tariff before is expected to do so now.

    Columns: those of `PAIR`; the current sums; usual, what the shipments would have cost; excess, what they cost more;
    excess_variance and its degrees of freedom; z.

    Source: the variance of a ratio of sums by linearisation, Cochran, "Sampling Techniques" (1977), section 2.11. A
    truckload outweighs many parcels, so rows of unequal size count as fewer: the effective sample size of L. Kish, "Survey
    Sampling" (1965). Its degrees of freedom set the limit, as in Student's test.
    """
    sums = ["shipments", "cost", "expected_cost", *SPREAD]
    one, other = (rows.assign(every=0).groupby(["every", *keys], as_index=False)[sums].sum() for rows in (now, before))
    both = one.merge(other, on=["every", *keys], suffixes=("", "_before"))
    for when in ("", "_before"):
        rows = both[f"expected_cost{when}"] ** 2 / both[f"base_2{when}"]
        enough = (both[f"shipments{when}"] >= MIN_SHIPMENTS) & (both[f"expected_cost{when}"] > 0)
        both = both.assign(**{f"freedom{when}": rows - 1})[enough & (rows - 1 >= MIN_FREEDOM)]
    ratio, ratio_before = both["cost"] / both["expected_cost"], both["cost_before"] / both["expected_cost_before"]
    variance = variance_of_ratio(both, ratio, "expected_cost")
    variance += variance_of_ratio(both, ratio_before, "expected_cost", "_before")
    both = both.assign(
        usual=both["expected_cost"] * ratio_before,
        excess=(ratio - ratio_before) * both["expected_cost"],
        excess_variance=variance * both["expected_cost"] ** 2,
        freedom=both[["freedom", "freedom_before"]].min(axis=1),
    )
    t = both["excess"] / both["excess_variance"].where(both["excess_variance"] > 0) ** 0.5
    missing = {name: None for name in PAIR if name not in keys}
    return both.assign(z=normal_of_student(t, both["freedom"]), fixed=len(keys), **missing)


def _to_dearer(part: pd.Series) -> Dearer:
    return Dearer(
        **part_of(part),
        cost_at_stake=float(part["excess"]),
        interval=interval_of_estimate(
            float(part["excess"]), float(part["excess_variance"]), reach=student_of_normal(Z, float(part["freedom"]))
        ),
        avg_cost=float(part["cost"] / part["shipments"]),
        cost_before=float(part["usual"] / part["shipments"]),
    )
