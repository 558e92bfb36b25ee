"""Marts: what a logistics team asks every morning, answered from lane_days alone.

Each is a pure function of a frame with the sums of `lane_days` (or of `lane_months`, for the marts without a day).
Percentages are doubles from 0 to 100; sums are exact; a ratio is divided once, over the rows that know both its parts.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from shipment_etl.errors import InvalidValue
from shipment_etl.life import DELIVERED, IN_TRANSIT, LOST, RETURNED
from shipment_etl.network import Network
from shipment_etl.thresholds import DELAYED_DAYS, LATE_DAYS
from shipment_etl.transform.exact import percent, ratio
from shipment_etl.transform.lane_days import SUMS, net_days

__all__ = [
    "MARTS",
    "SPAN_COLUMNS",
    "Mart",
    "Span",
    "carrier_performance",
    "cost_analysis",
    "delay_trends",
    "marts",
    "open_shipments",
    "route_efficiency",
    "warehouse_demand",
]

STATES = ("delivered", "in_transit", "overdue", "returned", "lost")
"""Columns with the shipments of each state; those overdue are in transit."""
TREND_DAYS = 7
MOST_LOOK_BACK_DAYS = 28
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")

Span = Literal["all_time", "month", "day"]
SPAN_COLUMNS: Mapping[str, str | None] = MappingProxyType({"all_time": None, "month": "month", "day": "shipment_date"})
"""Span of a mart → the column that tells the time of its rows."""


def carrier_performance(lane_days: DataFrame) -> DataFrame:
    """How well each carrier keeps its promises, and what it costs.

    One row per carrier, over all days given. Delays are those of delivered shipments with a promise.

    Columns:
        shipments: long.
        delivered, in_transit, returned, lost: long, shipments by how they ended.
        overdue: long, shipments in transit whose promised day is before the newest batch date.
        with_delay: long, delivered shipments with a promise: what the next columns are over.
        on_time_shipments: long, with a delay of 0 days or less.
        on_time_pct: double, per cent with a delay of 0 days or less.
        late_2plus_pct: double, per cent with a delay of 2 days or more.
        avg_delay_days: double, mean days late, early counting as 0.
        avg_days_vs_promise: double, mean days against the promise, early being negative.
        p50_delay_days: int, median delay, early being negative; nearest rank.
        p95_delay_days: int, delay that 95 per cent do not exceed; nearest rank.
        avg_transit_days: double, mean days from shipment to delivery.
        avg_cost: double, currency a shipment; null where no cost is known.
        cost_per_kg: double, Σ cost / Σ kg; null where no shipment knows both.
        cost_per_tonne_km: double, Σ cost / Σ (tonnes × km); null where no shipment knows all three.

    Source:
        Nearest rank: Hyndman and Fan, "Sample Quantiles in Statistical Packages" (1996), definition 1.
    """
    by_delay = with_states(lane_days).groupBy("carrier", "delay_days").agg(*_totals(), *_states())
    # The histogram of delays is small, so exact percentiles are a running count away.
    running = F.sum("with_delay").over(Window.partitionBy("carrier").orderBy("delay_days"))
    every = F.sum("with_delay").over(Window.partitionBy("carrier"))
    ranked = by_delay.withColumns({"running": running, "every": every})
    delay, shipments = F.col("delay_days"), F.col("with_delay")
    carriers = ranked.groupBy("carrier").agg(
        *_totals(),
        *_states(),
        F.sum(F.when(delay < DELAYED_DAYS, shipments).otherwise(0)).alias("on_time_shipments"),
        F.sum(F.when(delay >= LATE_DAYS, shipments).otherwise(0)).alias("late_2plus_shipments"),
        F.sum(F.greatest(delay, F.lit(0)) * shipments).alias("days_late"),
        F.sum(delay * shipments).alias("days_vs_promise"),
        _nearest_rank(50).alias("p50_delay_days"),
        _nearest_rank(95).alias("p95_delay_days"),
    )
    return carriers.select(
        "carrier",
        "shipments",
        *STATES,
        "with_delay",
        "on_time_shipments",
        _percent("on_time_shipments", "with_delay").alias("on_time_pct"),
        _percent("late_2plus_shipments", "with_delay").alias("late_2plus_pct"),
        _ratio("days_late", "with_delay").alias("avg_delay_days"),
        _ratio("days_vs_promise", "with_delay").alias("avg_days_vs_promise"),
        "p50_delay_days",
        "p95_delay_days",
        _ratio("transit_days", "delivered").alias("avg_transit_days"),
        _ratio("cost", "cost_shipments").alias("avg_cost"),
        _ratio("weighed_cost", "priced_weight_kg").alias("cost_per_kg"),
        _ratio("tonne_km_cost", "priced_tonne_km").alias("cost_per_tonne_km"),
    )


def route_efficiency(lane_days: DataFrame) -> DataFrame:
    """Speed, reliability and cost of every lane.

    One row per (origin_warehouse, destination_city), over all days given. Delays are those of delivered shipments with a
    promise.

    Columns:
        shipments: long.
        delivered, in_transit, returned, lost: long, shipments by how they ended.
        overdue: long, shipments in transit whose promised day is before the newest batch date.
        with_delay: long, delivered shipments with a promise.
        avg_distance_km: double, kilometres; null where no distance is known.
        avg_transit_days: double, days from shipment to delivery.
        km_per_day: double, Σ km / Σ days in transit of delivered shipments; null where no distance is known.
        on_time_pct: double, per cent of those with_delay that have a delay of 0 days or less.
        avg_cost: double, currency a shipment; null where no cost is known.
        cost_per_km: double, Σ cost / Σ km; null where no shipment knows both.
        cost_per_tonne_km: double, Σ cost / Σ (tonnes × km); null where no shipment knows all three.
    """
    on_time = F.sum(F.when(F.col("delay_days") < DELAYED_DAYS, F.col("shipments")).otherwise(0)).alias("on_time_shipments")
    delivered_km = F.sum(F.when(F.col("state") == DELIVERED, F.col("distance_km"))).alias("delivered_km")
    by_lane = with_states(lane_days).groupBy("origin_warehouse", "destination_city")
    lanes = by_lane.agg(*_totals(), *_states(), on_time, delivered_km)
    return lanes.select(
        "origin_warehouse",
        "destination_city",
        "shipments",
        *STATES,
        "with_delay",
        _ratio("distance_km", "distance_shipments").alias("avg_distance_km"),
        _ratio("transit_days", "delivered").alias("avg_transit_days"),
        _ratio("delivered_km", "distance_transit_days").alias("km_per_day"),
        _percent("on_time_shipments", "with_delay").alias("on_time_pct"),
        _ratio("cost", "cost_shipments").alias("avg_cost"),
        _ratio("distance_cost", "priced_distance_km").alias("cost_per_km"),
        _ratio("tonne_km_cost", "priced_tonne_km").alias("cost_per_tonne_km"),
    )


def cost_analysis(lane_days: DataFrame) -> DataFrame:
    """Where the money goes, month by month.

    One row per (month, carrier, origin_warehouse, destination_city).

    Columns:
        month: string, YYYY-MM of the shipment date.
        shipments: long.
        total_cost: decimal(38,2), currency; null where no cost is known.
        avg_cost: double, currency a shipment; null where no cost is known.
        cost_per_km: double, Σ cost / Σ km; null where no shipment knows both.
        cost_per_kg: double, Σ cost / Σ kg; null where no shipment knows both.
        cost_per_tonne_km: double, Σ cost / Σ (tonnes × km); null where no shipment knows all three.
        cost_share_pct: double, per cent of the total cost of the month.
    """
    with_month = lane_days
    if "month" not in lane_days.columns:
        with_month = lane_days.withColumn("month", F.date_format("shipment_date", "yyyy-MM"))
    keys = ("month", "carrier", "origin_warehouse", "destination_city")
    rows = with_month.groupBy(*keys).agg(*_totals())
    rows = rows.withColumn("month_cost", F.sum("cost").over(Window.partitionBy("month")))
    return rows.select(
        *keys,
        "shipments",
        _total_cost(),
        _ratio("cost", "cost_shipments").alias("avg_cost"),
        _ratio("distance_cost", "priced_distance_km").alias("cost_per_km"),
        _ratio("weighed_cost", "priced_weight_kg").alias("cost_per_kg"),
        _ratio("tonne_km_cost", "priced_tonne_km").alias("cost_per_tonne_km"),
        F.when(F.col("cost_shipments") > 0, _percent("cost", "month_cost")).alias("cost_share_pct"),
    )


def delay_trends(lane_days: DataFrame) -> DataFrame:
    """Whether shipments to a city get later.

    One row per (shipment_date, destination_city) with a shipment.

    Columns:
        shipments: long.
        with_delay: long, those that are delivered, and had a promise: what the next columns are over.
        delayed_shipments: long, with a delay above 0 days.
        delayed_pct: double, per cent of the day's shipments with a delay above 0 days.
        avg_delay_days: double, mean days late, early counting as 0.
        delayed_pct_7d: double, the same over the shipments of the seven calendar days that end on this one.
    """
    delay, shipments = F.col("delay_days"), F.col("shipments")
    days = lane_days.groupBy("shipment_date", "destination_city").agg(
        F.sum("shipments").alias("shipments"),
        F.sum(F.when(delay.isNotNull(), shipments).otherwise(0)).alias("with_delay"),
        F.sum(F.when(delay >= DELAYED_DAYS, shipments).otherwise(0)).alias("delayed_shipments"),
        F.sum(F.greatest(delay, F.lit(0)) * shipments).alias("days_late"),
    )
    days = days.withColumn("day", F.unix_date("shipment_date").cast("long"))
    week = Window.partitionBy("destination_city").orderBy("day").rangeBetween(1 - TREND_DAYS, 0)
    days = days.withColumns(
        {
            "week_with_delay": F.sum("with_delay").over(week),
            "week_delayed": F.sum("delayed_shipments").over(week),
        }
    )
    return days.select(
        "shipment_date",
        "destination_city",
        "shipments",
        "with_delay",
        "delayed_shipments",
        _percent("delayed_shipments", "with_delay").alias("delayed_pct"),
        _ratio("days_late", "with_delay").alias("avg_delay_days"),
        _percent("week_delayed", "week_with_delay").alias("delayed_pct_7d"),
    )


def warehouse_demand(lane_days: DataFrame, capacities: Mapping[str, int] | None = None) -> DataFrame:
    """What each warehouse ships a day, against what it can.

    One row per (origin_warehouse, shipment_date) with a shipment.

    Args:
        lane_days: the roll-up.
        capacities: shipments a day that each warehouse can handle, as `Network.capacities`; none if None.

    Columns:
        shipments: long.
        weight_kg: decimal(38,3), sum of the weights; null where none is known.
        volume_m3: decimal(38,3), sum of the volumes; null where none is known.
        destinations: long, cities shipped to.
        utilisation_pct: double, shipments in per cent of the daily capacity; null where the network names none.
        congested: boolean, utilisation above 100; null where utilisation_pct is.
    """
    days = lane_days.groupBy("origin_warehouse", "shipment_date").agg(
        F.sum("shipments").alias("shipments"),
        _known(F.sum("weight_kg")).alias("weight_kg"),
        _known(F.sum("volume_m3")).alias("volume_m3"),
        F.countDistinct("destination_city").alias("destinations"),
    )
    capacity = F.lit(None).cast("long")
    for warehouse, shipments in (capacities or {}).items():
        capacity = F.when(F.col("origin_warehouse") == warehouse, F.lit(shipments).cast("long")).otherwise(capacity)
    days = days.withColumn("capacity", capacity)
    return days.select(
        "origin_warehouse",
        "shipment_date",
        "shipments",
        "weight_kg",
        "volume_m3",
        "destinations",
        _percent("shipments", "capacity").alias("utilisation_pct"),
        (F.col("shipments") > F.col("capacity")).alias("congested"),
    )


def open_shipments(lane_days: DataFrame) -> DataFrame:
    """What is in transit, and how long it is overdue on the newest batch date.

    One row per (carrier, origin_warehouse, destination_city, due_date) with a shipment in transit.

    Columns:
        due_date: date, the promised day; null where no day was promised.
        days_overdue: int, days from it to the newest batch date; negative while there is time, null where due_date is.
        shipments: long.
        weight_kg: decimal(38,3), sum of the weights; null where none is known.
        total_cost: decimal(38,2), currency; null where no cost is known.
    """
    keys = ("carrier", "origin_warehouse", "destination_city", "due_date")
    rows = with_as_of(lane_days).where(F.col("state") == IN_TRANSIT).groupBy(*keys, "as_of").agg(*_totals())
    return rows.select(
        *keys,
        (F.unix_date("as_of") - F.unix_date("due_date")).cast("int").alias("days_overdue"),
        "shipments",
        _known(F.col("weight_kg")).alias("weight_kg"),
        _total_cost(),
    )


def with_as_of(lane_days: DataFrame) -> DataFrame:
    """Return lane_days with the column as_of: date, its own, or the newest batch date; null where neither is known."""
    columns = lane_days.columns
    if "as_of" in columns:
        return lane_days
    if "batch_date" in columns:
        return lane_days.crossJoin(F.broadcast(lane_days.agg(F.max("batch_date").alias("as_of"))))
    return lane_days.withColumn("as_of", F.lit(None).cast("date"))


def with_states(lane_days: DataFrame) -> DataFrame:
    """Return lane_days with the shipments of each state, and those with a delay, in columns of their own."""
    state, shipments = F.col("state"), F.col("shipments")
    # Only what is in transit has a day that it is due.
    due = F.coalesce(F.col("due_date") < F.col("as_of"), F.lit(False))
    counted = {"delivered": state == DELIVERED, "in_transit": state == IN_TRANSIT, "overdue": due}
    counted |= {"returned": state == RETURNED, "lost": state == LOST, "with_delay": F.col("delay_days").isNotNull()}
    return with_as_of(lane_days).withColumns({name: F.when(each, shipments).otherwise(0) for name, each in counted.items()})


@dataclass(frozen=True, slots=True)
class Mart:
    """A mart, so that jobs can keep it up to date, whoever made it.

    Args:
        name: of the mart; its table is processed/NAME.
        columns: name → SQL type.
        make: gives its rows from a frame with the keys and sums of `lane_days` and as_of, the newest batch date, and the
            network. It must aggregate, and give the same rows from lane_months, if `span` is not day.
        span: what a changed shipment reaches: all_time, every row; month, the rows of its month (by a column `month`);
            day, the rows of its day (by a column `shipment_date`).
        look_back_days: days before its own that a row of a span `day` depends on.

    Raises:
        InvalidValue: the name is no lower-case word, the span is none of the three, its column is missing, or it looks
            back more than 28 days.
    """

    name: str
    columns: Mapping[str, str]
    make: Callable[[DataFrame, Network], DataFrame]
    span: Span = "all_time"
    look_back_days: int = 0

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise InvalidValue("the name of a mart", self.name, "lower-case letters, digits and _, beginning with a letter")
        if self.span not in SPAN_COLUMNS:
            raise InvalidValue(f"the span of the mart {self.name}", self.span, f"one of {', '.join(SPAN_COLUMNS)}")
        needed = SPAN_COLUMNS[self.span]
        if needed and needed not in self.columns:
            raise InvalidValue(f"the columns of the mart {self.name}", sorted(self.columns), f"such that {needed} is one")
        if not 0 <= self.look_back_days <= MOST_LOOK_BACK_DAYS:
            raise InvalidValue(f"look_back_days of {self.name}", self.look_back_days, f"0 to {MOST_LOOK_BACK_DAYS}")


_DOUBLE = "double"
MARTS: Mapping[str, Mart] = MappingProxyType(
    {
        mart.name: mart
        for mart in (
            Mart(
                "carrier_performance",
                {
                    "carrier": "string",
                    "shipments": "bigint",
                    **dict.fromkeys(STATES, "bigint"),
                    "with_delay": "bigint",
                    "on_time_shipments": "bigint",
                    "on_time_pct": _DOUBLE,
                    "late_2plus_pct": _DOUBLE,
                    "avg_delay_days": _DOUBLE,
                    "avg_days_vs_promise": _DOUBLE,
                    "p50_delay_days": "int",
                    "p95_delay_days": "int",
                    "avg_transit_days": _DOUBLE,
                    "avg_cost": _DOUBLE,
                    "cost_per_kg": _DOUBLE,
                    "cost_per_tonne_km": _DOUBLE,
                },
                lambda days, network: carrier_performance(days),
            ),
            Mart(
                "route_efficiency",
                {
                    "origin_warehouse": "string",
                    "destination_city": "string",
                    "shipments": "bigint",
                    **dict.fromkeys(STATES, "bigint"),
                    "with_delay": "bigint",
                    "avg_distance_km": _DOUBLE,
                    "avg_transit_days": _DOUBLE,
                    "km_per_day": _DOUBLE,
                    "on_time_pct": _DOUBLE,
                    "avg_cost": _DOUBLE,
                    "cost_per_km": _DOUBLE,
                    "cost_per_tonne_km": _DOUBLE,
                },
                lambda days, network: route_efficiency(days),
            ),
            Mart(
                "cost_analysis",
                {
                    "month": "string",
                    "carrier": "string",
                    "origin_warehouse": "string",
                    "destination_city": "string",
                    "shipments": "bigint",
                    "total_cost": "decimal(38,2)",
                    "avg_cost": _DOUBLE,
                    "cost_per_km": _DOUBLE,
                    "cost_per_kg": _DOUBLE,
                    "cost_per_tonne_km": _DOUBLE,
                    "cost_share_pct": _DOUBLE,
                },
                lambda days, network: cost_analysis(days),
                "month",
            ),
            Mart(
                "delay_trends",
                {
                    "shipment_date": "date",
                    "destination_city": "string",
                    "shipments": "bigint",
                    "with_delay": "bigint",
                    "delayed_shipments": "bigint",
                    "delayed_pct": _DOUBLE,
                    "avg_delay_days": _DOUBLE,
                    "delayed_pct_7d": _DOUBLE,
                },
                lambda days, network: delay_trends(days),
                "day",
                TREND_DAYS - 1,
            ),
            Mart(
                "warehouse_demand",
                {
                    "origin_warehouse": "string",
                    "shipment_date": "date",
                    "shipments": "bigint",
                    "weight_kg": "decimal(38,3)",
                    "volume_m3": "decimal(38,3)",
                    "destinations": "bigint",
                    "utilisation_pct": _DOUBLE,
                    "congested": "boolean",
                },
                lambda days, network: warehouse_demand(days, network.capacities),
                "day",
            ),
            Mart(
                "open_shipments",
                {
                    "carrier": "string",
                    "origin_warehouse": "string",
                    "destination_city": "string",
                    "due_date": "date",
                    "days_overdue": "int",
                    "shipments": "bigint",
                    "weight_kg": "decimal(38,3)",
                    "total_cost": "decimal(38,2)",
                },
                lambda days, network: open_shipments(days),
            ),
        )
    }
)
"""The six marts of the package."""


def marts(lane_days: DataFrame, network: Network | None = None) -> dict[str, DataFrame]:
    """Return all six marts by name; capacities are those of the network, the default one if None."""
    days = net_days(with_as_of(lane_days))
    return {name: mart.make(days, network or Network.default()) for name, mart in MARTS.items()}


def _states() -> list[Column]:
    return [F.sum(name).cast("bigint").alias(name) for name in (*STATES, "with_delay")]


def _totals() -> list[Column]:
    return [F.sum(name).cast(kind).alias(name) for name, kind in SUMS.items()]


def _known(total: Column) -> Column:
    """Return a sum of weights or volumes, null where none is known: any that is known is above 0."""
    return F.when(total != 0, total).cast("decimal(38,3)")


def _total_cost() -> Column:
    return F.when(F.col("cost_shipments") > 0, F.col("cost")).cast("decimal(38,2)").alias("total_cost")


def _ratio(part: str, whole: str) -> Column:
    return ratio(F.col(part), F.col(whole))


def _percent(part: str, whole: str) -> Column:
    return percent(F.col(part), F.col(whole))


def _nearest_rank(of_hundred: int) -> Column:
    """The least delay that so many per cent of the shipments do not exceed."""
    reached = F.col("running") * 100 >= F.col("every") * of_hundred
    return F.min(F.when(reached, F.col("delay_days")))
