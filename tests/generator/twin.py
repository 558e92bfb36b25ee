"""The generator again, in plain Python: a row from the plan and its number, without an engine."""

from datetime import date, timedelta
from decimal import Decimal
from struct import pack
from typing import Any

from xxhash import xxh64

from shipment_etl.generator.plan import Plan

KINDS = (
    "null_value",
    "negative_weight",
    "unknown_carrier",
    "delivered_before_shipped",
    "impossible_distance",
    "exact_duplicate",
    "correction",
    "late_arrival",
)
NULLED = ("shipment_id", "carrier", "destination_city", "shipment_weight_kg", "delivery_date", "shipping_cost")
MONDAY, SATURDAY, SUNDAY = 0, 5, 6


LIVES = ("delivered", "corrected", "cancelled", "returned", "lost")
ENDS = {"cancelled": "Cancelled", "returned": "Returned", "lost": "Lost"}
BILLION = 10**9


def rows(plan: Plan) -> list[dict[str, Any]]:
    """Return every row of the batch: the new shipments, and the reports on those of the days before."""
    new = [first_report(plan, number) for number in range(plan.rows)]
    again = [
        later_report(plan, day.days_before, number)
        for day in plan.days[1:]
        for number in range(day.day_rows)
        if life_of(plan, number)
    ]
    return [*new, *filter(None, again)]


def first_report(plan: Plan, number: int) -> dict[str, Any]:
    """Return the row of a new shipment, with the columns of TRUTH."""
    defect = defect_of(plan, number)
    copied = defect in ("exact_duplicate", "correction")
    drawn = number - 1 if copied else number
    values, missing = draw_shipment(plan, drawn, arrives_late=defect == "late_arrival")
    life = life_of(plan, drawn) if defect is None or copied else None
    if life and not report_days(plan, drawn, life, values):
        life = None
    if life == "corrected" and values["shipping_cost"] is not None:
        cents = int(values["shipping_cost"] * 100) * (800 + below(plan, drawn, "estimate", 200)) // 1000
        values["shipping_cost"] = Decimal(cents) / 100
    elif life:
        values.update(delivery_date=None, delay_days=None, delivery_status="In transit")
    values.update(dict.fromkeys(missing))
    apply_defect(plan, number, defect, values)
    return {**values, **lineage(plan, number), "defect": defect, "life": life}


def later_report(plan: Plan, days_before: int, number: int) -> dict[str, Any] | None:
    """Return the second report on a shipment of an earlier day, if it is in this batch."""
    if defect_of(plan, number, days_before) in ("exact_duplicate", "correction", "late_arrival"):
        return None
    values, missing = draw_shipment(plan, number, days_before)
    life = life_of(plan, number)
    if report_days(plan, number, life, values, days_before) != days_before:
        return None
    if life in ENDS:
        values.update(delivery_date=None, delay_days=None, delivery_status=ENDS[life])
    values.update(dict.fromkeys(missing))
    return {**values, **lineage(plan, number + days_before * BILLION), "defect": None, "life": life}


def lineage(plan: Plan, number: int) -> dict[str, Any]:
    made_by = f"generate {plan.scenario.name} seed {plan.seed}"
    return {"batch_date": plan.batch_date, "source_file": made_by, "source_row": number + 1}


def life_of(plan: Plan, number: int) -> str | None:
    """Return why a shipment is reported twice: the first of each thousand are, in the order of `LIVES`."""
    end = 0
    for name in LIVES:
        end += plan.scenario.lives.get(name, 0)
        if number % 1000 < end:
            return name
    return None


def report_days(plan: Plan, number: int, life: str, values: dict[str, Any], days_before: int = 0) -> int | None:
    """Return how many days after the first report the second one follows, None for never."""
    if life == "corrected":
        return 1 + below(plan, number, "correction", 14, days_before)
    if life == "cancelled":
        return 1 + below(plan, number, "cancellation", 3, days_before)
    if life == "lost":
        return 21
    arrives = (values["delivery_date"] - plan.batch_date).days + days_before
    return arrives if 1 <= arrives <= 21 else None


def draw_shipment(
    plan: Plan, number: int, days_before: int = 0, *, arrives_late: bool = False
) -> tuple[dict[str, Any], set[str]]:
    """Return the shipment that is drawn for a number of a day, and the columns that disruptions remove from its reports."""

    def draw(stream: str, bits: int) -> int:
        return slot(plan, number, stream, bits, days_before)

    day = next(each for each in plan.days if each.days_before == days_before)
    weight = plan.weights[draw("weight class", 10)]
    first_delay = day.first_delay
    if plan.services:
        lane = carrier = plan.services[day.first_lane + draw("lane", 14)]
        struck_by = lane.service_struck_by
        is_late = below(plan, number, "late", 10**6, days_before) < min(lane.late_ppm * day.season // 100, 10**6)
        first_delay = lane.first_table + 1024 * is_late
    else:
        lane = plan.lanes[day.first_lane + draw("lane", 10)]
        carrier = plan.carriers[draw("carrier", 10) + 1024 * weight.truckload]
        struck_by = lane.lane_struck_by & carrier.carrier_struck_by
    disruptions = {
        position: disruption
        for position, disruption in enumerate(plan.disruptions)
        if struck_by & day.day_struck_by & 1 << position
    }
    if plan.scenario.varied and not plan.services:
        level = (lane.lane_lateness * carrier.carrier_lateness + 1250) // 2500
        first_delay += 1024 * (min(max(level, 1), 12) - 1)
    for position in disruptions:
        if plan.own_delays[position] is not None:
            first_delay = plan.own_delays[position]
    _, drawn_delay = plan.delays[first_delay + draw("delay", 10)]

    grams = weight.least_g + weight.span_g * draw("weight", 10) // 1024
    if not weight.truckload:
        grams = grams * lane.weight_permille // 1000
    grams = max(grams, 1)
    litres = max(grams * (2400 + below(plan, number, "volume", 6000, days_before)) // 10**6, 1)
    cost = (
        Decimal(carrier.base_cents * (750 + below(plan, number, "base", 501, days_before))) / 10**5
        + Decimal(carrier.per_kg * grams) / 10**7
        + Decimal(carrier.per_km * lane.distance_hm) / 10**5
    ).quantize(Decimal("0.01"), "ROUND_HALF_UP")
    if surcharge := sum(each.surcharge for each in disruptions.values()):
        cost = (cost * (100 + surcharge) / 100).quantize(Decimal("0.01"), "ROUND_HALF_UP")

    shipped = plan.batch_date - timedelta(days=days_before)
    shipment_id = f"SH{shipped:%Y%m%d}-{number:09}"
    if arrives_late:
        shipped -= timedelta(days=1 + below(plan, number, "late arrival", 6))
    promised = promise(shipped, lane.lane_days + carrier.extra_days)
    delivered = delivery(shipped, promised, drawn_delay)
    values = {
        "shipment_id": shipment_id,
        "origin_warehouse": lane.origin_warehouse,
        "destination_city": lane.destination_city,
        "carrier": carrier.carrier,
        "shipment_weight_kg": Decimal(grams) / 1000,
        "shipment_volume_m3": Decimal(litres) / 1000,
        "shipment_date": shipped,
        "promised_date": promised,
        "delivery_date": delivered,
        **status(promised, delivered),
        "route_distance_km": Decimal(lane.distance_hm) / 10,
        "shipping_cost": cost,
        "disruptions": [each.name for each in disruptions.values()],
    }
    return values, {*plan.unknown, *(each.missing for each in disruptions.values() if each.missing)}


def promise(shipped: date, days: int) -> date:
    """Return the first working day after a number of days, with one more in between for shipments of a Saturday."""
    promised = shipped + timedelta(days=days)
    if promised.weekday() == SATURDAY:
        return promised + timedelta(days=2)
    if promised.weekday() == SUNDAY or (promised.weekday() == MONDAY and days == 2):
        return promised + timedelta(days=1)
    return promised


def delivery(shipped: date, promised: date, delay: int) -> date:
    """Return the promise plus the delay, moved off Sundays away from the promise, and later than the day of shipment."""
    delivered = promised + timedelta(days=delay)
    if delivered.weekday() == SUNDAY:
        delivered += timedelta(days=-1 if delay < 0 else 1)
    soonest = shipped + timedelta(days=1)
    if soonest.weekday() == SUNDAY:
        soonest += timedelta(days=1)
    return max(delivered, soonest)


def status(promised: date, delivered: date) -> dict[str, Any]:
    delay = (delivered - promised).days
    return {"delay_days": delay, "delivery_status": "Delayed" if delay > 0 else "Delivered"}


def defect_of(plan: Plan, number: int, days_before: int = 0) -> str | None:
    """Return the defect of a row: a copy only where there is a valid row to copy."""
    if not has_defect(plan, number, days_before):
        return None
    kind = KINDS[slot(plan, number, "defect kind", 3, days_before)]
    if kind in ("exact_duplicate", "correction") and (number == 0 or has_defect(plan, number - 1, days_before)):
        return "unknown_carrier"
    return kind


def has_defect(plan: Plan, number: int, days_before: int) -> bool:
    return slot(plan, number, "defect", 30, days_before) < round(plan.defects * 2**30)


def apply_defect(plan: Plan, number: int, defect: str | None, values: dict[str, Any]) -> None:
    """Change a shipment as its defect says."""
    if defect == "null_value":
        values[NULLED[below(plan, number, "null column", 6)]] = None
    elif defect == "negative_weight" and values["shipment_weight_kg"] is not None:
        values["shipment_weight_kg"] *= -1
    elif defect == "unknown_carrier":
        values["carrier"] = "UNKNOWN"
    elif defect == "delivered_before_shipped":
        values["delivery_date"] = values["shipment_date"] - timedelta(days=1 + below(plan, number, "days before", 5))
        values.update(status(values["promised_date"], values["delivery_date"]))
    elif defect == "impossible_distance" and values["route_distance_km"] is not None:
        values["route_distance_km"] += 100_000
    elif defect == "correction" and values["shipping_cost"] is not None:
        values["shipping_cost"] += 10


def slot(plan: Plan, number: int, stream: str, bits: int, days_before: int = 0) -> int:
    """Return the upper bits of the lower 62 of xxhash64(number, key of the stream), as Spark chains it."""
    return hashed(number, plan.key(stream, days_before)) % 2**62 >> 62 - bits


def below(plan: Plan, number: int, stream: str, limit: int, days_before: int = 0) -> int:
    return slot(plan, number, stream, 31, days_before) * limit >> 31


def hashed(*values: int) -> int:
    """Return Spark's xxhash64 of longs: XXH64 of the first with seed 42, which seeds the second's, and so on."""
    seed = 42
    for value in values:
        seed = xxh64(pack("<q", value), seed=seed).intdigest()
    return seed
