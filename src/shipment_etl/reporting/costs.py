"""Costs: shipments with a known cost, and how much costs vary."""

import pandas as pd

__all__ = ["MIN_ROWS", "MIN_SHARE_AT_STAKE", "SPREAD", "add_spread", "is_complete", "keep_priced", "variance_of_ratio"]

MIN_ROWS = 20
"""Rows of lane_days needed to estimate how much costs vary."""

MIN_SHARE_AT_STAKE = 0.03
"""Share of the cost that must be at stake for it to be named."""

CENT = 0.01
SPREAD = ("rows", "cost_2", "cost_base", "base_2")


def keep_priced(days: pd.DataFrame) -> pd.DataFrame:
    """Return the rows in which the cost of every shipment is known; the rows must have outcomes."""
    return days[(days["cost_shipments"] == days["shipments"]) & (days["shipments"] > 0)]


def is_complete(rows: pd.DataFrame, sum_of_known: str) -> pd.Series:
    """Whether a sum of costs over the shipments for which a value is known covers all shipments of a row."""
    return (rows["cost"] - rows[sum_of_known].astype(float).fillna(0.0)).abs() < CENT


def add_spread(rows: pd.DataFrame, base: str = "shipments") -> pd.DataFrame:
    """Add the columns of `SPREAD`, from which the variance of the ratio of cost and base is computed.

    Args:
        rows: rows with the cost of every shipment.
        base: name of the column that the cost is divided by.
    """
    cost, divisor = rows["cost"], rows[base].astype(float)
    return rows.assign(rows=1, cost_2=cost**2, cost_base=cost * divisor, base_2=divisor**2)


def variance_of_ratio(sums: pd.DataFrame, ratio: pd.Series, base: str = "shipments", when: str = "") -> pd.Series:
    """Return the variance of a ratio of sums of cost and base.

    Source: linearisation, Cochran, "Sampling Techniques" (1977), section 2.11.

    Args:
        sums: one row per ratio, with the sums of base and of the columns of `SPREAD`.
        ratio: the cost divided by the base.
        base: name of the column that the cost is divided by.
        when: suffix of the names of these columns.
    """
    residuals = sums[f"cost_2{when}"] - 2 * ratio * sums[f"cost_base{when}"] + ratio**2 * sums[f"base_2{when}"]
    return residuals.clip(lower=0) / sums[f"{base}{when}"] ** 2
