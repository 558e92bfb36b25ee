"""How far two samples are apart: exact distances between their distributions, only in numpy."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["QUANTILES", "kolmogorov_smirnov", "quantiles", "shares_apart", "wasserstein"]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

Values = NDArray[np.float64]


def quantiles(values: Values, shares: Sequence[float] = QUANTILES) -> list[float]:
    """Return the quantiles of the sample at these shares (nearest rank)."""
    return [float(each) for each in np.quantile(values, shares, method="inverted_cdf")]


def kolmogorov_smirnov(one: Values, other: Values) -> float:
    """Return max |F(x) − G(x)| over all x, from 0 to 1; F and G are the shares of the samples that are at most x."""
    points = np.union1d(one, other)
    return float(np.abs(_share_at_most(one, points) - _share_at_most(other, points)).max())


def wasserstein(one: Values, other: Values) -> float:
    """Return ∫ |F(x) − G(x)| dx, in the unit of the values: how far they have to move on average to be the same."""
    points = np.union1d(one, other)
    apart = np.abs(_share_at_most(one, points) - _share_at_most(other, points))
    return float((apart[:-1] * np.diff(points)).sum())


def shares_apart(one: Sequence[float], other: Sequence[float]) -> float:
    """Return half the sum of all differences: 0 for the same shares, 1 for nothing in common."""
    return float(np.abs(np.subtract(one, other)).sum() / 2)


def _share_at_most(values: Values, points: Values) -> Values:
    return np.searchsorted(np.sort(values), points, side="right") / len(values)
