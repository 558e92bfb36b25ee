"""Defects: rows that are wrong on purpose, and known, so that results can be checked against the truth."""

from collections.abc import Callable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from shipment_etl.generator.plan import Plan
from shipment_etl.generator.streams import draw_below, slot
from shipment_etl.life import status_of_delay

__all__ = ["ACCEPTED", "COPIES", "DEFECTS", "LATE_ARRIVAL", "NULLABLE", "defect_of", "with_defects"]

NULL_VALUE = "null_value"
NEGATIVE_WEIGHT = "negative_weight"
UNKNOWN_CARRIER = "unknown_carrier"
DELIVERED_BEFORE_SHIPPED = "delivered_before_shipped"
IMPOSSIBLE_DISTANCE = "impossible_distance"
EXACT_DUPLICATE = "exact_duplicate"
CORRECTION = "correction"
LATE_ARRIVAL = "late_arrival"

COPIES = (EXACT_DUPLICATE, CORRECTION)
"""Defects that repeat the shipment before them."""

DEFECTS = (
    *(NULL_VALUE, NEGATIVE_WEIGHT, UNKNOWN_CARRIER, DELIVERED_BEFORE_SHIPPED, IMPOSSIBLE_DISTANCE),
    *COPIES,
    LATE_ARRIVAL,
)
"""What can be wrong with a row, all equally likely."""

ACCEPTED = frozenset({CORRECTION, LATE_ARRIVAL})
"""Defects of rows that are accepted: a correction overtakes the shipment before it, a late arrival is only late."""

NULLABLE = ("shipment_id", "carrier", "destination_city", "shipment_weight_kg", "delivery_date", "shipping_cost")
"""Columns that a null_value can set to null."""

SHARE_BITS = 30
KIND_BITS = 3


def defect_of(row: Column, plan: Plan, key: Callable[[str], Column]) -> Column:
    """Return the name of a row's defect, null for none.

    A copy repeats the shipment before it, which must be valid; if there is no such row, the carrier is unknown instead.
    """
    kind = slot(row, key("defect kind"), KIND_BITS)
    alone = (row == 0) | _has_defect(row - 1, plan, key)
    named = F.when((kind >= DEFECTS.index(EXACT_DUPLICATE)) & (kind < DEFECTS.index(LATE_ARRIVAL)) & alone, UNKNOWN_CARRIER)
    for number, name in enumerate(DEFECTS):
        named = named.when(kind == number, name)
    return F.when(_has_defect(row, plan, key), named)


def with_defects(frame: DataFrame, plan: Plan) -> DataFrame:
    """Apply to finished shipments the defect that their column `defect` names; rows without one stay unchanged."""
    is_ = {name: F.coalesce(F.col("defect") == name, F.lit(False)) for name in DEFECTS}
    row = F.col("source_row") - 1
    before = F.date_sub(F.col("shipment_date"), (draw_below(row, plan.key("days before"), 5) + 1).cast("int"))
    frame = frame.withColumns(
        {
            # A product, because Sail gives a negated decimal another type than the decimal has.
            "shipment_weight_kg": F.when(
                is_[NEGATIVE_WEIGHT], F.expr("cast(shipment_weight_kg * -1 as decimal(12,3))")
            ).otherwise(F.col("shipment_weight_kg")),
            "carrier": F.when(is_[UNKNOWN_CARRIER], F.lit("UNKNOWN")).otherwise(F.col("carrier")),
            "delivery_date": F.when(is_[DELIVERED_BEFORE_SHIPPED], before).otherwise(F.col("delivery_date")),
            "route_distance_km": F.when(
                is_[IMPOSSIBLE_DISTANCE], F.expr("cast(route_distance_km + 100000 as decimal(10,3))")
            ).otherwise(F.col("route_distance_km")),
            "shipping_cost": F.when(is_[CORRECTION], F.expr("cast(shipping_cost + 10 as decimal(14,2))")).otherwise(
                F.col("shipping_cost")
            ),
        }
    )
    # A cast, because Sail counts days as long.
    delay = F.datediff(F.col("delivery_date"), F.col("promised_date")).cast("int")
    status = status_of_delay(delay)
    nulled = draw_below(row, plan.key("null column"), len(NULLABLE))
    return frame.withColumns(
        {
            "delay_days": F.when(is_[DELIVERED_BEFORE_SHIPPED], delay).otherwise(F.col("delay_days")),
            "delivery_status": F.when(is_[DELIVERED_BEFORE_SHIPPED], status).otherwise(F.col("delivery_status")),
            **{name: F.when(~(is_[NULL_VALUE] & (nulled == number)), F.col(name)) for number, name in enumerate(NULLABLE)},
        }
    )


def _has_defect(row: Column, plan: Plan, key: Callable[[str], Column]) -> Column:
    return slot(row, key("defect"), SHARE_BITS) < F.lit(round(plan.defects * (1 << SHARE_BITS)))
