"""lane_days: exact sums, checked with the shipments themselves; a ledger, to which shipments are added and subtracted."""

import random
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from shipment_etl.transform.clean import with_derived
from shipment_etl.transform.lane_days import KEYS, SUMS, lane_days, lane_months, net_days
from tests.frames import DAY, MEASURES, SCHEMA, SOUND, frame, numbered, rows_like, sound_shipments, types_of
from tests.transform import referee

BATCH = T.StructType([*SCHEMA, T.StructField("source", T.StringType()), T.StructField("batch_date", T.DateType())])
TYPES = {
    "shipment_date": "date",
    "origin_warehouse": "string",
    "destination_city": "string",
    "carrier": "string",
    "state": "string",
    "delay_days": "int",
    "due_date": "date",
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

batches = st.fixed_dictionaries(
    {"source": st.sampled_from(("a", "b")), "batch_date": st.sampled_from((DAY, date(2026, 12, 1)))}
)
shipments = rows_like(
    st.builds(
        lambda row, batch: row | batch, sound_shipments(unknown=("promised_date", *MEASURES), credit_notes=True), batches
    )
)


OVERTAKING = {"source": "b", "batch_date": date(2026, 12, 2)}


def negated(days: DataFrame) -> DataFrame:
    """Return a roll-up as it subtracts shipments."""
    return days.select(*(name for name in days.columns if name not in SUMS), *(signed(name) for name in SUMS))


def signed(name: str) -> Column:
    return (F.col(name) * -1).cast(SUMS[name]).alias(name)


def by_key(made) -> dict:
    """Return the rows of a roll-up as key → sums."""
    keys = len(made.columns) - len(SUMS)
    rows = [tuple(row) for row in made.collect()]
    found = {row[:keys]: row[keys:] for row in rows}
    assert len(found) == len(rows)
    return found


def merged(*rollups: dict) -> dict:
    """Add up roll-ups, sum by sum."""
    every = defaultdict(lambda: [0] * len(SUMS))
    for rollup in rollups:
        for key, sums in rollup.items():
            every[key] = [one + other for one, other in zip(every[key], sums, strict=True)]
    return {key: tuple(sums) for key, sums in every.items()}


@given(rows=shipments)
def test_every_sum_is_that_of_the_shipments(spark, rows):
    assert by_key(lane_days(with_derived(frame(spark, rows)))) == referee.lane_days(rows)


@given(rows=shipments)
def test_batches_are_kept_apart(spark, rows):
    found = by_key(lane_days(with_derived(frame(spark, rows, BATCH))))
    assert found == referee.lane_days(rows, "source", "batch_date")


@given(one=shipments, other=shipments)
def test_the_roll_up_of_all_is_the_sum_of_the_roll_ups(spark, one, other):
    both = with_derived(frame(spark, numbered([*one, *other]), BATCH))
    parts = (by_key(lane_days(with_derived(frame(spark, rows, BATCH)))) for rows in (one, other))
    assert by_key(lane_days(both)) == merged(*parts)


@given(rows=shipments)
def test_months_are_the_sums_of_their_days_over_all_batches(spark, rows):
    days = lane_days(with_derived(frame(spark, rows, BATCH)))
    by_month = [{(f"{day:%Y-%m}", *lane): sums} for (_, _, day, *lane), sums in by_key(days).items()]
    assert by_key(lane_months(days)) == merged(*by_month)


@given(rows=shipments)
def test_days_are_net_of_batches_and_sources(spark, rows):
    days = lane_days(with_derived(frame(spark, rows, BATCH)))
    assert by_key(net_days(days)) == referee.lane_days(rows)


@given(rows=shipments, chosen=st.randoms(use_true_random=False))
def test_subtracting_shipments_leaves_the_roll_up_of_the_rest(spark, rows, chosen: random.Random):
    """Another batch subtracts them, as when its reports overtake those of others."""
    overtaken = [row for row in rows if chosen.random() < 0.5]
    rest = [row for row in rows if row not in overtaken]
    off = negated(lane_days(with_derived(frame(spark, [{**row, **OVERTAKING} for row in overtaken], BATCH))))
    ledger = lane_days(with_derived(frame(spark, rows, BATCH))).unionByName(off)
    assert by_key(net_days(ledger)) == referee.lane_days(rest)
    by_month = [{(f"{day:%Y-%m}", *lane): sums} for (day, *lane), sums in referee.lane_days(rest).items()]
    assert by_key(lane_months(ledger)) == merged(*by_month)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_measure_that_is_unknown_after_subtraction_is_0(spark, measure):
    rows = numbered([SOUND, {**SOUND, measure: None}])
    off = negated(lane_days(with_derived(frame(spark, rows[:1]))))
    assert by_key(net_days(lane_days(with_derived(frame(spark, rows))).unionByName(off))) == referee.lane_days(rows[1:])


def test_shipments_of_an_earlier_release_are_on_time_by_their_days(spark):
    days = [SOUND["promised_date"] + timedelta(days=late) for late in (-1, 0, 1)]
    rows = numbered({**SOUND, "delivery_date": day, "delay_days": (day - SOUND["promised_date"]).days} for day in days)
    old = with_derived(frame(spark, rows)).withColumn("on_time", F.lit(None).cast("boolean"))
    assert by_key(lane_days(old)) == by_key(lane_days(with_derived(frame(spark, rows)))) == referee.lane_days(rows)


def test_net_days_keep_their_as_of(spark):
    days = lane_days(with_derived(frame(spark, numbered([SOUND]), BATCH))).withColumn("as_of", F.lit(DAY))
    assert [row["as_of"] for row in net_days(days).collect()] == [DAY]
    assert net_days(days).columns == ["shipment_date", "as_of", *KEYS, *SUMS]


def test_the_columns_are_those_that_are_declared(spark):
    made = with_derived(frame(spark, numbered([SOUND]), BATCH))
    assert types_of(lane_days(made)) == {"source": "string", "batch_date": "date", **TYPES}
    assert types_of(lane_days(made.drop("source"))) == {"batch_date": "date", **TYPES}
    assert types_of(lane_days(made.drop("source", "batch_date"))) == TYPES
    sums = {name: kind for name, kind in TYPES.items() if name != "shipment_date"}
    assert types_of(lane_months(lane_days(made))) == {"month": "string", **sums}
    assert types_of(net_days(lane_days(made))) == TYPES
    assert [*KEYS, *SUMS] == list(sums)


def test_the_largest_values_do_not_overflow(spark):
    largest = {
        "shipment_weight_kg": Decimal("999999999.999"),
        "shipment_volume_m3": Decimal("599000000.000"),
        "route_distance_km": Decimal("40075.017"),
        "shipping_cost": Decimal("999999999999.99"),
    }
    rows = numbered([{**SOUND, **largest}] * 50)
    days = lane_days(with_derived(frame(spark, rows)))
    assert by_key(days) == referee.lane_days(rows)
    assert list(by_key(lane_months(days)).values()) == list(referee.lane_days(rows).values())


def test_no_shipments_roll_up_to_no_rows(spark):
    days = lane_days(with_derived(frame(spark, [])))
    assert by_key(days) == {}
    assert by_key(lane_months(days)) == by_key(net_days(days)) == {}
