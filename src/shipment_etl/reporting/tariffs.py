"""Tariffs: what shipments cost by weight and distance, estimated from sums of many shipments."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from shipment_etl.reporting.costs import MIN_ROWS, is_complete, keep_priced

__all__ = ["add_expected_cost"]

REACH = 0.01
"""Share by which a row may lie outside the weights and distances that a tariff was estimated from."""

WEIGHT = ["shipments", "weight_kg"]
DISTANCE = ["distance_km", "priced_tonne_km"]


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a carrier charges: a rate for each driver, which is a sum that the cost depends on.

    `low` and `high` are the smallest and largest value per shipment of each driver for which the rates are known.
    """

    drivers: list[str]
    rates: npt.NDArray[np.float64]
    low: pd.Series
    high: pd.Series

    def price(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the rows for which the rates are known, with their expected cost."""
        each = _divide_by_shipments(rows, self.drivers)
        rows = rows[((each >= self.low * (1 - REACH)) & (each <= self.high * (1 + REACH))).all(axis=1)]
        return rows.assign(expected_cost=rows[self.drivers].to_numpy(float) @ self.rates)


def add_expected_cost(now: pd.DataFrame, before: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add to rows of two periods what their shipments would have cost by the tariffs of the earlier period.

    A carrier's tariff has a rate per shipment, kilogram, kilometre and tonne-kilometre; only the first two where not all
    distances are known. These parts add up, so they can be estimated from sums. Rows in which a cost or a weight is unknown
    are left out, and so are carriers with fewer than `MIN_ROWS` earlier rows, and rows heavier or farther than any earlier.

    Columns:
        expected_cost: double.
    """
    now, before = (rows[is_complete(rows, "weighed_cost")] for rows in map(keep_priced, (now, before)))
    far = all(is_complete(rows, "tonne_km_cost").all() for rows in (now, before))
    drivers = [*WEIGHT, *DISTANCE] if far else WEIGHT
    tariffs = {str(carrier): _fit(own, drivers) for carrier, own in before.groupby("carrier") if len(own) >= MIN_ROWS}
    return _apply_tariffs(now, tariffs), _apply_tariffs(before, tariffs)


def _fit(rows: pd.DataFrame, drivers: list[str]) -> Tariff:
    """Fit by weighted least squares: a sum of n shipments has n times the variance of one."""
    values, cost, shipments = (rows[names].to_numpy(float) for names in (drivers, "cost", "shipments"))
    # Scaled by their sums, so that collinear drivers, as on a single lane, share what they explain.
    totals = np.where(values.sum(axis=0) > 0, values.sum(axis=0), 1.0)
    spread = np.sqrt(shipments)
    rates = np.linalg.lstsq(values / totals / spread[:, None], cost / spread, rcond=None)[0] / totals
    each = _divide_by_shipments(rows, drivers)
    return Tariff(drivers, rates, each.min(), each.max())


def _divide_by_shipments(rows: pd.DataFrame, drivers: list[str]) -> pd.DataFrame:
    return rows[drivers].astype(float).div(rows["shipments"], axis=0)


def _apply_tariffs(rows: pd.DataFrame, tariffs: dict[str, Tariff]) -> pd.DataFrame:
    parts = [tariffs[str(carrier)].price(own) for carrier, own in rows.groupby("carrier") if carrier in tariffs]
    return pd.concat(parts) if parts else rows.head(0).assign(expected_cost=0.0)
