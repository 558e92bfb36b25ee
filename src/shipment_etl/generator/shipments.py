"""Shipments: the rows of a batch, each from its number alone."""

from collections.abc import Sequence
from datetime import date as Date
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from shipment_etl.dates import as_date
from shipment_etl.generator.defects import COPIES, LATE_ARRIVAL, defect_of, with_defects
from shipment_etl.generator.plan import SLOT_BITS, SLOTS, Plan, make_plan
from shipment_etl.generator.scenarios import Scenario, scenario_named
from shipment_etl.generator.streams import below, slot
from shipment_etl.network import Network

__all__ = ["SOURCE", "generate"]

SOURCE = "shipments"
"""The source that generated shipments land as."""

MOST_LATE_ARRIVAL_DAYS = 6
MONDAY, SATURDAY, SUNDAY = 0, 5, 6
EPOCH = Date(1970, 1, 1)


def generate(
    spark: SparkSession,
    *,
    date: Date | str,
    rows: int,
    seed: int,
    scenario: str | Scenario = "baseline",
    defects: float = 0.0,
    network: Network | None = None,
    truth: bool = False,
) -> DataFrame:
    """Make a batch of synthetic shipments; the same arguments give the same rows on every engine.

    Args:
        spark: a session of any engine.
        date: the batch date, a date or YYYY-MM-DD; shipments start on it, late arrivals up to six days before.
        rows: how many, 1 … 10^9.
        seed: any whole number.
        scenario: the name of one of `SCENARIOS`, or one of your own.
        defects: share of rows that are wrong on purpose, 0 … 1. The other rows do not change with it.
        network: places, carriers and tariffs; the default network if None.
        truth: add the column `defect`, the name of what was done to the row, null where nothing was.

    Columns:
        shipment_id: string, SH, batch date, number.
        origin_warehouse, destination_city, carrier: string, names of the network.
        shipment_weight_kg: decimal(12,3), kilograms.
        shipment_volume_m3: decimal(12,3), cubic metres.
        shipment_date, promised_date, delivery_date: date; promises fall on Monday to Friday, deliveries not on Sunday.
        delay_days: int, delivery − promise in days; early is negative.
        delivery_status: string, Delayed where delay_days is above 0, else Delivered.
        route_distance_km: decimal(10,3), great-circle kilometres of the lane.
        shipping_cost: decimal(14,2), base ± 25 % + weight + distance by the carrier's tariff.
        batch_date: date.
        source_file: string, what generated the row.
        source_row: long, from 1.

    Raises:
        InvalidValue: rows, defects, scenario or date are not as above.
        NetworkError: the network lacks coordinates, tariffs or shares.
    """
    plan = make_plan(
        batch_date=as_date(date),
        rows=rows,
        seed=seed,
        scenario=scenario_named(scenario) if isinstance(scenario, str) else scenario,
        defects=defects,
        network=network or Network.default(),
    )
    frame = with_drawn(spark, with_rows(spark, plan), plan)
    frame = with_dates(with_measures(frame, plan), plan)
    frame = frame.select(*_columns(plan), "defect")
    if plan.defects:
        frame = with_defects(frame, plan)
    return frame if truth else frame.drop("defect")


def with_rows(spark: SparkSession, plan: Plan) -> DataFrame:
    """One row a number, with its defect (null for none) and `drawn_row`, the number that its values are drawn for."""
    frame = spark.range(plan.rows).select(F.col("id").alias("row"))
    if not plan.defects:
        return frame.select("row", F.col("row").alias("drawn_row"), F.lit(None).cast("string").alias("defect"))
    frame = frame.select("row", defect_of(F.col("row"), plan).alias("defect"))
    copied = F.coalesce(F.col("defect").isin(*COPIES), F.lit(False))
    return frame.select("row", F.when(copied, F.col("row") - 1).otherwise(F.col("row")).alias("drawn_row"), "defect")


def with_drawn(spark: SparkSession, frame: DataFrame, plan: Plan) -> DataFrame:
    """Add lane, weight class, carrier and delay: each a slot of a wheel, looked up."""
    row = F.col("drawn_row")
    lanes = _lookup(spark, plan.lanes, "slot long, origin_warehouse string, destination_city string, distance_hm long,"
                    " lane_days long, weight_permille long, lane_table long", "lane_slot")  # fmt: skip
    weights = _lookup(spark, plan.weights, "slot long, least_g long, span_g long, truckload long", "weight_slot")
    carriers = _lookup(spark, plan.carriers, "slot long, carrier string, base_cents long, per_kg long, per_km long,"
                       " extra_days long, carrier_table long", "carrier_slot")  # fmt: skip
    delays = _lookup(spark, plan.delays, "slot long, drawn_delay long", "delay_slot")
    frame = frame.select(
        "*",
        slot(row, plan.key("lane"), SLOT_BITS).alias("lane_slot"),
        slot(row, plan.key("weight class"), SLOT_BITS).alias("weight_slot"),
    )
    frame = weights.join(lanes.join(frame, "lane_slot", "right"), "weight_slot", "right")
    of_kind = slot(row, plan.key("carrier"), SLOT_BITS) + F.col("truckload") * SLOTS
    frame = carriers.join(frame.withColumn("carrier_slot", of_kind), "carrier_slot", "right")
    table = F.greatest(F.col("lane_table"), F.col("carrier_table"))
    of_table = slot(row, plan.key("delay"), SLOT_BITS) + table * SLOTS
    return delays.join(frame.withColumn("delay_slot", of_table), "delay_slot", "right")


def with_measures(frame: DataFrame, plan: Plan) -> DataFrame:
    """Add weight_g, volume_l and cost_cents, as whole numbers."""
    row = F.col("drawn_row")
    drawn_g = F.col("least_g") + F.shiftright(F.col("span_g") * slot(row, plan.key("weight"), 10), 10)
    by_lane = F.when(F.col("truckload") == 1, drawn_g).otherwise(_div(drawn_g * F.col("weight_permille"), 1000))
    frame = frame.withColumn("weight_g", F.greatest(by_lane, F.lit(1)))
    # 2.4 to 8.4 litres a kilogram: densities from 119 to 417 kg a cubic metre.
    litres_per_tonne = below(row, plan.key("volume"), 6000) + 2400
    base_permille = below(row, plan.key("base"), 501) + 750
    # In 10^-7 of the currency: rates are in 10^-4, weight in 10^-3 kg, distance in 10^-1 km, the base in cents.
    cost = (
        F.col("base_cents") * base_permille * 100
        + F.col("per_kg") * F.col("weight_g")
        + F.col("per_km") * F.col("distance_hm") * 100
    )
    return frame.withColumns(
        {
            "volume_l": F.greatest(_div(F.col("weight_g") * litres_per_tonne, 1_000_000), F.lit(1)),
            "cost_cents": _div(cost + 50_000, 100_000),
        }
    )


def with_dates(frame: DataFrame, plan: Plan) -> DataFrame:
    """Add shipped_days (before the batch: 0 or less), promised_days and delay_days.

    Promises skip weekends, and what leaves on a Saturday is not promised for Monday. A delivery that would fall on a
    Sunday comes on the day before if it was early, on the day after if late: so the shares of early, one day late, and
    later stay as drawn.
    """
    late = F.lit(0).cast("long")
    if plan.defects:
        days = below(F.col("drawn_row"), plan.key("late arrival"), MOST_LATE_ARRIVAL_DAYS) + 1
        late = F.when(F.col("defect") == LATE_ARRIVAL, -days).otherwise(late)
    frame = frame.withColumn("shipped_days", late)
    promised = F.col("lane_days") + F.col("extra_days")
    weekday = (promised + F.col("shipped_days") + plan.weekday + 7) % 7
    frame = frame.withColumn(
        "promised_days",
        promised
        + F.when(weekday == SATURDAY, 2).when((weekday == SUNDAY) | ((weekday == MONDAY) & (promised == 2)), 1).otherwise(0),
    )
    drawn = F.col("drawn_delay")
    weekday = (F.col("promised_days") + F.col("shipped_days") + plan.weekday + drawn + 70) % 7
    off_sunday = F.when(weekday != SUNDAY, drawn).when(drawn < 0, drawn - 1).otherwise(drawn + 1)
    # Nothing arrives on the day it left: the soonest is a day later, or two where that is a Sunday.
    soonest = 1 - F.col("promised_days")
    weekday = (F.col("shipped_days") + plan.weekday + 8) % 7
    soonest = F.when(weekday == SUNDAY, soonest + 1).otherwise(soonest)
    return frame.withColumn("delay", F.greatest(off_sunday, soonest).cast("long"))


def _columns(plan: Plan) -> list[Column]:
    shipped = F.col("shipped_days")
    promised = shipped + F.col("promised_days")
    made_by = f"generate {plan.scenario.name} seed {plan.seed}"
    number = F.lpad(F.col("drawn_row").cast("string"), 9, "0")
    plain = {
        "shipment_id": F.concat(F.lit(f"SH{plan.batch_date:%Y%m%d}-"), number),
        "origin_warehouse": F.col("origin_warehouse"),
        "destination_city": F.col("destination_city"),
        "carrier": F.col("carrier"),
        "shipment_weight_kg": _decimal("weight_g", "0.001", "decimal(12,3)"),
        "shipment_volume_m3": _decimal("volume_l", "0.001", "decimal(12,3)"),
        "shipment_date": _date(plan, shipped),
        "promised_date": _date(plan, promised),
        "delivery_date": _date(plan, promised + F.col("delay")),
        "delay_days": F.col("delay").cast("int"),
        "delivery_status": F.when(F.col("delay") > 0, "Delayed").otherwise("Delivered"),
        "route_distance_km": _decimal("distance_hm", "0.1", "decimal(10,3)"),
        "shipping_cost": _decimal("cost_cents", "0.01", "decimal(14,2)"),
        "batch_date": F.lit(plan.batch_date),
        "source_file": F.lit(made_by),
        "source_row": F.col("row") + 1,
    }
    return [value.alias(name) for name, value in plain.items()]


def _lookup(spark: SparkSession, rows: Sequence[tuple[Any, ...]], schema: str, key: str) -> DataFrame:
    frame = spark.createDataFrame(list(rows), schema)
    return F.broadcast(frame.withColumnRenamed("slot", key))


def _div(value: Column, by: int) -> Column:
    """Divide whole numbers from 0 to 2^53, rounding down; the double between is exact, for `by` divides it."""
    return ((value - value % by) / by).cast("long")


def _date(plan: Plan, days: Column) -> Column:
    """Return the date so many days after the batch; Sail's date_add goes through text and takes ten times as long."""
    return F.date_from_unix_date((days + (plan.batch_date - EPOCH).days).cast("int"))


def _decimal(column: str, unit: str, kind: str) -> Column:
    """Return whole units as a decimal, exactly: a product, because engines divide decimals to different digits."""
    digits = len(unit) - 2
    return F.expr(f"cast(cast({column} as decimal(18,0)) * cast({unit} as decimal({digits + 1},{digits})) as {kind})")
