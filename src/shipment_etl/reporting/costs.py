"""Costs: the shipments that know theirs, and how much costs vary."""

import pandas as pd

__all__ = ["MIN_ROWS", "SPREAD", "WORTH_SAYING", "all_know", "priced", "variance_of_ratio", "with_spread"]

MIN_ROWS = 20
"""Rows of lane_days below which they do not show how much costs vary."""

WORTH_SAYING = 0.03
"""Share of its cost that a shipment must be able to save."""

CENT = 0.01
SPREAD = ("rows", "cost_2", "cost_base", "base_2")


def priced(days: pd.DataFrame) -> pd.DataFrame:
    """Return the rows, of those with outcomes, that know the cost of all their shipments."""
    return days[(days["cost_shipments"] == days["shipments"]) & (days["shipments"] > 0)]


def all_know(rows: pd.DataFrame, sum_of_known: str) -> pd.Series:
    """Whether a sum of the costs of shipments that know something is that of all shipments of a row."""
    return (rows["cost"] - rows[sum_of_known].astype(float).fillna(0.0)).abs() < CENT


def with_spread(rows: pd.DataFrame, base: str = "shipments") -> pd.DataFrame:
    """Return rows with what the variance of their cost, divided by a base, comes from.

    Args:
        rows: priced ones.
        base: name of a column.
    """
    cost, divisor = rows["cost"], rows[base].astype(float)
    return rows.assign(rows=1, cost_2=cost**2, cost_base=cost * divisor, base_2=divisor**2)


def variance_of_ratio(sums: pd.DataFrame, ratio: pd.Series, base: str = "shipments", when: str = "") -> pd.Series:
    """Return the variance of a ratio of sums of cost and base.

    Source: linearisation, Cochran, "Sampling Techniques" (1977), section 2.11.

    Args:
        sums: a row for each ratio, with the sums of base and `SPREAD`.
        ratio: the cost divided by the base.
        base: name of a column.
        when: how the names of these columns end.
    """
    residuals = sums[f"cost_2{when}"] - 2 * ratio * sums[f"cost_base{when}"] + ratio**2 * sums[f"base_2{when}"]
    return residuals.clip(lower=0) / sums[f"{base}{when}"] ** 2
