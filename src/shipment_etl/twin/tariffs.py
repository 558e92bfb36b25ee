"""Tariffs: what a carrier charges, fitted to the mean costs of its services."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import combinations
from typing import NamedTuple

import numpy as np

from shipment_etl.network import Tariff

__all__ = ["MeanCost", "charge", "fit_tariff"]

MAX_RATE = 10**6


class MeanCost(NamedTuple):
    """What a service charges for a shipment on average, and over how many shipments."""

    shipments: int
    weight_kg: float
    distance_km: float
    cost: float


def fit_tariff(means: Sequence[MeanCost]) -> Tariff:
    """Return the tariff without negative rates that fits mean costs best, by least squares weighted by shipments."""
    rates = min(_fits(means), key=lambda each: each[0])[1]
    base, per_kg, per_km = (Decimal(str(min(rate, MAX_RATE))) for rate in rates)
    return Tariff(base.quantize(Decimal("0.01")), per_kg.quantize(Decimal("0.0001")), per_km.quantize(Decimal("0.0001")))


def charge(tariff: Tariff, weight_kg: float, distance_km: float) -> float:
    """Return what a tariff charges for a shipment."""
    return float(tariff.base) + float(tariff.per_kg) * weight_kg + float(tariff.per_km) * distance_km


def _fits(means: Sequence[MeanCost]) -> Iterator[tuple[float, tuple[float, ...]]]:
    """Yield the squared error and the rates of the least-squares fit of each set of parts that a tariff can have.

    The best one without a negative rate is the solution with non-negative rates.
    """
    weights = np.sqrt([each.shipments for each in means])
    cost = np.array([each.cost for each in means])
    parts = np.array([(1.0, each.weight_kg, each.distance_km) for each in means])
    # A part that is the same for all services cannot be separated from the base.
    usable = [0, *(place for place in (1, 2) if np.ptp(parts[:, place]) > 0)]
    yield float(np.sum((weights * cost) ** 2)), (0.0, 0.0, 0.0)
    for count in range(1, len(usable) + 1):
        for chosen in combinations(usable, count):
            columns = parts[:, chosen]
            found, *_ = np.linalg.lstsq(columns * weights[:, None], cost * weights, rcond=None)
            if (found >= 0).all():
                rates = [0.0, 0.0, 0.0]
                for place, rate in zip(chosen, found, strict=True):
                    rates[place] = float(rate)
                yield float(np.sum((weights * (columns @ found - cost)) ** 2)), tuple(rates)
