"""Troubles: the effects of a batch's disruptions, to check the findings of a report against."""

from dataclasses import replace
from datetime import date as Date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from shipment_etl.generator.draws import (
    delaying_disruption,
    is_affected_by,
    with_dates,
    with_delay,
    with_drawn,
    with_measures,
)
from shipment_etl.generator.shipments import own_day, plan_of, with_rows
from shipment_etl.network import Network
from shipment_etl.scenario import Disruption, Scenario
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
    scenario: str | Scenario | None = None,
    network: Network | None = None,
) -> DataFrame:
    """Return the effects of a batch's disruptions on its new shipments, compared with the same batch without any.

    A shipment that several disruptions affect gets its delay from the last one and the surcharges of all.

    Columns:
        batch_date: date.
        disruption: string, its name.
        carriers, origin_warehouses, destination_cities: string, those that it affects, separated by commas; null for all.
        since, until: date, its first and last shipment date; null if open.
        missing: string, the column that is missing in reports; null for none.
        surcharge_pct: int, per cent of the cost.
        shipments: long, number of shipments that it affects.
        late_2plus: long, how many more of them are two or more days late.
        days_late: long, how many more days late they are in total, early counting as 0.
        cost: decimal(38,2), its surcharge on them.

    Raises:
        InvalidValue, NetworkError: as for `generate`.
    """
    plan = plan_of(date=date, rows=rows, seed=seed, scenario=scenario, network=network)
    day, calm = own_day(plan), replace(plan, disruptions=(), own_delays=())
    frame = with_drawn(spark, with_rows(spark, plan, day), calm, day).where(F.col("struck_by") != 0)
    frame = with_dates(with_measures(frame, calm, day), calm, day)
    frame = frame.withColumns({"usual_delay": F.col("delay"), "usual_cents": F.col("cost_cents")})
    # Drawn once more, now from the tables of the disruptions.
    frame = with_dates(with_delay(spark, frame.drop("delay_slot", "drawn_delay"), plan, day), plan, day)
    numbers = F.array(*(F.when(is_affected_by(each), F.lit(each)) for each in range(len(plan.disruptions))))
    hit = F.explode(F.array_compact(numbers.cast("array<int>"))).alias("number")
    pairs = frame.select("delay", "usual_delay", "usual_cents", delaying_disruption(plan).alias("by"), hit)
    # Only the disruption whose delays apply to a shipment has changed its delay.
    usual = F.when(F.col("by") == F.col("number"), F.col("usual_delay")).otherwise(F.col("delay"))
    late = (F.col("delay") >= LATE_DAYS).cast("long") - (usual >= LATE_DAYS).cast("long")
    sums = pairs.groupBy("number").agg(
        F.count(F.lit(1)).alias("shipments"),
        F.sum(late).alias("late_2plus"),
        F.sum(F.greatest("delay", F.lit(0)) - F.greatest(usual, F.lit(0))).alias("days_late"),
        F.sum("usual_cents").alias("cents"),
    )
    declared = spark.createDataFrame([_declare(*each) for each in enumerate(plan.disruptions)], ", ".join(DECLARED))
    names = [kind.split()[0] for kind in DECLARED[1:]]
    cost = F.expr(
        "cast(cast(cents * surcharge_pct as decimal(28,0)) * cast(0.0001 as decimal(5,4)) as decimal(38,2))"
    ).alias("cost")
    counts = [F.col(name) for name in ("shipments", "late_2plus", "days_late")]
    return (
        F.broadcast(declared).join(sums, "number").select(F.lit(plan.batch_date).alias("batch_date"), *names, *counts, cost)
    )


def _declare(number: int, each: Disruption) -> tuple[object, ...]:
    whom = (", ".join(sorted(names)) or None for names in (each.carriers, each.warehouses, each.cities))
    return (number, each.name, *whom, each.since, each.until, each.missing or None, each.surcharge)
