"""Shipments: the rows of a batch, each from its number alone."""

from datetime import date as Date

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StructField, StructType

from shipment_etl.dates import as_date
from shipment_etl.generator.defects import COPIES, LATE_ARRIVAL, defect_of, with_defects
from shipment_etl.generator.draws import Day, div, is_affected_by, look_up, schema_of, with_dates, with_drawn, with_measures
from shipment_etl.generator.lives import (
    BLOCK,
    CORRECTED,
    MAX_CANCELLATION_DAYS,
    MAX_CORRECTION_DAYS,
    life_of,
    report_days,
)
from shipment_etl.generator.plan import MAX_ROWS, DaySlot, Plan, make_plan
from shipment_etl.generator.scenarios import choose_scenario
from shipment_etl.generator.streams import draw_below
from shipment_etl.life import DELIVERED, ENDS, STATUS_IN_TRANSIT, status_of_delay
from shipment_etl.network import Network
from shipment_etl.scenario import Scenario

__all__ = ["SOURCE", "TRUTH", "generate", "own_day", "plan_of", "with_rows"]

SOURCE = "shipments"
"""The source that generated shipments land as."""
TRUTH = ("defect", "life", "disruptions")
"""Columns that say what was done to a shipment, and why."""

STREAMS = (
    *("lane", "weight class", "carrier", "delay", "weight", "volume", "base"),
    *("late", "late arrival", "defect", "defect kind", "correction", "cancellation"),
)
"""Streams that a second report draws from."""


def generate(
    spark: SparkSession,
    *,
    date: Date | str,
    rows: int,
    seed: int,
    scenario: str | Scenario | None = None,
    defects: float = 0.0,
    network: Network | None = None,
    since: Date | str | None = None,
    truth: bool = False,
) -> DataFrame:
    """Make a batch of synthetic shipments; the same arguments give the same rows on every engine.

    Args:
        spark: a session of any engine.
        date: the batch date, a date or YYYY-MM-DD; shipments start on it, late arrivals up to six days before.
        rows: number of new shipments on an average day, 1 … 10^9; a scenario may vary it by day of the week. If the scenario
            has lives, reports on earlier shipments are added.
        seed: any whole number.
        scenario: a name in `SCENARIOS`, or your own `Scenario`; if None, that of the network, else baseline.
        defects: share of rows that are wrong on purpose, 0 … 1. It does not change the other rows.
        network: places, carriers and tariffs; the default network if None.
        since: the first day whose shipments are reported again, such as the date of the first batch; no limit if None.
        truth: add the columns `defect`, the name of the row's defect, null for none; `life`, why the shipment is reported
            twice, null if it is reported once; `disruptions`, the names of the disruptions that affect it.

    Columns:
        shipment_id: string, SH, batch date, number.
        origin_warehouse, destination_city, carrier: string, names of the network.
        shipment_weight_kg: decimal(12,3), kilograms.
        shipment_volume_m3: decimal(12,3), cubic metres.
        shipment_date, promised_date, delivery_date: date; promises fall on Monday to Friday, deliveries not on Sunday.
        delay_days: int, delivery − promise in days; early is negative, null without a delivery.
        delivery_status: string, Delayed where delay_days is above 0, else Delivered; without a delivery In transit,
            Cancelled, Returned or Lost.
        route_distance_km: decimal(10,3), great-circle kilometres of the lane.
        shipping_cost: decimal(14,2), base ± 25 % + weight + distance by the carrier's tariff.
        batch_date: date.
        source_file: string, what generated the row.
        source_row: long, from 1; for a second report after n days, n × 10^9 more than in the first report.

    Raises:
        InvalidValue: rows, defects, scenario, date or since are not as above.
        NetworkError: the network lacks coordinates, distances, tariffs or shares.
    """
    plan = plan_of(date=date, rows=rows, seed=seed, scenario=scenario, defects=defects, network=network, since=since)
    frame = first_reports(spark, plan)
    if len(plan.days) > 1:
        frame = frame.unionByName(later_reports(spark, plan))
    return frame if truth else frame.drop(*TRUTH)


def plan_of(
    *,
    date: Date | str,
    rows: int,
    seed: int,
    scenario: str | Scenario | None,
    defects: float = 0.0,
    network: Network | None = None,
    since: Date | str | None = None,
) -> Plan:
    """Return the plan for arguments of `generate`; raises the same errors."""
    network = Network.default() if network is None else network
    return make_plan(
        batch_date=as_date(date),
        rows=rows,
        seed=seed,
        scenario=choose_scenario(network, scenario),
        defects=defects,
        network=network,
        since=None if since is None else as_date(since, "since"),
    )


def first_reports(spark: SparkSession, plan: Plan) -> DataFrame:
    """Return the first report on each shipment of the batch's own day, with the columns of `TRUTH`."""
    day = own_day(plan)
    frame = with_drawn(spark, with_rows(spark, plan, day), plan, day)
    frame = with_dates(with_measures(frame, plan, day), plan, day)
    # A row with a defect is reported as if the shipment had ended; its second report corrects it.
    sound = F.col("defect").isNull() | F.col("defect").isin(*COPIES)
    frame = with_life(frame, plan, day, sound).withColumn("status", F.when(_starts_in_transit(), STATUS_IN_TRANSIT))
    if plan.scenario.lives.get(CORRECTED):
        estimate = div(F.col("cost_cents") * (draw_below(F.col("drawn_row"), day.key("estimate"), 200) + 800), 1000)
        frame = frame.withColumn("cost_cents", F.when(F.col("life") == CORRECTED, estimate).otherwise(F.col("cost_cents")))
    frame = frame.select(*_columns(plan, day), *_truth(plan))
    return with_defects(frame, plan) if plan.defects else frame


def later_reports(spark: SparkSession, plan: Plan) -> DataFrame:
    """Return the second reports in the batch, on shipments of the days before, with the columns of `TRUTH`."""
    day = Day(
        epoch_day=F.col("epoch_day"),
        weekday=F.col("weekday"),
        first_lane=F.col("first_lane"),
        first_delay=F.col("first_delay"),
        day_struck_by=F.col("day_struck_by"),
        prefix=F.col("prefix"),
        season=F.col("season"),
        key=lambda stream: F.col(_key_column(stream)),
    )
    keys = [(*each, *(plan.key(name, each.days_before) for name in STREAMS)) for each in plan.days[1:]]
    schema = StructType([*schema_of(DaySlot), *(StructField(_key_column(name), LongType()) for name in STREAMS)])
    frame = look_up(spark, keys, schema, "days_before").join(_candidates(spark, plan), "days_before", "right")
    defect = defect_of(F.col("drawn_row"), plan, day.key) if plan.defects else F.lit(None).cast("string")
    frame = frame.where(F.col("drawn_row") < F.col("day_rows")).withColumn("defect", defect)
    # A copy is not a shipment itself, and a late arrival has already ended.
    known = F.col("defect").isNull() | ~F.col("defect").isin(*COPIES, LATE_ARRIVAL)
    # For corrected, cancelled and lost shipments the day is known before lane and delay are drawn.
    early = _report_days(plan, day, F.lit(None).cast("long"))
    frame = frame.where(known & (F.coalesce(early, F.col("days_before")) == F.col("days_before")))
    frame = frame.withColumn("defect", F.lit(None).cast("string"))
    frame = with_dates(with_drawn(spark, frame, plan, day), plan, day)
    due = with_life(frame, plan, day, F.lit(True)).where(F.col("report_days") == F.col("days_before"))
    status = F.lit(None).cast("string")
    for name, end in ENDS.items():
        if end != DELIVERED:
            status = F.when(F.col("life") == end, name).otherwise(status)
    frame = with_measures(due, plan, day).withColumn("status", status)
    return frame.select(*_columns(plan, day), *_truth(plan))


def with_rows(spark: SparkSession, plan: Plan, day: Day) -> DataFrame:
    """Return one row per number, with its defect (null for none) and `drawn_row`, the number its values are drawn from."""
    frame = spark.range(plan.rows).select(F.col("id").alias("row"))
    if not plan.defects:
        return frame.select("row", F.col("row").alias("drawn_row"), F.lit(None).cast("string").alias("defect"))
    frame = frame.select("row", defect_of(F.col("row"), plan, day.key).alias("defect"))
    copied = F.coalesce(F.col("defect").isin(*COPIES), F.lit(False))
    return frame.select("row", F.when(copied, F.col("row") - 1).otherwise(F.col("row")).alias("drawn_row"), "defect")


def with_life(frame: DataFrame, plan: Plan, day: Day, sound: Column) -> DataFrame:
    """Add why and how many days later a shipment is reported again: life and report_days, null where it is not."""
    life = F.when(sound, life_of(F.col("drawn_row"), plan.scenario.lives))
    days = F.lit(None).cast("long")
    if plan.scenario.lives:
        days = F.when(sound, _report_days(plan, day, F.col("shipped_days") + F.col("promised_days") + F.col("delay")))
    frame = frame.withColumn("report_days", days)
    return frame.withColumn("life", F.when(F.col("report_days").isNotNull(), life))


def _report_days(plan: Plan, day: Day, delivered_days: Column) -> Column:
    row = F.col("drawn_row")
    return report_days(
        life_of(row, plan.scenario.lives),
        delivered_days,
        draw_below(row, day.key("correction"), MAX_CORRECTION_DAYS),
        draw_below(row, day.key("cancellation"), MAX_CANCELLATION_DAYS),
    )


def own_day(plan: Plan) -> Day:
    """Return the batch's own day, whose shipments are new."""
    own = plan.days[0]
    return Day(
        epoch_day=_as_long(own.epoch_day),
        weekday=_as_long(own.weekday),
        first_lane=_as_long(own.first_lane),
        first_delay=_as_long(own.first_delay),
        day_struck_by=_as_long(own.day_struck_by),
        prefix=F.lit(own.prefix),
        season=_as_long(own.season),
        key=lambda stream: _as_long(plan.key(stream)),
    )


def _as_long(number: int) -> Column:
    return F.lit(number).cast("long")


def _candidates(spark: SparkSession, plan: Plan) -> DataFrame:
    """Return one row for each shipment of an earlier day that has a life: days_before, drawn_row and row."""
    share = sum(plan.scenario.lives.values())
    blocks, rest = divmod(max(each.day_rows for each in plan.days), BLOCK)
    a_day = blocks * share + min(rest, share)
    number = F.col("id") % a_day
    frame = spark.range(a_day * (len(plan.days) - 1)).select(
        (div(F.col("id"), a_day) + 1).alias("days_before"), (div(number, share) * BLOCK + number % share).alias("drawn_row")
    )
    return frame.withColumn("row", F.col("drawn_row") + F.col("days_before") * MAX_ROWS)


def _key_column(stream: str) -> str:
    return f"key_of_{stream.replace(' ', '_')}"


def _starts_in_transit() -> Column:
    return F.col("life").isNotNull() & (F.col("life") != CORRECTED)


def _truth(plan: Plan) -> list[Column]:
    names = [F.when(is_affected_by(number), each.name) for number, each in enumerate(plan.disruptions)]
    present = F.array_compact(F.array(*names)) if names else F.array().cast("array<string>")
    return [F.col("defect"), F.col("life"), present.alias("disruptions")]


def _columns(plan: Plan, day: Day) -> list[Column]:
    shipped = F.col("shipped_days")
    promised = shipped + F.col("promised_days")
    made_by = f"generate {plan.scenario.name} seed {plan.seed}"
    delivered = F.col("status").isNull()
    number = F.lpad(F.col("drawn_row").cast("string"), 9, "0")
    plain = {
        "shipment_id": F.concat(day.prefix, number),
        "origin_warehouse": F.col("origin_warehouse"),
        "destination_city": F.col("destination_city"),
        "carrier": F.col("carrier"),
        "shipment_weight_kg": _decimal("weight_g", "0.001", "decimal(12,3)"),
        "shipment_volume_m3": _decimal("volume_l", "0.001", "decimal(12,3)"),
        "shipment_date": _date(day, shipped),
        "promised_date": _date(day, promised),
        "delivery_date": F.when(delivered, _date(day, promised + F.col("delay"))),
        "delay_days": F.when(delivered, F.col("delay").cast("int")),
        "delivery_status": F.coalesce("status", status_of_delay(F.col("delay"))),
        "route_distance_km": _decimal("distance_hm", "0.1", "decimal(10,3)"),
        "shipping_cost": _decimal("cost_cents", "0.01", "decimal(14,2)"),
        "batch_date": F.lit(plan.batch_date),
        "source_file": F.lit(made_by),
        "source_row": F.col("row") + 1,
    }
    for name in plan.unknown:
        plain[name] = F.when(F.lit(False), plain[name])
    for position, disruption in enumerate(plan.disruptions):
        if disruption.missing:
            plain[disruption.missing] = F.when(~is_affected_by(position), plain[disruption.missing])
    return [value.alias(name) for name, value in plain.items()]


def _date(day: Day, days: Column) -> Column:
    """Return the date a number of days after a day; Sail's date_add goes through text and takes ten times as long."""
    return F.date_from_unix_date((days + day.epoch_day).cast("int"))


def _decimal(column: str, unit: str, kind: str) -> Column:
    """Return whole units as a decimal, exactly: a product, because engines divide decimals to different digits."""
    digits = len(unit) - 2
    return F.expr(f"cast(cast({column} as decimal(18,0)) * cast({unit} as decimal({digits + 1},{digits})) as {kind})")
