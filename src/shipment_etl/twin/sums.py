"""Sums: the input of learning, rows of lane_days summed up by service and by day."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["COLUMNS", "DayCounts", "RollUp", "ServiceKey", "Sums", "sum_up"]

ServiceKey = tuple[str, str, str]
"""Origin, destination and carrier."""

SERVICE = ("origin_warehouse", "destination_city", "carrier")
HISTOGRAM = (*SERVICE, "state", "delay_days")
ADDED = (
    *("shipments", "transit_days", "weight_kg", "volume_m3", "distance_km", "distance_shipments"),
    *("cost", "cost_shipments", "weighed_cost", "priced_weight_kg"),
)
COLUMNS = ("shipment_date", *HISTOGRAM, *ADDED)
"""The columns of lane_days that are read."""


@dataclass(slots=True)
class Sums:
    """Sums over shipments. `lead_days` are days from shipment to promise, over those that have a delay."""

    shipments: int = 0
    lead_days: int = 0
    weight_kg: Decimal = Decimal(0)
    volume_m3: Decimal = Decimal(0)
    distance_km: Decimal = Decimal(0)
    distance_shipments: int = 0
    cost: Decimal = Decimal(0)
    cost_shipments: int = 0
    weighed_cost: Decimal = Decimal(0)
    priced_weight_kg: Decimal = Decimal(0)
    delays: Counter[int] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    weekdays: Counter[int] = field(default_factory=Counter)

    def add(self, other: "Sums") -> None:
        """Add other shipments to these."""
        for name in self.__slots__:
            value = getattr(self, name)
            if isinstance(value, Counter):
                value.update(getattr(other, name))
            else:
                setattr(self, name, value + getattr(other, name))

    @property
    def with_delay(self) -> int:
        """Delivered shipments with a promise."""
        return self.delays.total()

    @property
    def late(self) -> int:
        """Those of them that came after the promise."""
        return sum(count for days, count in self.delays.items() if days > 0)


@dataclass(slots=True)
class DayCounts:
    """Shipments of a day; those delivered with a promise, and those of them that came late."""

    shipments: int = 0
    with_delay: int = 0
    late: int = 0


@dataclass(frozen=True, slots=True)
class RollUp:
    """Rows of lane_days, summed up by service and by shipment date."""

    services: Mapping[ServiceKey, Sums]
    days: Mapping[date, DayCounts]

    @property
    def shipments(self) -> int:
        """How many there are."""
        return sum(each.shipments for each in self.services.values())


def sum_up(lane_days: Iterable[pa.Table]) -> RollUp:
    """Sum rows of lane_days, piece by piece, so that years of them need little memory; only `COLUMNS` are read."""
    parts = [_group(rows.select(COLUMNS)) for rows in lane_days if rows.num_rows]
    if not parts:
        return RollUp({}, {})
    histogram, weekdays, days = (_combine([part[place] for part in parts], keys) for place, keys in enumerate(KEYS))
    services: dict[ServiceKey, Sums] = {}
    for row in histogram:
        services.setdefault(_service_of(row), Sums()).add(_sums_of(row))
    for row in weekdays:
        # A service may have no shipments left once corrections are subtracted.
        if (key := _service_of(row)) in services:
            services[key].weekdays[row["weekday"]] += row["shipments"]
    counted: dict[date, DayCounts] = {}
    for row in days:
        day = counted.setdefault(row["shipment_date"], DayCounts())
        day.shipments += row["shipments"]
        if row["delay_days"] is not None:
            day.with_delay += row["shipments"]
            day.late += row["shipments"] if row["delay_days"] > 0 else 0
    return RollUp(services, counted)


KEYS = (HISTOGRAM, (*SERVICE, "weekday"), ("shipment_date", "delay_days"))


def _group(rows: pa.Table) -> tuple[pa.Table, ...]:
    dated = rows.append_column("weekday", pc.day_of_week(rows["shipment_date"]))
    return tuple(_sum(dated, keys) for keys in KEYS)


def _combine(tables: list[pa.Table], keys: tuple[str, ...]) -> list[dict[str, Any]]:
    # A batch subtracts what it overtakes: a sum of 0 means that the shipments moved to another group.
    return [row for row in _sum(pa.concat_tables(tables), keys).to_pylist() if row["shipments"]]


def _sum(rows: pa.Table, keys: tuple[str, ...]) -> pa.Table:
    added = [name for name in ADDED if name in rows.column_names and (keys == HISTOGRAM or name == "shipments")]
    return rows.group_by(list(keys)).aggregate([(name, "sum") for name in added]).rename_columns([*keys, *added])


def _service_of(row: Mapping[str, Any]) -> ServiceKey:
    return row["origin_warehouse"], row["destination_city"], row["carrier"]


def _sums_of(row: Mapping[str, Any]) -> Sums:
    made = Sums(**{name: row[name] for name in ADDED if name != "transit_days"})
    made.states[row["state"]] = row["shipments"]
    if row["delay_days"] is not None:
        made.delays[row["delay_days"]] = row["shipments"]
        made.lead_days = row["transit_days"] - row["delay_days"] * row["shipments"]
    return made
