"""What is compared: measures of shipments, and shares of them. Each is computed only from the columns in `COLUMNS`."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from shipment_etl.thresholds import LATE_DAYS

__all__ = ["COLUMNS", "MEASURES", "SHARES", "Measure", "Share", "daily_percent", "weekday_shares"]

COLUMNS = ("shipment_date", "transit_days", "delay_days", "weight_kg", "distance_km", "cost")
"""Columns of a table to compare: a date, and numbers; NaN if unknown."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A number for each shipment, or for each day; `logarithmic` is the scale of its plot."""

    name: str
    of: Callable[[pd.DataFrame], "pd.Series[float]"]
    logarithmic: bool = False

    def values(self, table: pd.DataFrame) -> NDArray[np.float64]:
        """Return its known values in a table, in any order; none if the table lacks a column that it needs."""
        return np.asarray(self.of(table).dropna(), np.float64)


@dataclass(frozen=True, slots=True)
class Share:
    """A share of the shipments that were delivered and had a promise."""

    name: str
    of: Callable[["pd.Series[float]"], "pd.Series[bool]"]

    def percent(self, table: pd.DataFrame) -> float:
        return float(100 * self.of(table["delay_days"].dropna()).mean())


def daily_percent(table: pd.DataFrame) -> "pd.Series[float]":
    """Return the number of shipments of each day, from the first to the last, in percent of the mean day."""
    days = pd.to_datetime(table["shipment_date"])
    counts = days.value_counts().reindex(pd.date_range(days.min(), days.max()), fill_value=0)
    return 100 * counts / counts.mean()


def weekday_shares(table: pd.DataFrame) -> list[float]:
    """Return the shares of shipments that leave on Monday to Sunday."""
    weekdays = pd.to_datetime(table["shipment_date"]).dt.weekday
    return [float((weekdays == weekday).mean()) for weekday in range(7)]


MEASURES = (
    Measure("Days in transit", lambda table: table["transit_days"], logarithmic=True),
    Measure("Days of delay", lambda table: table["delay_days"]),
    Measure("Weight, kg", lambda table: table["weight_kg"], logarithmic=True),
    Measure("Distance, km", lambda table: table["distance_km"]),
    Measure("Cost, USD", lambda table: table["cost"], logarithmic=True),
    Measure("Cost per kg, USD", lambda table: table["cost"] / table["weight_kg"], logarithmic=True),
    Measure(
        "Cost per tonne-km, USD",
        lambda table: table["cost"] / (table["weight_kg"] / 1000 * table["distance_km"]),
        logarithmic=True,
    ),
    Measure("Shipments of a day, % of the mean day", daily_percent),
)

SHARES = (
    Share("on time, %", lambda delays: delays <= 0),
    Share(f"{LATE_DAYS} or more days late, %", lambda delays: delays >= LATE_DAYS),
)
