"""The generator once more, in plain Python: a row from the plan and its number, with no engine."""

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


def rows(plan: Plan) -> list[dict[str, Any]]:
    """Return every row of the batch."""
    return [row(plan, number) for number in range(plan.rows)]


def row(plan: Plan, number: int) -> dict[str, Any]:
    """Return one row of the batch, with its defect."""
    defect = defect_of(plan, number)
    copied = defect in ("exact_duplicate", "correction")
    values = sound(plan, number - 1 if copied else number, arrives_late=defect == "late_arrival")
    spoil(plan, number, defect, values)
    return {
        **values,
        "batch_date": plan.batch_date,
        "source_file": f"generate {plan.scenario.name} seed {plan.seed}",
        "source_row": number + 1,
        "defect": defect,
    }


def sound(plan: Plan, number: int, *, arrives_late: bool) -> dict[str, Any]:
    """Return the shipment that is drawn for a number."""
    lane = plan.lanes[slot(plan, number, "lane", 10)]
    weight = plan.weights[slot(plan, number, "weight class", 10)]
    carrier = plan.carriers[slot(plan, number, "carrier", 10) + 1024 * weight.truckload]
    table = max(lane.lane_table, carrier.carrier_table)
    _, drawn_delay = plan.delays[slot(plan, number, "delay", 10) + 1024 * table]

    grams = weight.least_g + weight.span_g * slot(plan, number, "weight", 10) // 1024
    if not weight.truckload:
        grams = grams * lane.weight_permille // 1000
    grams = max(grams, 1)
    litres = max(grams * (2400 + below(plan, number, "volume", 6000)) // 10**6, 1)
    cost = (
        Decimal(carrier.base_cents * (750 + below(plan, number, "base", 501))) / 10**5
        + Decimal(carrier.per_kg * grams) / 10**7
        + Decimal(carrier.per_km * lane.distance_hm) / 10**5
    )

    shipped = plan.batch_date
    if arrives_late:
        shipped -= timedelta(days=1 + below(plan, number, "late arrival", 6))
    promised = promise(shipped, lane.lane_days + carrier.extra_days)
    delivered = delivery(shipped, promised, drawn_delay)
    return {
        "shipment_id": f"SH{plan.batch_date:%Y%m%d}-{number:09}",
        "origin_warehouse": lane.origin_warehouse,
        "destination_city": lane.destination_city,
        "carrier": carrier.carrier,
        "shipment_weight_kg": Decimal(grams) / 1000,
        "shipment_volume_m3": Decimal(litres) / 1000,
        "shipment_date": shipped,
        "promised_date": promised,
        "delivery_date": delivered,
        **told(promised, delivered),
        "route_distance_km": Decimal(lane.distance_hm) / 10,
        "shipping_cost": cost.quantize(Decimal("0.01"), "ROUND_HALF_UP"),
    }


def promise(shipped: date, days: int) -> date:
    """The first working day so many days on, with one in between for what leaves on a Saturday."""
    promised = shipped + timedelta(days=days)
    if promised.weekday() == SATURDAY:
        return promised + timedelta(days=2)
    if promised.weekday() == SUNDAY or (promised.weekday() == MONDAY and days == 2):
        return promised + timedelta(days=1)
    return promised


def delivery(shipped: date, promised: date, delay: int) -> date:
    """The promise and the delay, moved off Sundays away from the promise, and to a later day than the shipment's."""
    delivered = promised + timedelta(days=delay)
    if delivered.weekday() == SUNDAY:
        delivered += timedelta(days=-1 if delay < 0 else 1)
    soonest = shipped + timedelta(days=1)
    if soonest.weekday() == SUNDAY:
        soonest += timedelta(days=1)
    return max(delivered, soonest)


def told(promised: date, delivered: date) -> dict[str, Any]:
    delay = (delivered - promised).days
    return {"delay_days": delay, "delivery_status": "Delayed" if delay > 0 else "Delivered"}


def defect_of(plan: Plan, number: int) -> str | None:
    """Return what is done to a row: a copy only where there is a sound row to copy."""
    if not struck(plan, number):
        return None
    kind = KINDS[slot(plan, number, "defect kind", 3)]
    if kind in ("exact_duplicate", "correction") and (number == 0 or struck(plan, number - 1)):
        return "unknown_carrier"
    return kind


def struck(plan: Plan, number: int) -> bool:
    return slot(plan, number, "defect", 30) < round(plan.defects * 2**30)


def spoil(plan: Plan, number: int, defect: str | None, values: dict[str, Any]) -> None:
    """Do to a shipment what its defect says."""
    if defect == "null_value":
        values[NULLED[below(plan, number, "null column", 6)]] = None
    elif defect == "negative_weight":
        values["shipment_weight_kg"] *= -1
    elif defect == "unknown_carrier":
        values["carrier"] = "UNKNOWN"
    elif defect == "delivered_before_shipped":
        values["delivery_date"] = values["shipment_date"] - timedelta(days=1 + below(plan, number, "days before", 5))
        values.update(told(values["promised_date"], values["delivery_date"]))
    elif defect == "impossible_distance":
        values["route_distance_km"] += 100_000
    elif defect == "correction":
        values["shipping_cost"] += 10


def slot(plan: Plan, number: int, stream: str, bits: int) -> int:
    """Return the upper bits of the lower 62 of xxhash64(number, key of the stream), as Spark chains it."""
    return hashed(number, plan.key(stream)) % 2**62 >> 62 - bits


def below(plan: Plan, number: int, stream: str, limit: int) -> int:
    return slot(plan, number, stream, 31) * limit >> 31


def hashed(*values: int) -> int:
    """Return Spark's xxhash64 of longs: XXH64 of the first with seed 42, which seeds the second's, and so on."""
    seed = 42
    for value in values:
        seed = xxh64(pack("<q", value), seed=seed).intdigest()
    return seed
