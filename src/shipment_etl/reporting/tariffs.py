"""Tariffs: what shipments cost by their weight and distance, worked out from sums of many of them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from shipment_etl.reporting.costs import MIN_ROWS, all_know, priced

__all__ = ["with_expected_cost"]

REACH = 0.01
"""Share by which a row may be heavier, lighter, farther or nearer than those that a tariff comes from."""

WEIGHT = ["shipments", "weight_kg"]
DISTANCE = ["distance_km", "priced_tonne_km"]


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a carrier takes: rates for the sums that a cost depends on.

    `low` and `high` are the least and the most of each driver, by shipment, that the rates are known for.
    """

    drivers: list[str]
    rates: npt.NDArray[np.float64]
    low: pd.Series
    high: pd.Series

    def price(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the rows for which the rates are known, with their expected cost."""
        each = _each(rows, self.drivers)
        rows = rows[((each >= self.low * (1 - REACH)) & (each <= self.high * (1 + REACH))).all(axis=1)]
        return rows.assign(expected_cost=rows[self.drivers].to_numpy(float) @ self.rates)


def with_expected_cost(now: pd.DataFrame, before: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return rows of two periods with what their shipments would have cost by the tariffs of the period before.

    A carrier's tariff is a rate for each shipment, kilogram, kilometre and tonne-kilometre; only the first two where not all
    distances are known. These parts add up, so sums of shipments show them. Left out are rows whose shipments do not all
    know their cost and weight, carriers with fewer than `MIN_ROWS` rows before, and rows heavier or farther than any before.

    Columns:
        expected_cost: double.
    """
    now, before = (rows[all_know(rows, "weighed_cost")] for rows in map(priced, (now, before)))
    far = all(all_know(rows, "tonne_km_cost").all() for rows in (now, before))
    drivers = [*WEIGHT, *DISTANCE] if far else WEIGHT
    tariffs = {str(carrier): _fit(own, drivers) for carrier, own in before.groupby("carrier") if len(own) >= MIN_ROWS}
    return _priced(now, tariffs), _priced(before, tariffs)


def _fit(rows: pd.DataFrame, drivers: list[str]) -> Tariff:
    """Fit by weighted least squares: a sum of n shipments has n times the variance of one."""
    values, cost, shipments = (rows[names].to_numpy(float) for names in (drivers, "cost", "shipments"))
    # In shares of their sums, so that drivers that cannot be told apart, as on a single lane, share what they explain.
    totals = np.where(values.sum(axis=0) > 0, values.sum(axis=0), 1.0)
    spread = np.sqrt(shipments)
    rates = np.linalg.lstsq(values / totals / spread[:, None], cost / spread, rcond=None)[0] / totals
    each = _each(rows, drivers)
    return Tariff(drivers, rates, each.min(), each.max())


def _each(rows: pd.DataFrame, drivers: list[str]) -> pd.DataFrame:
    return rows[drivers].astype(float).div(rows["shipments"], axis=0)


def _priced(rows: pd.DataFrame, tariffs: dict[str, Tariff]) -> pd.DataFrame:
    parts = [tariffs[str(carrier)].price(own) for carrier, own in rows.groupby("carrier") if carrier in tariffs]
    return pd.concat(parts) if parts else rows.head(0).assign(expected_cost=0.0)
