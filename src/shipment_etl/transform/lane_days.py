"""lane_days: the additive roll-up that every mart is computed from, so that shipments are scanned once.

It is a ledger: a batch adds its own reports, and subtracts those of other batches that its reports overtake. So no batch
changes the rows of another one, and the sum over all batches is that of the newest reports.
"""

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from shipment_etl import life
from shipment_etl.thresholds import DELAYED_DAYS

__all__ = ["KEYS", "SUMS", "lane_days", "lane_months", "net_days", "roll_up"]

KEYS = {
    "origin_warehouse": "string",
    "destination_city": "string",
    "carrier": "string",
    "state": "string",
    "delay_days": "int",
    "due_date": "date",
}
"""Key → its type; the last two are null where there is no delay, or nothing is due."""

SUMS = {
    "shipments": "bigint",
    "transit_days": "bigint",
    "weight_kg": "decimal(38,3)",
    "volume_m3": "decimal(38,3)",
    "distance_km": "decimal(38,3)",
    "distance_shipments": "bigint",
    "distance_transit_days": "bigint",
    "cost": "decimal(38,2)",
    "cost_shipments": "bigint",
    "weighed_cost": "decimal(38,2)",
    "priced_weight_kg": "decimal(38,3)",
    "distance_cost": "decimal(38,2)",
    "priced_distance_km": "decimal(38,3)",
    "tonne_km_cost": "decimal(38,2)",
    "priced_tonne_km": "decimal(38,9)",
    "on_time_shipments": "bigint",
    "timed_shipments": "bigint",
    "delay_minutes": "bigint",
}
"""Sum → its type, wide enough for any sum of sums; 0 where the measure is unknown for all shipments."""

KNOWN = {"weight": "shipment_weight_kg", "distance": "route_distance_km", "cost": "shipping_cost"}
"""Measures that may be unknown for a shipment, and their columns."""

MEASURES = {
    "transit_days": "transit_days",
    "weight_kg": "shipment_weight_kg",
    "volume_m3": "shipment_volume_m3",
    "distance_km": "route_distance_km",
    "cost": "shipping_cost",
    # Rows of an earlier release do not say whether they were on time: there, the days decide.
    "on_time_shipments": f"case when coalesce(on_time, delay_days < {DELAYED_DAYS}) then 1 end",
    "timed_shipments": "case when delay_minutes is not null then 1 end",
    "delay_minutes": "delay_minutes",
    "tonne_km": "cast(shipment_weight_kg * route_distance_km as decimal(22,6)) * cast(0.001 as decimal(4,3))",
}
"""What is summed over shipments with the same known measures: name → SQL."""


def lane_days(clean: DataFrame) -> DataFrame:
    """Sum clean shipments by day, lane, carrier, state and delay. Cancelled ones are left out.

    One row per (source, batch_date, shipment_date, origin_warehouse, destination_city, carrier, state, delay_days,
    due_date); source only where the frame has it. A sum is 0 where the measure is unknown in all rows.

    Columns:
        state: string, in_transit, delivered, returned or lost.
        delay_days: int, of delivered shipments with a promise; else null.
        due_date: date, the promise of shipments in transit; else null.
        shipments: long.
        transit_days: long, sum over delivered shipments.
        weight_kg, volume_m3, distance_km, cost: decimal, sum over the rows where it is known.
        cost_shipments: long, rows with a known cost.
        distance_shipments: long, rows with a known distance.
        distance_transit_days: long, transit days of the rows with a known distance.
        weighed_cost, priced_weight_kg: decimal, sum of the cost, and of the weight, of the rows where both are known.
        distance_cost, priced_distance_km: decimal, sum of the cost, and of the distance, of the rows where both are known.
        tonne_km_cost, priced_tonne_km: decimal, sum of the cost, and of the tonne-kilometres, of the rows where cost, weight
            and distance are known; tonne-kilometres are multiplied row by row.
        on_time_shipments: long, rows that came on time.
        timed_shipments: long, rows with a known delay in minutes.
        delay_minutes: long, sum over these; early is negative.

    Source:
        Tonne-kilometre as in the OECD Glossary of Statistical Terms: one tonne moved over one kilometre.
    """
    return roll_up(clean.where(life.state() != life.CANCELLED))


def roll_up(clean: DataFrame, more: Mapping[str, tuple[str, str]] | None = None, keys: Sequence[str] = ()) -> DataFrame:
    """Return `lane_days` including cancelled shipments, with more aggregates of the same groups, and more keys.

    Args:
        clean: shipments.
        more: name → a SQL aggregate function that can be applied to its own results, and its argument.
        keys: names of columns.
    """
    more = more or {}
    clean = clean.withColumns(
        {
            "state": life.state(),
            "due_date": F.when(life.state() == life.IN_TRANSIT, F.col("promised_date")),
            **{f"knows_{name}": F.col(column).isNotNull() for name, column in KNOWN.items()},
        }
    )
    columns = clean.columns
    batch = [name for name in ("source", "batch_date") if name in columns]
    groups = [*keys, *batch, "shipment_date", *KEYS]
    # In two steps: sums of decimals cost most on Spark, and rows with the same known measures need each of them only once.
    measured = clean.groupBy(*groups, *(f"knows_{name}" for name in KNOWN)).agg(
        F.count(F.lit(1)).alias("shipments"),
        *(F.expr(f"sum({measure})").alias(name) for name, measure in MEASURES.items()),
        *(F.expr(f"{function}({value})").alias(name) for name, (function, value) in more.items()),
    )
    weight, distance, cost = (F.col(f"knows_{name}") for name in KNOWN)
    sums = {
        **{name: F.sum(name) for name in ("shipments", "transit_days", "weight_kg", "volume_m3", "distance_km", "cost")},
        **{name: F.sum(name) for name in ("on_time_shipments", "timed_shipments", "delay_minutes")},
        "distance_shipments": F.sum(F.when(distance, F.col("shipments"))),
        "distance_transit_days": F.sum(F.when(distance, F.col("transit_days"))),
        "cost_shipments": F.sum(F.when(cost, F.col("shipments"))),
        "weighed_cost": F.sum(F.when(weight, F.col("cost"))),
        "priced_weight_kg": F.sum(F.when(cost, F.col("weight_kg"))),
        "distance_cost": F.sum(F.when(distance, F.col("cost"))),
        "priced_distance_km": F.sum(F.when(cost, F.col("distance_km"))),
        "tonne_km_cost": F.sum(F.when(weight & distance, F.col("cost"))),
        "priced_tonne_km": F.sum(F.when(cost, F.col("tonne_km"))),
    }
    again = {name: F.expr(f"{function}({name})") for name, (function, _) in more.items()}
    return _group(measured, groups, sums, again)


def lane_months(lane_days: DataFrame) -> DataFrame:
    """Sum lane_days by month, lane, carrier, state and delay, over all sources: the input of all-time marts.

    One row per (month, origin_warehouse, destination_city, carrier, state, delay_days, due_date) with a shipment.

    Columns:
        month: string, YYYY-MM of the shipment date; the sums of lane_days.
    """
    return _sum_net(lane_days.withColumn("month", F.date_format("shipment_date", "yyyy-MM")), "month")


def net_days(lane_days: DataFrame) -> DataFrame:
    """Sum lane_days over all batches and sources: the input of daily marts.

    One row per (shipment_date, origin_warehouse, destination_city, carrier, state, delay_days, due_date) with a shipment.

    Columns:
        as_of: date, where the frame has it; the sums of lane_days.
    """
    return _sum_net(lane_days, "shipment_date", *(["as_of"] if "as_of" in lane_days.columns else []))


def _sum_net(lane_days: DataFrame, *time: str) -> DataFrame:
    summed = _group(lane_days, [*time, *KEYS], {name: F.sum(name) for name in SUMS}, {})
    return summed.where(F.col("shipments") != 0)


def _group(frame: DataFrame, keys: list[str], sums: Mapping[str, Column], more: Mapping[str, Column]) -> DataFrame:
    typed = (F.coalesce(value, F.lit(0)).cast(SUMS[name]).alias(name) for name, value in sums.items())
    grouped = frame.groupBy(*keys).agg(*typed, *(value.alias(name) for name, value in more.items()))
    return grouped.select(*keys, *SUMS, *more)
