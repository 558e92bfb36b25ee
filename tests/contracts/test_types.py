"""Frames of users: with columns of any type and name, split separates good and bad rows, or says what to change."""

import datetime as dt
import subprocess
import sys
import warnings
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from math import inf, nan
from typing import Any

import pyspark.sql.types as T
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from shipment_etl import clean, contract, lane_days, marts, split
from shipment_etl.contracts.split import UNPARSED
from shipment_etl.contracts.types import CASTS
from shipment_etl.engines.java import find_java
from shipment_etl.errors import ColumnClash, JavaMissing, MissingColumns, WrongTypes
from shipment_etl.network import Network
from tests.frames import ANY, CONTENT, IDS, SCHEMA, SOUND, Row, frame, numbered, rows_of, settled, types_of

DECIMALS = (T.DecimalType(12, 3), T.DecimalType(10, 0), T.DecimalType(38, 18), T.DecimalType(38, 0), T.DecimalType(3, 3))
SMALL = (0, 1, 1, 1, 2, 7, -1, 127)

VALUES: Mapping[T.DataType, st.SearchStrategy[Any]] = {
    T.StringType(): st.sampled_from(("UPS", "NaN", "2026-11-23", "12.5", "")),
    T.BooleanType(): st.booleans(),
    T.ByteType(): st.sampled_from((*SMALL, -128)),
    T.ShortType(): st.sampled_from((*SMALL, 2**15 - 1)),
    T.IntegerType(): st.sampled_from((*SMALL, 2**31 - 1, -(2**31))),
    T.LongType(): st.sampled_from((*SMALL, 2**31, 2**63 - 1, -(2**63))),
    T.FloatType(): st.sampled_from((0.0, -0.0, 0.5, 12.5, 12.5, 36.125, nan, inf, -inf, 3e38, 1e-45)),
    T.DoubleType(): st.sampled_from(
        (0.0, -0.0, 0.0005, 12.5, 12.5, 36.12, nan, inf, -inf, 1e308, 5e-324, -1e-9, 40075.0171)
    ),
    T.DateType(): st.sampled_from((dt.date(2026, 11, 23), dt.date(1, 1, 1), dt.date(9999, 12, 31))),
    T.TimestampType(): st.just(dt.datetime(2026, 11, 23, 23, 30)),
    T.TimestampNTZType(): st.just(dt.datetime(2026, 11, 23, 23, 30)),
    T.BinaryType(): st.binary(max_size=3),
    T.ArrayType(T.IntegerType()): st.lists(st.integers(0, 3), max_size=2),
    T.MapType(T.StringType(), T.StringType()): st.dictionaries(st.sampled_from("ab"), st.sampled_from("cd"), max_size=2),
    T.StructType([T.StructField("x", T.IntegerType())]): st.tuples(st.integers(0, 3)),
    **{kind: st.sampled_from(("0", "1", "0.5", "12.5", "12.005", "-1")).map(Decimal) for kind in DECIMALS[:1]},
    DECIMALS[1]: st.sampled_from((0, 1, 12, 9_999_999_999, -1)).map(Decimal),
    DECIMALS[2]: st.sampled_from(("0.0004999", "0.0005", "12.5", "99999999999999999999.5", "-1")).map(Decimal),
    DECIMALS[3]: st.sampled_from((0, 1, 12, 10**37, -1)).map(Decimal),
    DECIMALS[4]: st.sampled_from(("0.001", "0.999", "-0.001")).map(Decimal),
}
"""Spark type → values, including odd ones."""

ODD_NAMES = ("a.b", "`", "note", " ", "é", "id_hash", "next_row", "is_tied", "moment", "rows", "transit_days", "month")
MAY_BE_NULL = (
    *("delivery_date", "delay_days", "delivery_status", "outcome"),
    *("reported_at", "promised_at", "delivered_at"),
)
CLASHES = ("reasons", "REASONS", "Carrier", "unparsed", "Unparsed", "SOURCE_ROW")


@st.composite
def frames(draw: st.DrawFn, *, any_types: bool = False) -> tuple[T.StructType, list[Row]]:
    """Draw the schema and rows of a frame whose columns have other types than in the contract."""
    others = draw(st.lists(st.sampled_from(CONTENT), unique=True, max_size=6))
    kinds = {field.name: field.dataType for field in SCHEMA}
    for name in others:
        castable = [kind for kind in VALUES if isinstance(kind, CASTS.get(type(kinds[name]), ()))]
        if any_types or castable:
            kinds[name] = draw(st.sampled_from(list(VALUES) if any_types else castable))
    kinds["source_row"] = draw(st.sampled_from((T.LongType(), T.IntegerType(), T.ShortType())))
    more = draw(st.lists(st.sampled_from((*ODD_NAMES, *CLASHES) if any_types else ODD_NAMES), unique=True, max_size=3))
    values = {
        name: st.none() | VALUES[kinds[name]] if kinds[name] != SCHEMA[name].dataType else st.just(SOUND[name])
        for name in CONTENT
    }
    if "shipment_id" not in others:
        values["shipment_id"] = st.sampled_from(IDS[:8])
    if (odd := draw(st.sampled_from(CONTENT))) not in others:
        values[odd] = st.sampled_from(ANY[odd])
    rows = draw(st.lists(st.fixed_dictionaries(values), min_size=1, max_size=20))
    schema = T.StructType(
        [
            *(T.StructField(name, kind) for name, kind in kinds.items()),
            *(T.StructField(name, T.StringType()) for name in more),
        ]
    )
    return schema, numbered({**row, **dict.fromkeys(more, "x")} for row in rows)


def check_all_steps(spark: SparkSession, schema: T.StructType, rows: list[Row]) -> None:
    """Run split, clean, lane_days and marts on a user's frame, and compare each step with the one before."""
    given_rows = frame(spark, rows, schema)
    good, bad = split(given_rows, contract(Network.open()))
    assert types_of(good) == {**types_of(given_rows), **{field.name: field.dataType.simpleString() for field in SCHEMA}}
    good_rows, bad_rows = rows_of(good), rows_of(bad)
    assert sorted(row["source_row"] for row in (*good_rows, *bad_rows)) == [row["source_row"] for row in rows]
    assert all(row["reasons"] for row in bad_rows)
    for row in good_rows:
        assert all(row[name] is not None for name in CONTENT if name not in MAY_BE_NULL)
    assert all(row[name] == "x" for row in (*good_rows, *bad_rows) for name in schema.names if name not in SCHEMA.names)
    # Written and read back, as users do between steps: engines take long to plan all steps together.
    cleaned = settled(spark, clean(settled(spark, good)))
    kept = [row for row in rows_of(cleaned) if row["outcome"] != "cancelled"]
    days = settled(spark, lane_days(cleaned))
    summed = rows_of(days)
    assert sum(row["shipments"] for row in summed) == len(kept)
    assert sum(row["cost"] for row in summed) == sum(row["shipping_cost"] for row in kept)
    assert sum(row["distance_km"] for row in summed) == sum(row["route_distance_km"] for row in kept)
    for name, mart in marts(days).items():
        made = rows_of(mart)
        counted = [row for row in kept if row["outcome"] is None] if name == "open_shipments" else kept
        assert bool(made) == bool(counted), name
        assert sum(row["shipments"] for row in made) == len(counted), name


def check_all_steps_or_refusal(spark: SparkSession, schema: T.StructType, rows: list[Row]) -> None:
    with suppress(ColumnClash, WrongTypes):
        check_all_steps(spark, schema, rows)


@settings(max_examples=6)
@given(drawn=frames())
def test_numbers_of_any_type_pass_through_all_steps(spark, drawn):
    check_all_steps(spark, *drawn)


@settings(max_examples=15)
@given(drawn=frames(any_types=True))
def test_a_frame_of_any_types_passes_through_all_steps_or_is_refused_with_a_fix(spark, drawn):
    check_all_steps_or_refusal(spark, *drawn)


@pytest.mark.parametrize("kind", [T.DoubleType(), T.FloatType()])
def test_a_number_that_is_not_finite_is_quarantined_with_its_value(spark, kind):
    schema = T.StructType(
        [*(field for field in SCHEMA if field.name != "shipping_cost"), T.StructField("shipping_cost", kind)]
    )
    rows = numbered(
        {**SOUND, "shipment_id": f"{cost}", "shipping_cost": cost} for cost in (36.125, nan, inf, -inf, 1e13, None)
    )
    good, bad = split(frame(spark, rows, schema))
    assert [row["shipping_cost"] for row in rows_of(good)] == [Decimal("36.13")]
    found = [[(each.rule, each.message) for each in row["reasons"]] for row in rows_of(bad)]
    assert [reasons[0][0] for reasons in found] == ["type"] * 4 + ["required"]
    assert [len(reasons) for reasons in found] == [1] * 5
    assert found[0][0][1] == "shipping_cost is NaN, must be decimal(14,2)"
    assert lane_days(clean(good)).collect()[0]["cost"] == Decimal("36.13")


def test_texts_in_place_of_dates_are_refused_with_a_fix(spark):
    made = frame(spark, numbered([SOUND])).withColumn("promised_date", F.lit("26.11.2026"))
    with pytest.raises(
        WrongTypes, match=r"promised_date is string, must be date\. Cast these columns, for example with F\.to_date"
    ):
        split(made)


def test_a_measure_without_a_type_is_unknown(spark):
    made = frame(spark, numbered([SOUND])).withColumn("shipping_cost", F.lit(None))
    good, bad = split(made, contract(unknown=["shipping_cost"]))
    assert types_of(good)["shipping_cost"] == "decimal(14,2)"
    assert ([row["shipping_cost"] for row in rows_of(good)], rows_of(bad)) == ([None], [])


def test_a_row_without_its_number_is_bad(spark):
    good, bad = split(frame(spark, [{**SOUND, "source_row": None}, {**SOUND, "source_row": 2, "shipping_cost": Decimal(1)}]))
    assert [row["source_row"] for row in rows_of(good)] == [2]
    assert [each.message for each in bad.collect()[0]["reasons"]] == ["source_row is missing"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("reasons", "split adds a column of this name"),
        ("Reasons", "split adds a column of this name"),
        ("CARRIER", "Spark cannot tell apart names that differ only in case"),
        ("unparsed", "as the problems found by conform"),
        ("UNPARSED", "as the problems found by conform"),
    ],
)
def test_a_column_whose_name_clashes_is_refused(spark, name, why):
    schema = T.StructType([*SCHEMA, T.StructField(name, T.StringType())])
    with pytest.raises(ColumnClash, match=why) as caught:
        split(frame(spark, numbered([SOUND]), schema))
    assert name in caught.value.parts["columns"]


def test_two_columns_with_the_same_name_are_refused(spark):
    made = frame(spark, numbered([SOUND]))
    with pytest.raises(ColumnClash, match="The columns carrier, carrier of the frame clash"):
        split(made.select("*", "carrier"))


def test_a_frame_without_a_shipment_column_is_refused_even_if_the_contract_does_not_name_it(spark):
    with pytest.raises(MissingColumns, match="needs the columns promised_date"):
        split(
            frame(spark, numbered([SOUND])).drop("promised_date"), contract(Network.open()).remove_columns(["promised_date"])
        )


def test_problems_that_are_null_count_as_none(spark):
    reason = T.StructType([T.StructField(name, T.StringType()) for name in ("rule", "column", "message")])
    schema = T.StructType([*SCHEMA, T.StructField(UNPARSED, T.ArrayType(reason))])
    good, bad = split(frame(spark, numbered([SOUND]), schema))
    assert (len(rows_of(good)), rows_of(bad)) == (1, [])


@pytest.mark.rehearsal
@pytest.mark.timeout(900)
def test_classic_spark_gives_the_same_verdicts():
    """In a separate process, because a process has one engine; also with ANSI on, where a failed cast is an error."""
    try:
        find_java()
    except JavaMissing as missing:
        warnings.warn(f"CLASSIC SPARK IS NOT TESTED HERE. {missing}", pytest.PytestWarning, stacklevel=1)
        pytest.skip(f"CLASSIC SPARK IS NOT TESTED HERE. {missing}")
    ended = subprocess.run([sys.executable, "-m", __name__], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]


def _on_classic_spark() -> None:
    from shipment_etl import session

    spark = session("spark")
    kinds = {
        "shipment_id": T.LongType(),
        "shipment_weight_kg": T.DoubleType(),
        "shipment_volume_m3": T.FloatType(),
        "route_distance_km": T.DecimalType(38, 18),
        "shipping_cost": T.DoubleType(),
        "delay_days": T.LongType(),
    }
    schema = T.StructType([T.StructField(field.name, kinds.get(field.name, field.dataType)) for field in SCHEMA])
    schema.add("a.b", T.StringType())
    sound = {**SOUND, "shipment_weight_kg": 12.5, "shipment_volume_m3": 0.5, "shipping_cost": 36.125, "a.b": "x"}
    odd = [{"shipping_cost": nan}, {"shipment_weight_kg": inf}, {"shipment_volume_m3": 3e38}, {"delay_days": 2**40}]
    odd += [{"route_distance_km": Decimal("9" * 20)}, {"shipping_cost": None}, {}, {}]
    rows = numbered({**sound, "shipment_id": place, **each} for place, each in enumerate(odd))
    for ansi in ("false", "true"):
        spark.conf.set("spark.sql.ansi.enabled", ansi)
        check_all_steps(spark, schema, rows)
        test_a_number_that_is_not_finite_is_quarantined_with_its_value(spark, T.DoubleType())


if __name__ == "__main__":
    _on_classic_spark()
