"""Columns that several marts share, each declared once, and the expressions that they use."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from shipment_etl.life import DELIVERED, IN_TRANSIT, LOST, RETURNED
from shipment_etl.transform.exact import percent, ratio
from shipment_etl.transform.lane_days import SUMS
from shipment_etl.transform.mart import MartColumn

__all__ = [
    "AVG_COST",
    "AVG_DELAY_DAYS",
    "AVG_TRANSIT_DAYS",
    "CARRIER",
    "COST_PER_KG",
    "COST_PER_KM",
    "COST_PER_TONNE_KM",
    "DESTINATION_CITY",
    "ON_TIME_PCT",
    "ORIGIN_WAREHOUSE",
    "SHIPMENTS",
    "SHIPMENT_DATE",
    "STATES",
    "TOTAL_COST",
    "WEIGHT_KG",
    "WITH_DELAY",
    "known_total",
    "ratio_of_totals",
    "share_of_delays",
    "shipments_where",
    "total",
    "with_delay",
]


def total(name: str) -> Column:
    """Return the total of a sum of `lane_days`."""
    return F.sum(name).cast(SUMS[name])


def known_total(name: str) -> Column:
    """Return the total of weights or volumes, null where none is known: known ones are above 0."""
    return F.when(total(name) != 0, total(name))


def ratio_of_totals(part: str, whole: str) -> Column:
    """Return one sum of `lane_days` divided by another."""
    return ratio(total(part), total(whole))


def shipments_where(condition: Column) -> Column:
    """Return how many shipments meet a condition; unknown counts as no."""
    return F.sum(F.when(condition, F.col("shipments")).otherwise(0))


def with_delay() -> Column:
    """Return how many shipments have a delay, early ones included."""
    return shipments_where(F.col("delay_days").isNotNull())


def share_of_delays(shipments: Column) -> Column:
    """Return shipments in per cent of those with a delay."""
    return percent(shipments, with_delay())


CARRIER = MartColumn("carrier", "string", "name of the carrier")
ORIGIN_WAREHOUSE = MartColumn("origin_warehouse", "string", "warehouse shipped from")
DESTINATION_CITY = MartColumn("destination_city", "string", "city shipped to")
SHIPMENT_DATE = MartColumn("shipment_date", "date", "day of shipment")

SHIPMENTS = MartColumn("shipments", "bigint", "number of shipments", lambda: total("shipments"), heading="Shipments")
STATES = (
    MartColumn("delivered", "bigint", "shipments delivered", lambda: shipments_where(F.col("state") == DELIVERED)),
    MartColumn("in_transit", "bigint", "shipments in transit", lambda: shipments_where(F.col("state") == IN_TRANSIT)),
    MartColumn(
        "overdue",
        "bigint",
        "shipments in transit whose promised day is before the newest batch date",
        # Only shipments in transit have a due date.
        lambda: shipments_where(F.col("due_date") < F.col("as_of")),
    ),
    MartColumn("returned", "bigint", "shipments returned", lambda: shipments_where(F.col("state") == RETURNED)),
    MartColumn("lost", "bigint", "shipments lost", lambda: shipments_where(F.col("state") == LOST)),
)
"""Shipments of each state; those overdue are in transit."""

WITH_DELAY = MartColumn(
    "with_delay", "bigint", "delivered shipments with a promise: the base of shares and means of delays", with_delay
)
ON_TIME_PCT = MartColumn(
    "on_time_pct",
    "double",
    "share of delivered shipments with a promise that came on time",
    lambda: share_of_delays(total("on_time_shipments")),
    unit="%",
    heading="On time",
    share_of="with_delay",
)
AVG_DELAY_DAYS = MartColumn(
    "avg_delay_days",
    "double",
    "mean days late, early counting as 0",
    lambda: ratio(F.sum(F.greatest("delay_days", F.lit(0)) * F.col("shipments")), with_delay()),
    unit="days",
    heading="Delay",
    detail="mean",
)
AVG_TRANSIT_DAYS = MartColumn(
    "avg_transit_days",
    "double",
    "mean days from shipment to delivery",
    lambda: ratio(total("transit_days"), shipments_where(F.col("state") == DELIVERED)),
    unit="days",
    heading="In transit",
    detail="mean",
)

WEIGHT_KG = MartColumn(
    "weight_kg",
    "decimal(38,3)",
    "sum of the weights; null where none is known",
    lambda: known_total("weight_kg"),
    unit="kg",
    heading="Weight",
)
TOTAL_COST = MartColumn(
    "total_cost",
    "decimal(38,2)",
    "sum of the costs; null where none is known",
    lambda: F.when(total("cost_shipments") > 0, total("cost")),
    unit="currency",
    heading="Cost",
    detail="total",
)
AVG_COST = MartColumn(
    "avg_cost",
    "double",
    "mean cost of a shipment; null where none is known",
    lambda: ratio_of_totals("cost", "cost_shipments"),
    unit="currency",
    heading="Cost",
    detail="per shipment",
)
COST_PER_KM = MartColumn(
    "cost_per_km",
    "double",
    "Σ cost / Σ km; null where no shipment has both",
    lambda: ratio_of_totals("distance_cost", "priced_distance_km"),
    unit="currency/km",
)
COST_PER_KG = MartColumn(
    "cost_per_kg",
    "double",
    "Σ cost / Σ kg; null where no shipment has both",
    lambda: ratio_of_totals("weighed_cost", "priced_weight_kg"),
    unit="currency/kg",
    heading="Cost",
    detail="per kg",
)
COST_PER_TONNE_KM = MartColumn(
    "cost_per_tonne_km",
    "double",
    "Σ cost / Σ (tonnes × km); null where no shipment has all three",
    lambda: ratio_of_totals("tonne_km_cost", "priced_tonne_km"),
    unit="currency/tonne-km",
    heading="Cost",
    detail="per tonne-km",
)
