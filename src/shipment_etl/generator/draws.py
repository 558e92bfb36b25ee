"""Draws: the values of a shipment, drawn from its number and the keys of the day that it was first reported on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, get_type_hints

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StringType, StructField, StructType

from shipment_etl.generator.defects import LATE_ARRIVAL
from shipment_etl.generator.plan import Plan
from shipment_etl.generator.services import MILLION, SERVICE_BITS, ServiceSlot
from shipment_etl.generator.streams import draw_below, slot
from shipment_etl.generator.wheels import SLOT_BITS, SLOTS, CarrierSlot, DelaySlot, LaneSlot, WeightSlot
from shipment_etl.generator.world import LEVEL_PERCENT, LEVELS

__all__ = [
    "Day",
    "delaying_disruption",
    "div",
    "is_affected_by",
    "look_up",
    "schema_of",
    "with_dates",
    "with_delay",
    "with_drawn",
    "with_measures",
]

MAX_LATE_ARRIVAL_DAYS = 6
MONDAY, SATURDAY, SUNDAY = 0, 5, 6


@dataclass(frozen=True)
class Day:
    """The day that shipments were first reported on: its `DaySlot`, and the key of each stream, as columns."""

    epoch_day: Column
    weekday: Column
    first_lane: Column
    first_delay: Column
    day_struck_by: Column
    prefix: Column
    season: Column
    key: Callable[[str], Column]


def with_drawn(spark: SparkSession, frame: DataFrame, plan: Plan, day: Day) -> DataFrame:
    """Add lane, weight class, carrier and delay, each looked up by a slot of a wheel; a service is lane and carrier."""
    row = F.col("drawn_row")
    weights = look_up(spark, plan.weights, schema_of(WeightSlot), "weight_slot")
    if plan.services:
        services = look_up(spark, plan.services, schema_of(ServiceSlot), "service_slot")
        frame = frame.select(
            "*",
            (slot(row, day.key("lane"), SERVICE_BITS) + day.first_lane).alias("service_slot"),
            slot(row, day.key("weight class"), SLOT_BITS).alias("weight_slot"),
        )
        frame = weights.join(services.join(frame, "service_slot", "right"), "weight_slot", "right")
        struck_by = F.col("service_struck_by").bitwiseAND(day.day_struck_by)
        return with_delay(spark, frame.withColumn("struck_by", struck_by), plan, day)
    lanes = look_up(spark, plan.lanes, schema_of(LaneSlot), "lane_slot")
    carriers = look_up(spark, plan.carriers, schema_of(CarrierSlot), "carrier_slot")
    frame = frame.select(
        "*",
        (slot(row, day.key("lane"), SLOT_BITS) + day.first_lane).alias("lane_slot"),
        slot(row, day.key("weight class"), SLOT_BITS).alias("weight_slot"),
    )
    frame = weights.join(lanes.join(frame, "lane_slot", "right"), "weight_slot", "right")
    of_kind = slot(row, day.key("carrier"), SLOT_BITS) + F.col("truckload") * SLOTS
    frame = carriers.join(frame.withColumn("carrier_slot", of_kind), "carrier_slot", "right")
    struck_by = F.col("lane_struck_by").bitwiseAND(F.col("carrier_struck_by")).bitwiseAND(day.day_struck_by)
    return with_delay(spark, frame.withColumn("struck_by", struck_by), plan, day)


def with_delay(spark: SparkSession, frame: DataFrame, plan: Plan, day: Day) -> DataFrame:
    """Add the delay, drawn from the table of delays that applies to the shipment."""
    delays = look_up(spark, plan.delays, schema_of(DelaySlot), "delay_slot")
    of_table = slot(F.col("drawn_row"), day.key("delay"), SLOT_BITS) + _first_delay(plan, day)
    return delays.join(frame.withColumn("delay_slot", of_table), "delay_slot", "right")


def is_affected_by(number: int) -> Column:
    """Whether the disruption with this number, its place in the plan, affects a drawn shipment."""
    return F.col("struck_by").bitwiseAND(F.lit(1 << number).cast("long")) != 0


def delaying_disruption(plan: Plan) -> Column:
    """Return the number of the disruption whose delays apply to a drawn shipment; null for none."""
    number = F.lit(None).cast("int")
    for position, own in enumerate(plan.own_delays):
        if own is not None:
            number = F.when(is_affected_by(position), position).otherwise(number)
    return number


def _first_delay(plan: Plan, day: Day) -> Column:
    """Return where a shipment's table of delays begins: that of the last disruption that affects it and has one."""
    first = day.first_delay
    if plan.services:
        late_ppm = F.least(div(F.col("late_ppm") * day.season, 100), F.lit(MILLION))
        is_late = draw_below(F.col("drawn_row"), day.key("late"), MILLION) < late_ppm
        first = F.col("first_table") + F.when(is_late, F.lit(SLOTS)).otherwise(F.lit(0)).cast("long")
    elif plan.scenario.varied:
        level = div(F.col("lane_lateness") * F.col("carrier_lateness") + 50 * LEVEL_PERCENT, 100 * LEVEL_PERCENT)
        first = first + (F.greatest(F.least(level, F.lit(LEVELS)), F.lit(1)) - 1) * SLOTS
    for number, own in enumerate(plan.own_delays):
        if own is not None:
            first = F.when(is_affected_by(number), F.lit(own).cast("long")).otherwise(first)
    return first


def _with_surcharges(frame: DataFrame, plan: Plan) -> DataFrame:
    percent = F.lit(100).cast("long")
    dearer = [(position, each.surcharge) for position, each in enumerate(plan.disruptions) if each.surcharge]
    for position, surcharge in dearer:
        percent = percent + F.when(is_affected_by(position), F.lit(surcharge).cast("long")).otherwise(F.lit(0).cast("long"))
    return frame.withColumn("cost_cents", div(F.col("cost_cents") * percent + 50, 100)) if dearer else frame


def with_measures(frame: DataFrame, plan: Plan, day: Day) -> DataFrame:
    """Add weight_g, volume_l and cost_cents, as whole numbers."""
    row = F.col("drawn_row")
    drawn_g = F.col("least_g") + F.shiftright(F.col("span_g") * slot(row, day.key("weight"), 10), 10)
    by_lane = F.when(F.col("truckload") == 1, drawn_g).otherwise(div(drawn_g * F.col("weight_permille"), 1000))
    frame = frame.withColumn("weight_g", F.greatest(by_lane, F.lit(1)))
    # 2.4 to 8.4 litres per kilogram: densities from 119 to 417 kg per cubic metre.
    litres_per_tonne = draw_below(row, day.key("volume"), 6000) + 2400
    base_permille = draw_below(row, day.key("base"), 501) + 750
    # In 10^-7 of the currency: rates are in 10^-4, weight in 10^-3 kg, distance in 10^-1 km, the base in cents.
    cost = (
        F.col("base_cents") * base_permille * 100
        + F.col("per_kg") * F.col("weight_g")
        + F.col("per_km") * F.col("distance_hm") * 100
    )
    frame = frame.withColumns(
        {
            "volume_l": F.greatest(div(F.col("weight_g") * litres_per_tonne, 1_000_000), F.lit(1)),
            "cost_cents": div(cost + 50_000, 100_000),
        }
    )
    return _with_surcharges(frame, plan)


def with_dates(frame: DataFrame, plan: Plan, day: Day) -> DataFrame:
    """Add shipped_days (relative to the day: 0 or less), promised_days and delay.

    Promises skip weekends, and shipments that leave on a Saturday are not promised for Monday. A delivery that would fall
    on a Sunday moves to the day before if it is early, to the day after if it is late, so that the shares of early, one day
    late and later shipments stay as drawn.
    """
    late = F.lit(0).cast("long")
    if plan.defects:
        days = draw_below(F.col("drawn_row"), day.key("late arrival"), MAX_LATE_ARRIVAL_DAYS) + 1
        late = F.when(F.col("defect") == LATE_ARRIVAL, -days).otherwise(late)
    frame = frame.withColumn("shipped_days", late)
    promised = F.col("lane_days") + F.col("extra_days")
    weekday = (promised + F.col("shipped_days") + day.weekday + 7) % 7
    frame = frame.withColumn(
        "promised_days",
        promised
        + F.when(weekday == SATURDAY, 2).when((weekday == SUNDAY) | ((weekday == MONDAY) & (promised == 2)), 1).otherwise(0),
    )
    drawn = F.col("drawn_delay")
    weekday = (F.col("promised_days") + F.col("shipped_days") + day.weekday + drawn + 70) % 7
    off_sunday = F.when(weekday != SUNDAY, drawn).when(drawn < 0, drawn - 1).otherwise(drawn + 1)
    # Nothing arrives on the day it leaves: the earliest is the next day, or the one after if that is a Sunday.
    soonest = 1 - F.col("promised_days")
    weekday = (F.col("shipped_days") + day.weekday + 8) % 7
    soonest = F.when(weekday == SUNDAY, soonest + 1).otherwise(soonest)
    return frame.withColumn("delay", F.greatest(off_sunday, soonest).cast("long"))


def schema_of(kind: type) -> StructType:
    """Return the Spark schema of a named tuple of numbers and strings."""
    types = {name: StringType() if each is str else LongType() for name, each in get_type_hints(kind).items()}
    return StructType([StructField(name, each) for name, each in types.items()])


def look_up(spark: SparkSession, rows: Sequence[tuple[Any, ...]], schema: StructType, key: str) -> DataFrame:
    """Return rows as a frame to join on their first column, a number, which is renamed to `key`.

    Consecutive slots with the same values are sent to the engine as one row and expanded there.
    """
    runs = [list(run) for _, run in groupby(rows, key=lambda row: row[1:])]
    first, *others = schema.names
    # A schema given as a string would cost a request to the engine.
    ranges = StructType([*schema.fields, StructField("last_slot", LongType())])
    frame = spark.createDataFrame([(*run[0], run[-1][0]) for run in runs], ranges)
    return F.broadcast(frame.select(F.explode(F.sequence(first, "last_slot")).alias(key), *others))


def div(value: Column, by: int) -> Column:
    """Divide whole numbers from 0 to 2^53, rounding down; exact although by doubles: the remainder is subtracted first."""
    return ((value - value % by) / by).cast("long")
