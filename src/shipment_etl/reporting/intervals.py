"""Intervals: how certain an estimate is, as a range around it."""

from dataclasses import dataclass
from math import expm1, sqrt
from statistics import NormalDist

import numpy as np
import pandas as pd

from shipment_etl.reporting.findings import CONFIDENCE

__all__ = [
    "Interval",
    "Z",
    "interval_of_difference",
    "interval_of_estimate",
    "normal_of_student",
    "student_of_normal",
]

Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
"""Standard errors within which an estimate is of the true value, in the share of cases that `CONFIDENCE` gives."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A range that contains the true value in 95 of 100 cases."""

    low: float
    high: float


def interval_of_estimate(estimate: float, variance: float, reach: float = Z) -> Interval | None:
    """Return the interval of `reach` standard errors around an estimate; None if its variance is unknown."""
    if variance != variance:
        return None
    return Interval(estimate - reach * variance**0.5, estimate + reach * variance**0.5)


def normal_of_student(t: pd.Series, freedom: pd.Series) -> pd.Series:
    """Convert deviates of Student's t-distribution to equally likely ones of the normal distribution.

    Source: D. L. Wallace, "Bounds on normal approximations to Student's and the chi-square distributions", Annals of
    Mathematical Statistics 30 (1959).
    """
    size = np.sqrt(freedom * np.log1p(t**2 / freedom)) * (8 * freedom + 1) / (8 * freedom + 3)
    deviates: pd.Series = np.sign(t) * size
    return deviates


def student_of_normal(z: float, freedom: float) -> float:
    """Convert a non-negative deviate of the normal distribution to an equally likely one of Student's t-distribution."""
    return sqrt(freedom * expm1((z * (8 * freedom + 3) / (8 * freedom + 1)) ** 2 / freedom))


def interval_of_difference(
    share: pd.Series, whole: pd.Series, other_share: pd.Series, other_whole: pd.Series
) -> tuple[pd.Series, pd.Series]:
    """Return the lower and the upper end of the interval of the difference between two shares from 0 to 1.

    Source: R. G. Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine
    17 (1998), method 10. It also holds for few shipments and for shares near 0.
    """
    (low, high), (other_low, other_high) = _interval_of_share(share, whole), _interval_of_share(other_share, other_whole)
    difference = share - other_share
    down = ((share - low) ** 2 + (other_high - other_share) ** 2) ** 0.5
    up = ((high - share) ** 2 + (other_share - other_low) ** 2) ** 0.5
    return difference - down, difference + up


def _interval_of_share(share: pd.Series, whole: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927)."""
    middle = share + Z**2 / (2 * whole)
    reach = Z * (share * (1 - share) / whole + Z**2 / (4 * whole**2)) ** 0.5
    return (middle - reach) / (1 + Z**2 / whole), (middle + reach) / (1 + Z**2 / whole)
