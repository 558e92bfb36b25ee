"""Tables: the rows of the marts, which a page shows, filters and offers as CSV."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd

from shipment_etl.reporting.reading import Facts
from shipment_etl.reporting.wording import UNKNOWN, cut, number

__all__ = ["FILTERS", "Choice", "MartTable", "choices", "filters_of", "mart_table", "marts_of", "say_value"]

Value = str | int | float | bool | None

FILTERS: Mapping[str, str] = {"carrier": "Carrier", "origin_warehouse": "Warehouse", "destination_city": "Destination"}
"""Column to filter rows by → its label on a page."""
TIMES = ("shipment_date", "month")
"""Columns with the time of a row."""
MAX_SHOWN = 20
MAX_CELLS = 15_000
"""Values of a mart on a page, limited so that the page opens quickly."""


@dataclass(frozen=True, slots=True)
class MartTable:
    """Rows of a mart as plain values, the newest or else the largest first; `left_out` is how many do not fit."""

    name: str
    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[Value, ...], ...]
    left_out: int

    @property
    def shown(self) -> list[list[str]]:
        """The first rows, formatted."""
        return [[say_value(value) for value in row] for row in self.rows[:MAX_SHOWN]]

    @property
    def oldest(self) -> Value:
        """The earliest time whose rows are all here; None if the mart has no times."""
        time = _time_column(self.columns)
        return self.rows[-1][self.columns.index(time)] if time and self.rows else None


@dataclass(frozen=True, slots=True)
class Choice:
    """A column to filter by, its label and its values in order."""

    column: str
    label: str
    values: tuple[str, ...]


def marts_of(facts: Facts) -> dict[str, pd.DataFrame]:
    """Return the marts of a lake by name, those from plugins last."""
    return {
        "carrier_performance": facts.carriers,
        "route_efficiency": facts.lanes,
        "cost_analysis": facts.costs,
        "delay_trends": facts.trends,
        "warehouse_demand": facts.demand,
        "open_shipments": facts.open,
        **facts.others,
    }


def mart_table(name: str, frame: pd.DataFrame) -> MartTable:
    """Return the rows of a mart that fit on a page; for a mart with times, only times whose rows all fit."""
    time = _time_column(frame.columns)
    by = time or ("shipments" if "shipments" in frame else None)
    ranked = frame.sort_values(by, ascending=False, kind="stable") if by else frame
    kept = _keep_newest(ranked, time, max(MAX_SHOWN, MAX_CELLS // max(1, len(frame.columns))))
    numeric = (pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind) for kind in frame.dtypes)
    rows = tuple(tuple(_to_plain(value) for value in row) for row in kept.itertuples(index=False))
    return MartTable(name, tuple(map(str, frame.columns)), tuple(numeric), rows, len(frame) - len(rows))


def choices(tables: Sequence[MartTable]) -> list[Choice]:
    """Return the columns by which some tables can be filtered, without those that no table has."""
    found = []
    for column, label in FILTERS.items():
        places = [(table, table.columns.index(column)) for table in tables if column in table.columns]
        values = {str(row[place]) for table, place in places for row in table.rows if row[place] is not None}
        if values:
            found.append(Choice(column, label, tuple(sorted(values))))
    return found


def filters_of(columns: Collection[str]) -> list[str]:
    """Return the filters for some columns: names of `FILTERS`, and from and to if there is a time column."""
    return [name for name in FILTERS if name in columns] + (["from", "to"] if _time_column(columns) else [])


def say_value(value: Value) -> str:
    """Format a value for people: numbers with 0, 2 or 4 digits after the point, – if it is unknown."""
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number(value, 0 if isinstance(value, int) else 2 if abs(value) >= 1 or not value else 4)
    return cut(value)


def _time_column(columns: Collection[str]) -> str | None:
    """Return the time column, if there is one."""
    return next((name for name in TIMES if name in columns), None)


def _keep_newest(ranked: pd.DataFrame, time: str | None, most: int) -> pd.DataFrame:
    if len(ranked) <= most or time is None:
        return ranked.head(most)
    whole = ranked[ranked[time] > ranked[time].iloc[most]]
    return whole if len(whole) else ranked.head(most)


def _to_plain(value: Any) -> Value:
    if isinstance(value, list | np.ndarray):
        return str(np.asarray(value).tolist())
    if value is None or value is pd.NaT or value != value:
        return None
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not isfinite(value):
        return None
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value if isinstance(value, bool | int | float) else str(value)
