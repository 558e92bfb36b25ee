"""Marts: what a logistics team asks every morning, answered from lane_days alone.

Each is a pure function of a frame with the sums of `lane_days` (or of `lane_months`, for the marts without a day), and the
columns above it say what it returns: a new column is one more entry. Percentages are doubles from 0 to 100; sums are exact;
a ratio is divided once, over the rows where both parts are known.
"""

from collections.abc import Mapping
from types import MappingProxyType

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from shipment_etl.life import DELIVERED, IN_TRANSIT
from shipment_etl.network import Network
from shipment_etl.thresholds import DELAYED_DAYS, LATE_DAYS
from shipment_etl.transform.exact import days_between, percent, ratio
from shipment_etl.transform.lane_days import SUMS, net_days
from shipment_etl.transform.mart import Mart, MartColumn, document, summarize
from shipment_etl.transform.mart_columns import (
    AVG_COST,
    AVG_DELAY_DAYS,
    AVG_TRANSIT_DAYS,
    CARRIER,
    COST_PER_KG,
    COST_PER_KM,
    COST_PER_TONNE_KM,
    DESTINATION_CITY,
    ON_TIME_PCT,
    ORIGIN_WAREHOUSE,
    SHIPMENT_DATE,
    SHIPMENTS,
    STATES,
    TOTAL_COST,
    WEIGHT_KG,
    WITH_DELAY,
    known_total,
    ratio_of_totals,
    share_of_delays,
    shipments_where,
    total,
    with_delay,
)

__all__ = [
    "MARTS",
    "carrier_performance",
    "cost_analysis",
    "delay_trends",
    "marts",
    "open_shipments",
    "route_efficiency",
    "warehouse_demand",
]

TREND_DAYS = 7


def _nearest_rank(of_hundred: int) -> Column:
    """Return a percentile of the delays by nearest rank, from their histogram."""
    reached = F.col("running") * 100 >= F.col("every") * of_hundred
    return F.min(F.when(reached, F.col("delay_days")))


CARRIER_PERFORMANCE = (
    CARRIER,
    SHIPMENTS,
    *STATES,
    WITH_DELAY,
    MartColumn(
        "on_time_shipments",
        "bigint",
        "shipments that came on their promised day or before, or within the tolerance of the network where times are known",
        lambda: total("on_time_shipments"),
    ),
    ON_TIME_PCT,
    MartColumn(
        "late_2plus_pct",
        "double",
        f"share of delivered shipments with a promise whose delay is {LATE_DAYS} days or more",
        lambda: share_of_delays(shipments_where(F.col("delay_days") >= LATE_DAYS)),
        unit="%",
        heading="Late 2+",
        share_of="with_delay",
    ),
    AVG_DELAY_DAYS,
    MartColumn(
        "avg_days_vs_promise",
        "double",
        "mean days against the promise, early being negative",
        lambda: ratio(F.sum(F.col("delay_days") * F.col("shipments")), with_delay()),
        unit="days",
    ),
    MartColumn(
        "timed_shipments",
        "bigint",
        "delivered shipments whose promised and actual time are known: the base of mean hours",
        lambda: total("timed_shipments"),
    ),
    MartColumn(
        "avg_hours_vs_promise",
        "double",
        "mean hours against the promised time, early being negative; null where no shipment has both times",
        lambda: ratio(total("delay_minutes"), total("timed_shipments") * 60),
        unit="hours",
    ),
    MartColumn("p50_delay_days", "int", "median delay, early being negative", lambda: _nearest_rank(50), unit="days"),
    MartColumn(
        "p95_delay_days",
        "int",
        "95th percentile of the delay",
        lambda: _nearest_rank(95),
        unit="days",
        heading="Delay",
        detail="95 in 100",
    ),
    AVG_TRANSIT_DAYS,
    AVG_COST,
    COST_PER_KG,
    COST_PER_TONNE_KM,
)


@document(CARRIER_PERFORMANCE)
def carrier_performance(lane_days: DataFrame) -> DataFrame:
    """How well each carrier keeps its promises, and what it costs.

    One row per carrier, over all days given. Delays are those of delivered shipments with a promise.

    Source:
        Percentiles are nearest ranks: Hyndman and Fan, "Sample Quantiles in Statistical Packages" (1996), definition 1.
    """
    groups = with_as_of(lane_days).groupBy("carrier", "delay_days", "state", "due_date", "as_of")
    histogram = groups.agg(*(total(name).alias(name) for name in SUMS))
    # The histogram of delays is small, so exact percentiles need only a running count.
    carriers = Window.partitionBy("carrier")
    delays = F.sum(F.when(F.col("delay_days").isNotNull(), F.col("shipments")).otherwise(0))
    counted = {"running": delays.over(carriers.orderBy("delay_days")), "every": delays.over(carriers)}
    return summarize(histogram.withColumns(counted), CARRIER_PERFORMANCE)


ROUTE_EFFICIENCY = (
    ORIGIN_WAREHOUSE,
    DESTINATION_CITY,
    SHIPMENTS,
    *STATES,
    WITH_DELAY,
    MartColumn(
        "avg_distance_km",
        "double",
        "mean distance; null where none is known",
        lambda: ratio_of_totals("distance_km", "distance_shipments"),
        unit="km",
    ),
    AVG_TRANSIT_DAYS,
    MartColumn(
        "km_per_day",
        "double",
        "Σ km / Σ days in transit of delivered shipments; null where no distance is known",
        lambda: ratio(F.sum(F.when(F.col("state") == DELIVERED, F.col("distance_km"))), total("distance_transit_days")),
        unit="km/day",
    ),
    ON_TIME_PCT,
    AVG_COST,
    COST_PER_KM,
    COST_PER_TONNE_KM,
)


@document(ROUTE_EFFICIENCY)
def route_efficiency(lane_days: DataFrame) -> DataFrame:
    """Speed, reliability and cost of every lane.

    One row per (origin_warehouse, destination_city), over all days given. Delays are those of delivered shipments with a
    promise.
    """
    return summarize(with_as_of(lane_days), ROUTE_EFFICIENCY)


def _share_of_month() -> Column:
    # Credit notes can bring the total to 0 or below, and a share of that has no meaning.
    whole = F.sum("total_cost").over(Window.partitionBy("month"))
    return F.when(whole > 0, percent(F.col("total_cost"), whole))


COST_ANALYSIS = (
    MartColumn("month", "string", "YYYY-MM of the shipment date"),
    CARRIER,
    ORIGIN_WAREHOUSE,
    DESTINATION_CITY,
    SHIPMENTS,
    TOTAL_COST,
    AVG_COST,
    COST_PER_KM,
    COST_PER_KG,
    COST_PER_TONNE_KM,
    MartColumn(
        "cost_share_pct",
        "double",
        "share of the month's total cost, negative where credit notes exceed costs; null where the total is not above 0",
        _share_of_month,
        unit="%",
        across_rows=True,
    ),
)


@document(COST_ANALYSIS)
def cost_analysis(lane_days: DataFrame) -> DataFrame:
    """Where the money goes, month by month.

    One row per (month, carrier, origin_warehouse, destination_city).
    """
    rows = lane_days
    if "month" not in rows.columns:
        rows = rows.withColumn("month", F.date_format("shipment_date", "yyyy-MM"))
    return summarize(rows, COST_ANALYSIS)


def _late_shipments() -> Column:
    return shipments_where(F.col("delay_days") >= DELAYED_DAYS)


def _weekly_delayed_pct() -> Column:
    day = F.unix_date("shipment_date").cast("long")
    week = Window.partitionBy("destination_city").orderBy(day).rangeBetween(1 - TREND_DAYS, 0)
    return percent(F.sum("delayed_shipments").over(week), F.sum("with_delay").over(week))


DELAY_TRENDS = (
    SHIPMENT_DATE,
    DESTINATION_CITY,
    SHIPMENTS,
    WITH_DELAY,
    MartColumn("delayed_shipments", "bigint", "shipments with a delay above 0 days", _late_shipments),
    MartColumn(
        "delayed_pct",
        "double",
        "share of delivered shipments with a promise whose delay is above 0 days",
        lambda: share_of_delays(_late_shipments()),
        unit="%",
        heading="Delayed",
        share_of="with_delay",
    ),
    AVG_DELAY_DAYS,
    MartColumn(
        "delayed_pct_7d",
        "double",
        "delayed_pct over the seven calendar days that end on this one",
        _weekly_delayed_pct,
        unit="%",
        across_rows=True,
    ),
)


@document(DELAY_TRENDS)
def delay_trends(lane_days: DataFrame) -> DataFrame:
    """Whether shipments to a city get later.

    One row per (shipment_date, destination_city) with a shipment.
    """
    return summarize(lane_days, DELAY_TRENDS)


WAREHOUSE_DEMAND = (
    ORIGIN_WAREHOUSE,
    SHIPMENT_DATE,
    SHIPMENTS,
    WEIGHT_KG,
    MartColumn(
        "volume_m3",
        "decimal(38,3)",
        "sum of the volumes; null where none is known",
        lambda: known_total("volume_m3"),
        unit="m³",
    ),
    MartColumn("destinations", "bigint", "number of cities shipped to", lambda: F.countDistinct("destination_city")),
    MartColumn(
        "utilisation_pct",
        "double",
        "shipments in per cent of the daily capacity; null where the network names none",
        lambda: percent(total("shipments"), F.max("capacity")),
        unit="%",
        heading="Load",
    ),
    MartColumn(
        "congested",
        "boolean",
        "whether utilisation_pct is above 100; null where that is null",
        lambda: total("shipments") > F.max("capacity"),
    ),
)


@document(WAREHOUSE_DEMAND)
def warehouse_demand(lane_days: DataFrame, capacities: Mapping[str, int] | None = None) -> DataFrame:
    """What each warehouse ships per day, compared with its capacity.

    One row per (origin_warehouse, shipment_date) with a shipment.

    Args:
        lane_days: the roll-up.
        capacities: shipments per day that each warehouse can handle, as `Network.capacities`; none if None.
    """
    capacity = F.lit(None).cast("long")
    for warehouse, shipments in (capacities or {}).items():
        capacity = F.when(F.col("origin_warehouse") == warehouse, F.lit(shipments).cast("long")).otherwise(capacity)
    return summarize(lane_days.withColumn("capacity", capacity), WAREHOUSE_DEMAND)


OPEN_SHIPMENTS = (
    CARRIER,
    ORIGIN_WAREHOUSE,
    DESTINATION_CITY,
    MartColumn("due_date", "date", "the promised day; null where no day was promised"),
    MartColumn(
        "days_overdue",
        "int",
        "days from due_date to the newest batch date; negative while there is time, null where due_date is",
        lambda: F.max(days_between("due_date", "as_of")),
        unit="days",
        heading="Overdue",
    ),
    SHIPMENTS,
    WEIGHT_KG,
    TOTAL_COST,
)


@document(OPEN_SHIPMENTS)
def open_shipments(lane_days: DataFrame) -> DataFrame:
    """What is in transit, and how long it is overdue on the newest batch date.

    One row per (carrier, origin_warehouse, destination_city, due_date) with a shipment in transit.
    """
    return summarize(with_as_of(lane_days).where(F.col("state") == IN_TRANSIT), OPEN_SHIPMENTS)


def with_as_of(lane_days: DataFrame) -> DataFrame:
    """Return lane_days with the column as_of: date, its own, or the newest batch date; null where neither is known."""
    columns = lane_days.columns
    if "as_of" in columns:
        return lane_days
    if "batch_date" in columns:
        return lane_days.crossJoin(F.broadcast(lane_days.agg(F.max("batch_date").alias("as_of"))))
    return lane_days.withColumn("as_of", F.lit(None).cast("date"))


_MARTS = (
    Mart.declare("carrier_performance", CARRIER_PERFORMANCE, lambda days, network: carrier_performance(days)),
    Mart.declare("route_efficiency", ROUTE_EFFICIENCY, lambda days, network: route_efficiency(days)),
    Mart.declare("cost_analysis", COST_ANALYSIS, lambda days, network: cost_analysis(days), "month"),
    Mart.declare("delay_trends", DELAY_TRENDS, lambda days, network: delay_trends(days), "day", TREND_DAYS - 1),
    Mart.declare(
        "warehouse_demand", WAREHOUSE_DEMAND, lambda days, network: warehouse_demand(days, network.capacities), "day"
    ),
    Mart.declare("open_shipments", OPEN_SHIPMENTS, lambda days, network: open_shipments(days)),
)
MARTS: Mapping[str, Mart] = MappingProxyType({mart.name: mart for mart in _MARTS})
"""The six marts of the package."""


def marts(lane_days: DataFrame, network: Network | None = None) -> dict[str, DataFrame]:
    """Return all six marts by name; capacities are those of the network, the default one if None."""
    days = net_days(with_as_of(lane_days))
    return {name: mart.make(days, network or Network.default()) for name, mart in MARTS.items()}
