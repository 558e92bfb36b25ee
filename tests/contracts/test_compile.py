"""compile: the rules compared with pandera's own validator, which is the reference for what a contract means.

For the contract of a shipment, with any network and any unknown measures, both give the same verdict on every row. In both,
nulls break no check except `required`, and a pattern is anchored at its start. They differ in these points, tested below:

- pandera reports that a rule is broken somewhere in a frame; the compiled rules report which rows break it.
- pandera also checks the types of columns (and if a type is wrong, it does not look at the values). Rules check values only:
  a wrong type is a problem of the frame, and quarantining every row would not help.
- Uniqueness of columns is a check of the frame, too. `clean` decides which of several rows with the same id is kept; the
  compiler ignores `unique`.
- A check with `raise_warning` only warns in pandera. So its rule has the severity `warn`, and rejects no row.
- pandera runs checks that the compiler does not support; the compiler refuses them, so that no row passes unchecked.
- A missing column is one more error in pandera's report; here `split` raises MissingColumns before any row is read.
- pandera checks for nulls only if the frame declares a column as nullable; the compiled rule always checks. The verdicts are
  the same, because the engine never wrongly declares a column as not nullable.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyspark.sql.types as T
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandera.errors import SchemaWarning
from pandera.pyspark import Check, Column, DataFrameSchema
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from shipment_etl.contracts.columns import MEASURES
from shipment_etl.contracts.compile import CHECKS, is_sound, reasons, rules
from shipment_etl.contracts.models import contract
from shipment_etl.contracts.reasons import REASONS_TYPE
from shipment_etl.errors import UnsupportedCheck
from shipment_etl.network import Carrier, City, Network, Warehouse
from tests.frames import SCHEMA, SOUND, Row, any_shipments, frame, numbered, rows_like, rows_of

Verdict = set[tuple[str, str]]

ODD_NETWORK = Network((Warehouse("é"), Warehouse("NY_Warehouse")), (), (Carrier("UPS "), Carrier("'"), Carrier('"')))
networks = st.sampled_from((Network.default(), Network.open(), ODD_NETWORK, Network(cities=(City("Chicago"),))))
unknowns = st.sets(st.sampled_from(MEASURES)).map(sorted)


class Referee:
    """pandera's verdict on a row, checked part by part, and cached by value."""

    def __init__(self, spark: SparkSession) -> None:
        self.spark = spark
        self.known: dict[Any, Verdict] = {}

    def verdict(self, schema: DataFrameSchema, row: Row, types: T.StructType = SCHEMA) -> Verdict:
        found: Verdict = set()
        for name, column in schema.columns.items():
            found |= self.ask(DataFrameSchema({name: column}), row, [types[name]])
        times = [types[name] for name in types.names if name.endswith(("_date", "_days", "_status", "outcome", "ed_at"))]
        return found | self.ask(DataFrameSchema(checks=schema.checks), row, times) if schema.checks else found

    def ask(self, schema: DataFrameSchema, row: Row, fields: list[T.StructField]) -> Verdict:
        columns = schema.columns.values()
        checks = [*schema.checks, *(check for column in columns for check in column.checks)]
        asked = str([*((check.name, check.statistics) for check in checks), *(column.nullable for column in columns)])
        key = (asked, *((field.name, row[field.name]) for field in fields))
        if key not in self.known:
            one = frame(self.spark, [row], T.StructType(fields))
            self.known[key] = set(find_errors(schema, one))
        return self.known[key]


@pytest.fixture(scope="module")
def referee(spark) -> Referee:
    return Referee(spark)


def find_errors(schema: DataFrameSchema, made: DataFrame) -> Iterator[tuple[str, str]]:
    """Yield (rule, column), with our names, of every error that pandera finds in a frame."""
    row_rules = {check.error: (check.name, check.statistics["column"]) for check in schema.checks}
    for kinds in (schema.validate(made).pandera.errors or {}).values():
        for errors in kinds.values():
            for error in errors:
                name = "required" if error["check"] == "not_nullable" else error["check"].partition("(")[0]
                yield row_rules.get(error["check"], (name, error["column"]))


def find_broken_rules(schema: DataFrameSchema, made: DataFrame) -> list[Verdict]:
    """Return (rule, column) of every reason for each row, by the compiled rules."""
    explained = made.select("source_row", reasons(rules(schema)).alias("reasons"))
    return [{(each.rule, each.column) for each in row["reasons"]} for row in rows_of(explained)]


def one_column(kind: T.DataType, values: Sequence[Any], *checks: Check, nullable: bool = True, **options: Any):
    """Return a contract of one column x, and the rows and types of a frame with these values."""
    schema = DataFrameSchema({"x": Column(kind, checks=list(checks), nullable=nullable, **options)})
    types = T.StructType([T.StructField("x", kind), T.StructField("source_row", T.LongType())])
    return schema, numbered({"x": value} for value in values), types


@settings(max_examples=8)
@given(rows=rows_like(any_shipments(most_wrong=4), most=40), network=networks, unknown=unknowns, credit_notes=st.booleans())
def test_every_row_gets_the_same_verdict_as_from_pandera(spark, referee, rows, network, unknown, credit_notes):
    schema = contract(network, unknown, credit_notes=credit_notes)
    assert find_broken_rules(schema, frame(spark, rows)) == [referee.verdict(schema, row) for row in rows]


@settings(max_examples=4)
@given(rows=rows_like(any_shipments(most_wrong=2)), network=networks, unknown=unknowns)
def test_pandera_finds_the_same_errors_in_a_whole_frame(spark, rows, network, unknown):
    schema = contract(network, unknown)
    made = frame(spark, rows)
    assert set(find_errors(schema, made)) == set().union(*find_broken_rules(schema, made))


TEXTS = ("a", "b", "ab", "xa", "", "A", None)
NUMBERS = (-1, 0, 1, 4, 5, 6, None)
AMOUNTS = (*map(Decimal, ("-0.001", "0", "0.001", "5", "5.001")), None)
DAYS = (date(1999, 12, 31), date(2000, 1, 1), date(2000, 1, 2), date(9999, 12, 31), None)
KNOWN = (
    (T.StringType(), TEXTS, Check.equal_to("a")),
    (T.BooleanType(), (True, False, None), Check.equal_to(True)),
    (T.IntegerType(), NUMBERS, Check.not_equal_to(0)),
    (T.DecimalType(8, 3), AMOUNTS, Check.greater_than(0)),
    (T.DateType(), DAYS, Check.greater_than_or_equal_to(date(2000, 1, 1))),
    (T.IntegerType(), NUMBERS, Check.less_than(5)),
    (T.DecimalType(8, 3), AMOUNTS, Check.less_than_or_equal_to(Decimal(5))),
    (T.DoubleType(), (0.5, float("nan"), float("inf"), None), Check.less_than_or_equal_to(1.0)),
    (T.IntegerType(), NUMBERS, Check.in_range(0, 5)),
    (T.IntegerType(), NUMBERS, Check.in_range(0, 5, include_min=False, include_max=False)),
    (T.DateType(), DAYS, Check.in_range(date(2000, 1, 1), date(2000, 1, 1))),
    (T.StringType(), TEXTS, Check.isin(["a", "b"])),
    (T.StringType(), TEXTS, Check.isin(["a", None])),
    (T.StringType(), TEXTS, Check.notin(["a", "b"])),
    (T.StringType(), TEXTS, Check.notin(["a", None])),
    (T.StringType(), TEXTS, Check.str_matches("a")),
    (T.StringType(), TEXTS, Check.str_matches("^a")),
    (T.StringType(), TEXTS, Check.str_matches("b|a")),
    (T.StringType(), TEXTS, Check.str_matches("a$")),
)


@pytest.mark.parametrize(("kind", "values", "check"), KNOWN, ids=lambda each: each.error if isinstance(each, Check) else "")
def test_every_compiled_check_agrees_with_pandera(spark, referee, kind, values, check):
    schema, rows, types = one_column(kind, values, check, nullable=False)
    expected = [referee.verdict(schema, row, types) for row in rows]
    assert find_broken_rules(schema, frame(spark, rows, types)) == expected
    assert expected[values.index(None)] == {("required", "x")}


def test_every_check_is_tested_above():
    assert {check.name for _, _, check in KNOWN} == set(CHECKS)


def test_pandera_checks_the_type_of_a_column_and_the_rules_only_its_values(spark):
    schema, rows, _ = one_column(T.IntegerType(), [-1, 1], Check.greater_than(0))
    longs = spark.createDataFrame([(row["x"], row["source_row"]) for row in rows], "x long, source_row long")
    assert set(find_errors(schema, longs)) == {("dtype", "x"), ("greater_than", "x")}
    assert set(find_errors(schema, longs.where("x = 1"))) == {("dtype", "x"), ("greater_than", "x")}
    assert find_broken_rules(schema, longs) == [{("greater_than", "x")}, set()]


def test_pandera_checks_whether_rows_are_unique_and_the_rules_do_not(spark):
    _, rows, types = one_column(T.StringType(), ["a", "a"])
    schema = DataFrameSchema({"x": Column(T.StringType())}, unique=["x"])
    made = frame(spark, rows, types)
    assert set(find_errors(schema, made)) == {("unique", None)}
    assert find_broken_rules(schema, made) == [set(), set()]


def test_a_check_that_only_warns_in_pandera_is_a_rule_that_only_warns(spark):
    schema, rows, types = one_column(T.IntegerType(), [1], Check.greater_than(5, raise_warning=True))
    made = frame(spark, rows, types)
    with pytest.warns(SchemaWarning, match=r"failed validation greater_than\(5\)"):
        assert set(find_errors(schema, made)) == set()
    assert [rule.severity for rule in rules(schema)] == ["warn"]


def test_a_missing_column_is_an_error_in_pandera_and_cannot_be_read_by_a_rule(spark):
    schema, rows, types = one_column(T.StringType(), ["a"], Check.equal_to("b"))
    made = frame(spark, rows, types).drop("x")
    assert ("column_in_dataframe", "x") in set(find_errors(schema, made))
    with pytest.raises(PySparkException):
        find_broken_rules(schema, made)


def test_a_column_with_nulls_is_always_nullable(spark):
    sure = T.StructType([T.StructField("x", T.StringType(), nullable=False)])
    with pytest.raises(PySparkException, match=r"nullable|CANNOT_BE_NONE|must not be None"):
        spark.createDataFrame([(None,)], sure).collect()
    unsure = spark.createDataFrame([("a",)], sure).union(spark.createDataFrame([(None,)], "x string"))
    assert unsure.schema["x"].nullable
    schema = DataFrameSchema({"x": Column(T.StringType())})
    assert set(find_errors(schema, unsure)) == {("required", "x")}


@pytest.mark.parametrize("check", [Check.str_length(1, 2), Check.str_contains("a"), Check(lambda _: True)])
def test_a_check_that_cannot_be_compiled_is_refused(check):
    schema, _, _ = one_column(T.StringType(), [], check)
    with pytest.raises(UnsupportedCheck, match=r"on x cannot be compiled\. Use one of: equal_to, not_equal_to"):
        rules(schema)


def test_a_check_of_several_columns_has_to_be_a_row_rule():
    with pytest.raises(UnsupportedCheck, match=r"on several columns cannot be compiled\. Use one of: row_rule"):
        rules(DataFrameSchema({"x": Column(T.StringType())}, checks=[Check(lambda _: True)]))


@settings(max_examples=8)
@given(rows=rows_like(any_shipments()), network=networks, unknown=unknowns)
def test_verdicts_are_never_null_and_sound_rows_have_no_reasons(spark, rows, network, unknown):
    every = rules(contract(network, unknown))
    broken = [rule.broken.alias(f"broken_{number}") for number, rule in enumerate(every)]
    made = frame(spark, rows).select("source_row", *broken, is_sound(every).alias("sound"), reasons(every).alias("reasons"))
    for row in rows_of(made):
        verdicts = [row[f"broken_{number}"] for number in range(len(every))]
        assert None not in verdicts
        assert row["sound"] == (not any(verdicts)) == (not row["reasons"])
        found = [(reason.rule, reason.column) for reason in row["reasons"]]
        assert found == [(rule.name, rule.column) for rule, broken in zip(every, verdicts, strict=True) if broken]
        assert all(0 < len(reason.message) < 200 for reason in row["reasons"])


def test_the_description_of_a_check_ends_its_message(spark):
    schema = DataFrameSchema({"shipping_cost": Column(T.DecimalType(14, 2), Check.ge(0, description="see the mapping"))})
    made = frame(spark, numbered([{**SOUND, "shipping_cost": Decimal(-3)}])).select(reasons(rules(schema)).alias("reasons"))
    assert [each.message for each in made.first()["reasons"]] == [
        "shipping_cost is -3.00, must be 0 or more; see the mapping"
    ]


def test_reasons_have_the_declared_type(spark):
    made = frame(spark, numbered([SOUND])).select(reasons(rules(contract())).alias("reasons"))
    assert made.schema["reasons"].dataType.simpleString() == REASONS_TYPE


MESSAGES = (
    ({}, []),
    ({"carrier": None}, ["carrier is missing"]),
    ({"shipment_weight_kg": Decimal("-1.5")}, ["shipment_weight_kg is -1.500, must be above 0"]),
    ({"shipping_cost": Decimal("-0.01")}, ["shipping_cost is -0.01, must be 0 or more"]),
    ({"route_distance_km": Decimal(50_000)}, ["route_distance_km is 50000.000, must be 40075.017 or less"]),
    ({"delay_days": 7}, ["delay_days is not delivery_date − promised_date: delay_days is 7"]),
    ({"delay_days": None, "delivery_date": None}, ["delivered on an unknown day: delivery_date is null"]),
    (
        {"delivery_date": date(2026, 11, 22), "delay_days": -4, "delivery_status": "Delivered"},
        ["delivered before it was shipped: delivery_date is 2026-11-22"],
    ),
    (
        {"delivery_status": "gone", "outcome": None},
        ["delivery_status is gone, must be one of: In transit, Delivered, Delayed, Cancelled, Returned, Lost"],
    ),
    (
        {"delivery_status": "Lost"},
        ["delivery_status does not match outcome: delivery_status is Lost"],
    ),
    (
        {"promised_date": date(1989, 1, 1)},
        [
            "promised_date is 1989-01-01, must be between 1990-01-01 and 2099-12-31",
            "promised before it was shipped: promised_date is 1989-01-01",
            "delay_days is not delivery_date − promised_date: delay_days is 1",
        ],
    ),
    (
        {"carrier": "x" * 500, "shipment_volume_m3": None},
        [
            f"carrier is {'x' * 60}, must be one of: FedEx, UPS, Amazon Logistics, USPS, DHL, OnTrac, Ryder",
            "shipment_volume_m3 is missing",
        ],
    ),
)


def test_a_reason_says_what_is_wrong_and_what_is_right(spark):
    made = frame(spark, numbered({**SOUND, **wrong} for wrong, _ in MESSAGES))
    rows = rows_of(made.select("source_row", reasons(rules(contract())).alias("reasons")))
    assert [[reason.message for reason in row["reasons"]] for row in rows] == [expected for _, expected in MESSAGES]
