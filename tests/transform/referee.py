"""An independent calculation of roll-up and marts: plain Python, from the clean shipments, exact until the last step."""

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


def delivered(row: Row) -> bool:
    return row["outcome"] == "delivered"


def state(row: Row) -> str:
    return row["outcome"] or "in_transit"


def due(row: Row) -> Any:
    return None if row["outcome"] else row["promised_date"]


def delay(row: Row) -> int | None:
    known = delivered(row) and row["promised_date"] is not None
    return (row["delivery_date"] - row["promised_date"]).days if known else None


def minutes(row: Row) -> int | None:
    """Return the whole minutes from the promised to the actual time, rounded down."""
    known = delivered(row) and row["promised_at"] is not None and row["delivered_at"] is not None
    return (row["delivered_at"] - row["promised_at"]) // timedelta(minutes=1) if known else None


def on_time(row: Row) -> bool:
    """Whether a shipment has a delay, of 0 days or less."""
    return delay(row) is not None and delay(row) <= 0


def late(days: int) -> Callable[[Row], bool]:
    """Return a check whether a shipment has a delay of at least this many days."""
    return lambda row: delay(row) >= days


def transit(row: Row) -> int | None:
    return (row["delivery_date"] - row["shipment_date"]).days if delivered(row) else None


def days_late(row: Row) -> int | None:
    return None if delay(row) is None else max(delay(row), 0)


def states(group: Sequence[Row], as_of: Any) -> tuple[int, ...]:
    """Return the shipments delivered, in transit, overdue, returned, lost, and those with a delay."""
    count = {name: sum(state(row) == name for row in group) for name in ("delivered", "in_transit", "returned", "lost")}
    overdue = sum(due(row) is not None and as_of is not None and due(row) < as_of for row in group)
    with_delay = len(knowing(group, delay))
    return (count["delivered"], count["in_transit"], overdue, count["returned"], count["lost"], with_delay)


def newest(rows: Iterable[Row]) -> Any:
    """Return the newest batch date; None if rows have none."""
    return max((row["batch_date"] for row in rows if row.get("batch_date")), default=None)


def counted(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if state(row) != "cancelled"]


def tonne_km(row: Row) -> Fraction | None:
    known = weight(row) is not None and distance(row) is not None
    return Fraction(weight(row)) * Fraction(distance(row)) / 1000 if known else None


def knowing(rows: Iterable[Row], *measures: Callable[[Row], Any]) -> list[Row]:
    return [row for row in rows if all(measure(row) is not None for measure in measures)]


def total(rows: Iterable[Row], measure: Callable[[Row], Any]) -> Any:
    """Return Σ over the rows where it is known; None if there are none."""
    known = [measure(row) for row in rows if measure(row) is not None]
    return sum(known) if known else None


def booked(rows: Iterable[Row], measure: Callable[[Row], Any]) -> Any:
    """Return Σ over the rows where it is known; 0 if there are none."""
    return total(rows, measure) or 0


def ratio(part: Any, whole: Any, times: int = 1) -> float | None:
    """Divide once; None if a part is unknown, or the whole is 0."""
    return None if part is None or not whole else float(Fraction(part) * times / Fraction(whole))


def mean(rows: Sequence[Row], measure: Callable[[Row], Any]) -> float | None:
    known = knowing(rows, measure)
    return ratio(total(known, measure), len(known))


def price(rows: Sequence[Row], of: Callable[[Row], Any]) -> float | None:
    """Return Σ cost / Σ of it, over the rows where both are known."""
    known = knowing(rows, cost, of)
    return ratio(total(known, cost), total(known, of))


def share(rows: Sequence[Row], holds: Callable[[Row], bool]) -> float | None:
    """Return per cent of the shipments with a delay."""
    known = knowing(rows, delay)
    return ratio(sum(map(holds, known)), len(known), 100)


def share_of_cost(rows: Sequence[Row], every: Sequence[Row]) -> float | None:
    """Return per cent of the cost of all; None if that cost is not above 0."""
    whole = booked(every, cost)
    return ratio(total(rows, cost), whole, 100) if whole > 0 else None


def nearest_rank(rows: Sequence[Row], of_hundred: int) -> int | None:
    delays = sorted(map(delay, knowing(rows, delay)))
    return delays[ceil(Fraction(len(delays) * of_hundred, 100)) - 1] if delays else None


def grouped(rows: Iterable[Row], key: Callable[[Row], Keys]) -> dict[Keys, list[Row]]:
    groups = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def by(*names: str) -> Callable[[Row], Keys]:
    return lambda row: tuple(row[name] for name in names)


def lane_days(rows: Iterable[Row], *batch: str) -> dict[Keys, Keys]:
    names = by(*batch, "shipment_date", "origin_warehouse", "destination_city", "carrier")
    return {
        key: (
            len(group),
            booked(group, transit),
            booked(group, weight),
            booked(group, volume),
            booked(group, distance),
            len(knowing(group, distance)),
            booked(knowing(group, distance), transit),
            booked(group, cost),
            len(knowing(group, cost)),
            booked(knowing(group, cost, weight), cost),
            booked(knowing(group, cost, weight), weight),
            booked(knowing(group, cost, distance), cost),
            booked(knowing(group, cost, distance), distance),
            booked(knowing(group, cost, tonne_km), cost),
            booked(knowing(group, cost), tonne_km),
            sum(map(on_time, group)),
            len(knowing(group, minutes)),
            booked(group, minutes),
        )
        for key, group in grouped(counted(rows), lambda row: (*names(row), state(row), delay(row), due(row))).items()
    }


def carrier_performance(rows: Iterable[Row]) -> dict[Keys, Keys]:
    rows = counted(rows)
    return {
        key: (
            len(group),
            *states(group, newest(rows)),
            sum(map(on_time, group)),
            share(group, on_time),
            share(group, late(2)),
            mean(group, days_late),
            mean(group, delay),
            len(knowing(group, minutes)),
            ratio(total(group, minutes), 60 * len(knowing(group, minutes))),
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
    rows = counted(rows)
    return {
        key: (
            len(group),
            *states(group, newest(rows)),
            mean(group, distance),
            mean(group, transit),
            ratio(total(filter(delivered, group), distance), total(knowing(group, distance), transit)),
            share(group, on_time),
            mean(group, cost),
            price(group, distance),
            price(group, tonne_km),
        )
        for key, group in grouped(rows, by("origin_warehouse", "destination_city")).items()
    }


def cost_analysis(rows: Iterable[Row]) -> dict[Keys, Keys]:
    def month(row: Row) -> str:
        return row["shipment_date"].isoformat()[:7]

    rows = counted(rows)
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
            share_of_cost(group, months[key[0]]),
        )
        for key, group in grouped(rows, lambda row: (month(row), *lanes(row))).items()
    }


def delay_trends(rows: Iterable[Row]) -> dict[Keys, Keys]:
    days = grouped(counted(rows), by("shipment_date", "destination_city"))

    def week(day: Any, city: str) -> list[Row]:
        return [row for back in range(7) for row in days.get((day - timedelta(days=back), city), ())]

    return {
        key: (
            len(group),
            len(knowing(group, delay)),
            sum(map(late(1), knowing(group, delay))),
            share(group, late(1)),
            mean(group, days_late),
            share(week(*key), late(1)),
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
        for (warehouse, day), group in grouped(counted(rows), by("origin_warehouse", "shipment_date")).items()
    }


def open_shipments(rows: Iterable[Row]) -> dict[Keys, Keys]:
    rows = counted(rows)
    as_of = newest(rows)
    lanes = by("carrier", "origin_warehouse", "destination_city")
    in_transit = [row for row in rows if row["outcome"] is None]
    return {
        key: (
            (as_of - key[-1]).days if as_of and key[-1] else None,
            len(group),
            total(group, weight),
            total(group, cost),
        )
        for key, group in grouped(in_transit, lambda row: (*lanes(row), due(row))).items()
    }
