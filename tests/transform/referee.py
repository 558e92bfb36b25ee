"""A second opinion on roll-up and marts: plain Python, from the clean shipments, exact until the last step."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any

Row = Mapping[str, Any]
Keys = tuple[Any, ...]


def weight(row: Row) -> Decimal | None:
    return row["shipment_weight_kg"]


def volume(row: Row) -> Decimal | None:
    return row["shipment_volume_m3"]


def distance(row: Row) -> Decimal | None:
    return row["route_distance_km"]


def cost(row: Row) -> Decimal | None:
    return row["shipping_cost"]


def delay(row: Row) -> int:
    return (row["delivery_date"] - row["promised_date"]).days


def transit(row: Row) -> int:
    return (row["delivery_date"] - row["shipment_date"]).days


def tonne_km(row: Row) -> Fraction | None:
    known = weight(row) is not None and distance(row) is not None
    return Fraction(weight(row)) * Fraction(distance(row)) / 1000 if known else None


def knowing(rows: Iterable[Row], *measures: Callable[[Row], Any]) -> list[Row]:
    return [row for row in rows if all(measure(row) is not None for measure in measures)]


def total(rows: Iterable[Row], measure: Callable[[Row], Any]) -> Any:
    """Σ over the rows that know it; None where none does."""
    known = [measure(row) for row in rows if measure(row) is not None]
    return sum(known) if known else None


def ratio(part: Any, whole: Any, times: int = 1) -> float | None:
    """Divide once; None where a part is unknown, or the whole is 0."""
    return None if part is None or not whole else float(Fraction(part) * times / Fraction(whole))


def mean(rows: Sequence[Row], measure: Callable[[Row], Any]) -> float | None:
    known = knowing(rows, measure)
    return ratio(total(known, measure), len(known))


def price(rows: Sequence[Row], of: Callable[[Row], Any]) -> float | None:
    """Σ cost / Σ of it, over the rows that know both."""
    known = knowing(rows, cost, of)
    return ratio(total(known, cost), total(known, of))


def share(rows: Sequence[Row], holds: Callable[[Row], bool]) -> float | None:
    return ratio(sum(map(holds, rows)), len(rows), 100)


def nearest_rank(rows: Sequence[Row], of_hundred: int) -> int:
    return sorted(map(delay, rows))[ceil(Fraction(len(rows) * of_hundred, 100)) - 1]


def grouped(rows: Iterable[Row], key: Callable[[Row], Keys]) -> dict[Keys, list[Row]]:
    groups = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def by(*names: str) -> Callable[[Row], Keys]:
    return lambda row: tuple(row[name] for name in names)


def lane_days(rows: Iterable[Row], *batch: str) -> dict[Keys, Keys]:
    names = (*batch, "shipment_date", "origin_warehouse", "destination_city", "carrier", "delay_days")
    return {
        key: (
            len(group),
            total(group, transit),
            total(group, weight),
            total(group, volume),
            total(group, distance),
            len(knowing(group, distance)),
            total(knowing(group, distance), transit),
            total(group, cost),
            len(knowing(group, cost)),
            total(knowing(group, cost, weight), cost),
            total(knowing(group, cost, weight), weight),
            total(knowing(group, cost, distance), cost),
            total(knowing(group, cost, distance), distance),
            total(knowing(group, cost, tonne_km), cost),
            total(knowing(group, cost), tonne_km),
        )
        for key, group in grouped(rows, by(*names)).items()
    }


def carrier_performance(rows: Iterable[Row]) -> dict[Keys, Keys]:
    return {
        key: (
            len(group),
            sum(delay(row) <= 0 for row in group),
            share(group, lambda row: delay(row) <= 0),
            share(group, lambda row: delay(row) >= 2),
            mean(group, lambda row: max(delay(row), 0)),
            mean(group, delay),
            nearest_rank(group, 50),
            nearest_rank(group, 95),
            mean(group, transit),
            mean(group, cost),
            price(group, weight),
            price(group, tonne_km),
        )
        for key, group in grouped(rows, by("carrier")).items()
    }


def route_efficiency(rows: Iterable[Row]) -> dict[Keys, Keys]:
    return {
        key: (
            len(group),
            mean(group, distance),
            mean(group, transit),
            ratio(total(group, distance), total(knowing(group, distance), transit)),
            share(group, lambda row: delay(row) <= 0),
            mean(group, cost),
            price(group, distance),
            price(group, tonne_km),
        )
        for key, group in grouped(rows, by("origin_warehouse", "destination_city")).items()
    }


def cost_analysis(rows: Iterable[Row]) -> dict[Keys, Keys]:
    def month(row: Row) -> str:
        return row["shipment_date"].isoformat()[:7]

    months = grouped(rows, month)
    lanes = by("carrier", "origin_warehouse", "destination_city")
    return {
        key: (
            len(group),
            total(group, cost),
            mean(group, cost),
            price(group, distance),
            price(group, weight),
            price(group, tonne_km),
            ratio(total(group, cost), total(months[key[0]], cost), 100),
        )
        for key, group in grouped(rows, lambda row: (month(row), *lanes(row))).items()
    }


def delay_trends(rows: Iterable[Row]) -> dict[Keys, Keys]:
    days = grouped(rows, by("shipment_date", "destination_city"))

    def week(day: Any, city: str) -> list[Row]:
        return [row for back in range(7) for row in days.get((day - timedelta(days=back), city), ())]

    return {
        key: (
            len(group),
            sum(delay(row) > 0 for row in group),
            share(group, lambda row: delay(row) > 0),
            mean(group, lambda row: max(delay(row), 0)),
            share(week(*key), lambda row: delay(row) > 0),
        )
        for key, group in list(days.items())
    }


def warehouse_demand(rows: Iterable[Row], capacities: Mapping[str, int] | None = None) -> dict[Keys, Keys]:
    known = capacities or {}
    return {
        (warehouse, day): (
            len(group),
            total(group, weight),
            total(group, volume),
            len({row["destination_city"] for row in group}),
            ratio(len(group), known.get(warehouse), 100),
            len(group) > known[warehouse] if warehouse in known else None,
        )
        for (warehouse, day), group in grouped(rows, by("origin_warehouse", "shipment_date")).items()
    }
