"""Troubles: what the disruptions of a batch do to it, to hold what a report finds against."""

from dataclasses import replace
from datetime import date as Date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from shipment_etl.generator.draws import delayed_by, struck, with_dates, with_drawn, with_measures
from shipment_etl.generator.plan import Plan
from shipment_etl.generator.scenarios import Disruption, Scenario
from shipment_etl.generator.shipments import own_day, plan_of, with_rows
from shipment_etl.network import Network
from shipment_etl.thresholds import LATE_DAYS

__all__ = ["troubles"]

DECLARED = (
    *("number int", "disruption string", "carriers string", "origin_warehouses string", "destination_cities string"),
    *("since date", "until date", "missing string", "surcharge_pct int"),
)


def troubles(
    spark: SparkSession,
    *,
    date: Date | str,
    rows: int,
    seed: int,
    scenario: str | Scenario = "baseline",
    network: Network | None = None,
) -> DataFrame:
    """Return what the disruptions of a batch do to its new shipments, against the same batch without any.

    A shipment that several disruptions strike follows the delays of the last one, and pays the surcharges of all.

    Columns:
        batch_date: date.
        disruption: string, its name.
        carriers, origin_warehouses, destination_cities: string, whom it strikes, joined by a comma; null for any.
        since, until: date, its first and last shipment date; null if open.
        missing: string, the column that is missing in reports; null for none.
        surcharge_pct: int, per cent of the cost.
        shipments: long, those that it strikes.
        late_2plus: long, how many more of them come two or more days late.
        days_late: long, how many more days late they come together, early counting as 0.
        cost: decimal(38,2), its surcharge on them.

    Raises:
        InvalidValue, NetworkError: as for `generate`.
    """
    plan = plan_of(date=date, rows=rows, seed=seed, scenario=scenario, network=network)
    without = _drawn(spark, replace(plan, disruptions=(), own_delays=()))
    without = without.select("row", F.col("delay").alias("usual_delay"), F.col("cost_cents").alias("usual_cents"))
    numbers = F.array_compact(F.array(*(F.when(struck(each), F.lit(each)) for each in range(len(plan.disruptions)))))
    drawn = _drawn(spark, plan).select("row", "delay", delayed_by(plan).alias("by"), numbers.cast("array<int>").alias("hit"))
    pairs = drawn.where(F.size("hit") > 0).join(without, "row").select("*", F.explode("hit").alias("number"))
    # Only the disruption that a shipment follows has changed its delay.
    usual = F.when(F.col("by") == F.col("number"), F.col("usual_delay")).otherwise(F.col("delay"))
    late = (F.col("delay") >= LATE_DAYS).cast("long") - (usual >= LATE_DAYS).cast("long")
    sums = pairs.groupBy("number").agg(
        F.count(F.lit(1)).alias("shipments"),
        F.sum(late).alias("late_2plus"),
        F.sum(F.greatest("delay", F.lit(0)) - F.greatest(usual, F.lit(0))).alias("days_late"),
        F.sum("usual_cents").alias("cents"),
    )
    declared = spark.createDataFrame([_declared(*each) for each in enumerate(plan.disruptions)], ", ".join(DECLARED))
    names = [kind.split()[0] for kind in DECLARED[1:]]
    cost = F.expr(
        "cast(cast(cents * surcharge_pct as decimal(28,0)) * cast(0.0001 as decimal(5,4)) as decimal(38,2))"
    ).alias("cost")
    counts = [F.col(name) for name in ("shipments", "late_2plus", "days_late")]
    return (
        F.broadcast(declared).join(sums, "number").select(F.lit(plan.batch_date).alias("batch_date"), *names, *counts, cost)
    )


def _drawn(spark: SparkSession, plan: Plan) -> DataFrame:
    day = own_day(plan)
    return with_dates(with_measures(with_drawn(spark, with_rows(spark, plan, day), plan, day), plan, day), plan, day)


def _declared(number: int, each: Disruption) -> tuple[object, ...]:
    whom = (", ".join(sorted(names)) or None for names in (each.carriers, each.warehouses, each.cities))
    return (number, each.name, *whom, each.since, each.until, each.missing or None, each.surcharge)
