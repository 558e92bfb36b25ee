"""streams: a row depends on seed, date and its number, not on the number of rows or on other arguments."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import functions as F

from shipment_etl.generator.shipments import TRUTH, generate
from shipment_etl.generator.streams import draw_below, slot, stream_key
from tests.frames import rows_of
from tests.generator.twin import hashed

GIVEN = {"date": "2026-11-23", "rows": 300, "seed": 7}
longs = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(longs, min_size=1, max_size=50), st.one_of(longs, st.integers(-5, 5)), st.integers(1, 62))
def test_a_slot_is_the_upper_bits_of_a_hash_of_two_longs(spark, numbers, key, bits):
    rows = spark.createDataFrame([(number,) for number in numbers], "row long")
    drawn = rows.select(slot(F.col("row"), key, bits).alias("slot")).collect()
    assert [row.slot for row in drawn] == [hashed(number, key) % 2**62 >> 62 - bits for number in numbers]


@given(longs, st.integers(1, 2**31))
def test_values_below_a_limit_are_from_0_to_limit_minus_1(spark, key, limit):
    drawn = spark.range(500).select(draw_below(F.col("id"), key, limit).alias("drawn"))
    least, most = drawn.agg(F.min("drawn").alias("least"), F.max("drawn").alias("most")).collect()[0]
    assert 0 <= least <= most < limit


def test_all_values_below_a_limit_are_about_equally_frequent(spark):
    drawn = spark.range(60_000).select(draw_below(F.col("id"), stream_key(1, date(2026, 11, 23), "dice"), 6).alias("eyes"))
    counts = {row.eyes: row.rows for row in drawn.groupBy("eyes").agg(F.count(F.lit(1)).alias("rows")).collect()}
    assert sorted(counts) == [0, 1, 2, 3, 4, 5]
    assert all(9_600 < rows < 10_400 for rows in counts.values())


def test_streams_differ_by_seed_date_and_name():
    days = [date(2026, 11, 23), date(2026, 11, 24)]
    keys = {stream_key(seed, day, name) for seed in (0, 1, -1, 10) for day in days for name in ("a", "b", "ab", "")}
    assert len(keys) == 4 * 2 * 4
    assert all(-(2**63) <= key < 2**63 for key in keys)


@pytest.mark.parametrize("defects", [0.0, 0.3])
def test_a_row_does_not_depend_on_the_number_of_rows(spark, defects):
    many = rows_of(generate(spark, **GIVEN, defects=defects, truth=True))
    for rows in (1, 2, 117):
        few = rows_of(generate(spark, **{**GIVEN, "rows": rows}, defects=defects, truth=True))
        assert few == many[:rows]


@pytest.mark.parametrize("defects", [0.02, 0.3, 0.9])
def test_defects_change_no_other_row(spark, defects):
    plain = rows_of(generate(spark, **GIVEN, truth=True))
    spoilt = rows_of(generate(spark, **GIVEN, defects=defects, truth=True))
    left_alone = [number for number, row in enumerate(spoilt) if row["defect"] is None]
    assert 0 < len(left_alone) < len(plain)
    assert [spoilt[number] for number in left_alone] == [plain[number] for number in left_alone]


def test_more_defects_affect_the_same_rows_and_more(spark):
    few, many = (
        {row["source_row"] for row in rows_of(generate(spark, **GIVEN, defects=share, truth=True)) if row["defect"]}
        for share in (0.1, 0.4)
    )
    assert few < many


def test_the_truth_only_adds_columns(spark):
    with_truth = rows_of(generate(spark, **GIVEN, defects=0.3, truth=True))
    without = rows_of(generate(spark, **GIVEN, defects=0.3))
    assert without == [{name: row[name] for name in row if name not in TRUTH} for row in with_truth]


@pytest.mark.parametrize("other", [{"seed": 8}, {"seed": 0}, {"seed": -7}, {"date": "2026-11-30"}])
def test_another_seed_or_date_makes_other_rows(spark, other):
    drawn = ("origin_warehouse", "destination_city", "carrier", "shipment_weight_kg", "shipping_cost")
    one = [tuple(row[name] for name in drawn) for row in rows_of(generate(spark, **GIVEN))]
    two = [tuple(row[name] for name in drawn) for row in rows_of(generate(spark, **{**GIVEN, **other}))]
    assert len(set(one) & set(two)) == 0


def test_the_same_arguments_make_the_same_rows(spark):
    assert rows_of(generate(spark, **GIVEN)) == rows_of(generate(spark, **GIVEN))
