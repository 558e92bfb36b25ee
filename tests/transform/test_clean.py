"""clean: each good shipment once, by its newest report, with derived columns, checked by a calculation in Python."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import functions as F
from pyspark.sql import types as T

from shipment_etl.network import Network
from shipment_etl.transform.clean import clean, with_derived
from tests.frames import (
    CONTENT,
    DAY,
    MEASURES,
    SCHEMA,
    SOUND,
    decimals,
    frame,
    numbered,
    rows_like,
    rows_of,
    sound_shipments,
    types_of,
)
from tests.transform import referee

DERIVED = {
    "transit_days": "int",
    "delay_class": "string",
    "chargeable_weight_kg": "decimal(15,3)",
    "cost_per_kg": "double",
    "cost_per_km": "double",
    "delay_minutes": "bigint",
    "on_time": "boolean",
}
CLASSES = {-1: "early", 0: "on_time", 1: "late_1", 2: "late_2plus"}
LINEAGE = T.StructType(
    [
        T.StructField("source_file", T.StringType()),
        T.StructField("note", T.StringType()),
        *SCHEMA,
        T.StructField("source", T.StringType()),
        T.StructField("batch_date", T.DateType()),
    ]
)

shipments = rows_like(sound_shipments(unknown=("promised_date", *MEASURES)))


def derived(row, tolerance=None) -> dict:
    """Return the columns of clean, by their definitions."""
    minutes = referee.minutes(row)
    transit, delay = referee.transit(row), referee.delay(row)
    weight, volume = row["shipment_weight_kg"], row["shipment_volume_m3"]
    distance, cost = row["route_distance_km"], row["shipping_cost"]
    by_volume = None if volume is None else (volume * Decimal("166.667")).quantize(Decimal("0.001"), ROUND_HALF_UP)
    return {
        "transit_days": transit,
        "delay_class": None
        if delay is None
        else "early"
        if delay < 0
        else ("on_time", "late_1", "late_2plus")[min(delay, 2)],
        "chargeable_weight_kg": None if weight is None or by_volume is None else max(weight, by_volume),
        "cost_per_kg": None if cost is None or weight is None else float(cost) / float(weight),
        "cost_per_km": None if cost is None or distance is None else float(cost) / float(distance),
        "delay_minutes": minutes,
        "on_time": None if delay is None else delay <= 0 if tolerance is None or minutes is None else minutes <= tolerance,
    }


@given(rows=shipments)
def test_every_derived_column_is_what_its_definition_says(spark, rows):
    made = with_derived(frame(spark, rows))
    assert types_of(made) == {
        **{name: SCHEMA[name].dataType.simpleString() for name in CONTENT},
        "source_row": "bigint",
        **DERIVED,
    }
    assert rows_of(made) == [{**row, **derived(row)} for row in rows]


@given(rows=shipments, tolerance=st.sampled_from((None, 0, 30, 1440)))
def test_minutes_decide_what_is_on_time_if_they_are_known_and_there_is_a_tolerance(spark, rows, tolerance):
    made = with_derived(frame(spark, rows), replace(Network.default(), on_time_tolerance_minutes=tolerance))
    assert rows_of(made) == [{**row, **derived(row, tolerance)} for row in rows]


@pytest.mark.parametrize(
    ("promised", "delivered", "minutes", "on_time"),
    [
        ("14:00:00", "14:30:59", 30, True),
        ("14:00:00", "14:31:00", 31, False),
        ("14:00:30", "14:00:00", -1, True),
        ("14:00:00", "09:15:00", -285, True),
        ("00:00:00", "23:59:59", 1439, False),
        (None, "23:59:59", None, True),
        ("00:00:00", None, None, True),
    ],
)
def test_more_minutes_than_the_tolerance_are_late_even_on_the_promised_day(spark, promised, delivered, minutes, on_time):
    day = SOUND["promised_date"]
    at = {
        name: text and datetime.combine(day, time.fromisoformat(text))
        for name, text in (("promised_at", promised), ("delivered_at", delivered))
    }
    row = {**SOUND, "delivery_date": day, "delay_days": 0, "delivery_status": "Delivered", **at}
    (found,) = rows_of(clean(frame(spark, numbered([row])), replace(Network.default(), on_time_tolerance_minutes=30)))
    assert (found["delay_minutes"], found["on_time"], found["delay_class"]) == (minutes, on_time, "on_time")


def test_a_delivery_after_midnight_can_be_within_the_tolerance(spark):
    """By days it is late, and delay_class says so; on_time is decided separately."""
    at = {"promised_at": datetime(2026, 11, 26, 23, 50), "delivered_at": datetime(2026, 11, 27, 0, 10)}
    made = frame(spark, numbered([{**SOUND, **at}]))
    for tolerance, on_time in ((None, False), (19, False), (20, True)):
        (found,) = rows_of(clean(made, replace(Network.default(), on_time_tolerance_minutes=tolerance)))
        assert (found["delay_days"], found["delivery_status"], found["delay_minutes"]) == (1, "Delayed", 20)
        assert found["on_time"] is on_time


@given(volumes=st.lists(decimals("0.001", "999999999.999", 3), min_size=1, max_size=200))
def test_chargeable_weight_rounds_halves_up(spark, volumes):
    rows = numbered({**SOUND, "shipment_weight_kg": Decimal("0.001"), "shipment_volume_m3": volume} for volume in volumes)
    made = [row["chargeable_weight_kg"] for row in rows_of(with_derived(frame(spark, rows)))]
    assert made == [derived(row)["chargeable_weight_kg"] for row in rows]


@given(rows=shipments)
def test_the_newest_report_is_kept_and_the_first_of_duplicates(spark, rows):
    """Each is reported twice, and so has at least one duplicate."""
    rows = numbered(each for row in rows for each in (row, row))
    newest = {}
    for row in rows:
        before = newest.get(row["shipment_id"])
        if before is None or any(row[name] != before[name] for name in CONTENT):
            newest[row["shipment_id"]] = row
    kept = rows_of(clean(frame(spark, rows[::-1]).repartition(3)))
    assert kept == [{**row, **derived(row)} for row in rows if row in newest.values()]


def test_a_newer_reported_at_beats_a_later_row(spark):
    moments = [datetime(2026, 11, 28), datetime(2026, 11, 27), datetime(2026, 11, 26, 12)]
    rows = numbered({**SOUND, "reported_at": each} for each in moments)
    assert [row["source_row"] for row in rows_of(clean(frame(spark, rows)))] == [1]


@pytest.mark.parametrize(("hour", "kept"), [(-36, 2), (36, 1)])
def test_a_report_without_reported_at_counts_as_of_its_batch_date(spark, hour, kept):
    reported = datetime.combine(DAY, time()) + timedelta(hours=hour)
    rows = numbered([{**SOUND, "batch_date": DAY, "reported_at": reported}, {**SOUND, "batch_date": DAY}])
    assert [row["source_row"] for row in rows_of(clean(frame(spark, rows, LINEAGE)))] == [kept]


def test_columns_that_follow_from_the_dates_may_be_missing(spark):
    bare = {**SOUND, "delay_days": None, "delivery_status": None, "outcome": None}
    early = {**bare, "shipment_id": "b", "delivery_date": bare["promised_date"]}
    late, on_time = rows_of(clean(frame(spark, numbered([bare, early]))))
    assert (late["delay_days"], late["delivery_status"], late["delay_class"]) == (1, "Delayed", "late_1")
    assert (on_time["delay_days"], on_time["delivery_status"], on_time["delay_class"]) == (0, "Delivered", "on_time")


@pytest.mark.parametrize(
    ("told", "status", "outcome"),
    [
        ({}, "In transit", None),
        ({"outcome": "lost"}, "Lost", "lost"),
        ({"delivery_status": "Cancelled"}, "Cancelled", "cancelled"),
        ({"outcome": "returned", "delivery_date": SOUND["delivery_date"]}, "Returned", "returned"),
    ],
)
def test_undelivered_shipments_have_neither_delay_nor_transit_days(spark, told, status, outcome):
    row = {**SOUND, "delivery_date": None, "delay_days": None, "delivery_status": None, "outcome": None, **told}
    (found,) = rows_of(clean(frame(spark, numbered([row]))))
    assert (found["delivery_status"], found["outcome"]) == (status, outcome)
    assert (found["delay_days"], found["delay_class"], found["transit_days"]) == (None, None, None)
    assert (found["delay_minutes"], found["on_time"]) == (None, None)


def test_a_delivery_without_promise_has_no_delay(spark):
    row = {**SOUND, "promised_date": None, "delay_days": None, "delivery_status": None, "outcome": None}
    (found,) = rows_of(clean(frame(spark, numbered([row]))))
    assert (found["delivery_status"], found["outcome"], found["transit_days"]) == ("Delivered", "delivered", 4)
    assert (found["delay_days"], found["delay_class"]) == (None, None)


def test_a_frame_without_optional_columns_is_cleaned_as_well(spark):
    made = clean(frame(spark, numbered([SOUND])).drop("outcome", "reported_at", "promised_at", "delivered_at"))
    assert made.columns == [*CONTENT, "source_row", *DERIVED]
    assert rows_of(made)[0]["outcome"] == "delivered"


def test_the_lineage_is_kept_and_other_columns_are_not(spark):
    rows = numbered(
        [{**SOUND, "source": "shipments", "source_file": "a.csv", "note": "x", "batch_date": SOUND["shipment_date"]}]
    )
    made = clean(frame(spark, rows, LINEAGE))
    assert made.columns == [*CONTENT, "source", "batch_date", "source_file", "source_row", *DERIVED]
    assert rows_of(made)[0]["source_file"] == "a.csv"


def test_no_ratio_is_infinite_or_not_a_number(spark):
    rows = numbered([{**SOUND, "shipping_cost": Decimal(0)}, {**SOUND, "shipment_id": "b", "shipping_cost": None}])
    free, unknown = rows_of(clean(frame(spark, rows)))
    assert (free["cost_per_kg"], free["cost_per_km"]) == (0.0, 0.0)
    assert (unknown["cost_per_kg"], unknown["cost_per_km"]) == (None, None)
    assert not any(isnan(value) for value in free.values() if isinstance(value, float))


@pytest.mark.parametrize("rows", [[], [SOUND]])
def test_few_shipments_are_cleaned_like_many(spark, rows):
    made = clean(frame(spark, numbered(rows)))
    assert made.columns == [*CONTENT, "source_row", *DERIVED]
    assert made.agg(F.count(F.lit(1)).alias("rows")).collect()[0].rows == len(rows)
