"""Conform: values are parsed as by Python's decimal and datetime; those that cannot be parsed become a reason."""

import re
from datetime import date, datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, localcontext
from itertools import cycle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from shipment_etl import contract, split
from shipment_etl.contracts.columns import COLUMNS, TYPES
from shipment_etl.contracts.models import Shipment
from shipment_etl.ingest.conform import conform
from shipment_etl.ingest.mapping import UNITS, ColumnMapping, Numbers, SourceMapping
from shipment_etl.network import Network
from tests.ingest.mappings import HEADER, mapping

LANDED = "source string, batch_date date, source_file string, source_row long, record map<string,string>, problem string"
GOOD = dict(zip(HEADER, ("1", "A", "B", "2026-01-01", "2026-01-02", "2026-01-03", "5"), strict=True))


def conform_records(
    spark: SparkSession, records: list[dict[str, Any]], using: SourceMapping, problem: str | None = None
) -> list[Any]:
    landed = [("s", date(2026, 2, 1), "f.csv", n, record, problem) for n, record in enumerate(records, 1)]
    frame = conform(spark.createDataFrame(landed, LANDED), using)
    return sorted(frame.collect(), key=lambda row: row["source_row"])


def test_types_are_those_of_the_contract_and_the_row_keeps_its_place(spark: SparkSession) -> None:
    frame = conform(spark.createDataFrame([("s", date(2026, 2, 1), "f.csv", 7, GOOD, None)], LANDED), mapping())
    expected = {name: column.dtype.type for name, column in Shipment.to_schema().columns.items()}
    assert {name: frame.schema[name].dataType for name in COLUMNS} == expected
    (row,) = frame.collect()
    assert (row["source"], row["batch_date"], row["source_file"], row["source_row"]) == ("s", date(2026, 2, 1), "f.csv", 7)
    assert row["original"] == GOOD
    assert row["unparsed"] == []
    assert (row["carrier"], row["shipment_weight_kg"]) == ("UPS", Decimal("5.000"))
    assert (row["delay_days"], row["delivery_status"]) == (1, "Delayed")


@pytest.mark.timeout(60)
def test_conformed_rows_can_be_split_without_writing_them_first(spark: SparkSession) -> None:
    records = [GOOD, {**GOOD, "kg": "heavy"}, {**GOOD, "id": "2", "in": "2026-01-32"}]
    landed = [("s", date(2026, 2, 1), "f.csv", n, record, None) for n, record in enumerate(records, 1)]
    typed = conform(spark.createDataFrame(landed, LANDED), mapping())
    good, bad = split(typed, contract(Network.open(), mapping().unknown))
    assert [row["source_row"] for row in good.collect()] == [1]
    assert sorted(row["source_row"] for row in bad.collect()) == [2, 3]


numbers = st.one_of(
    st.decimals(-(10**6), 10**6, places=5).map(lambda value: f"{value:f}"),
    st.text("0123456789.-+, eExN", max_size=8),
    st.sampled_from(["", " 7 ", "1e3", "NaN", "Infinity", "0x1F", "٣", ".5", "5.", "-0", "999999999.9995", "1_000"]),
)


@given(st.lists(numbers, min_size=20, max_size=60))
def test_numbers_are_what_decimal_says(spark: SparkSession, texts: list[str]) -> None:
    rows = conform_records(spark, [{**GOOD, "kg": text} for text in texts], mapping())
    for text, row in zip(texts, rows, strict=True):
        expected = None
        if re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?", text.strip()):
            with localcontext(prec=200):
                expected = Decimal(text.strip()).quantize(Decimal("0.001"), ROUND_HALF_UP)
        if expected is not None and abs(expected) >= 10**9:
            expected = None
        assert row["shipment_weight_kg"] == expected, text
        read = expected is not None or text.strip() in ("", "n/a")
        assert [each["rule"] for each in row["unparsed"]] == ([] if read else ["number"]), text


dates = st.one_of(
    st.dates(date(1970, 1, 1), date(2029, 1, 31)).map(date.isoformat),
    st.dates(date(2000, 1, 1), date(2029, 1, 31)).map(lambda d: f"{d.month}/{d.day}/{d:%y}"),
    st.sampled_from(["2026-02-30", "2/30/26", "13/1/26", "1/2/2026", "2026-1-2", "02/03/26", "26-01-02", "x", "", "n/a"]),
)


@given(st.lists(dates, min_size=20, max_size=60))
def test_dates_are_what_datetime_says(spark: SparkSession, texts: list[str]) -> None:
    rows = conform_records(spark, [{**GOOD, "out": text} for text in texts], mapping())
    for text, row in zip(texts, rows, strict=True):
        expected = _date(text)
        assert row["shipment_date"] == expected, text
        read = expected is not None or text in ("", "n/a")
        assert [each["rule"] for each in row["unparsed"]] == ([] if read else ["date"]), text


def _date(text: str) -> date | None:
    for shape, style in ((r"\d{4}-\d\d-\d\d", "%Y-%m-%d"), (r"\d{1,2}/\d{1,2}/\d\d", "%m/%d/%y")):
        if re.fullmatch(shape, text):
            try:
                found = datetime.strptime(text, style).date()
            except ValueError:
                return None
            # Python's two-digit years begin in 1969; here they mean 2000 to 2099.
            return found.replace(year=2000 + found.year % 100) if "y" in style else found
    return None


def test_units_and_signs_are_exact(spark: SparkSession) -> None:
    pounds = mapping(shipment_weight_kg=ColumnMapping("kg", unit="lb"))
    (row,) = conform_records(spark, [{**GOOD, "kg": "10"}], pounds)
    assert row["shipment_weight_kg"] == Decimal("4.536")
    german = SourceMapping(columns=mapping().columns, numbers=Numbers(decimal=",", thousands="."))
    (row,) = conform_records(spark, [{**GOOD, "kg": "1.234,5"}], german)
    assert row["shipment_weight_kg"] == Decimal("1234.500")


decimals = st.from_regex(r"[+-]?(0{0,30}[0-9]{1,12}(\.[0-9]{0,60})?|\.[0-9]{1,60})", fullmatch=True)


@pytest.mark.parametrize("turn", range(max(map(len, UNITS.values()))))
@settings(max_examples=2)
@given(texts=st.lists(decimals, min_size=100, max_size=300))
def test_units_are_multiplied_exactly_and_rounded_half_up_once(spark: SparkSession, turn: int, texts: list[str]) -> None:
    chosen = {name: [*factors][turn % len(factors)] for name, factors in UNITS.items()}
    using = mapping(**{name: ColumnMapping("kg", unit=unit) for name, unit in chosen.items()})
    rows = conform_records(spark, [{**GOOD, "kg": text} for text in texts], using)
    for text, row in zip(texts, rows, strict=True):
        for name, unit in chosen.items():
            assert row[name] == _measure(name, unit, text), (name, unit, text)


def _measure(name: str, unit: str, text: str) -> Decimal | None:
    with localcontext(prec=200):
        to_twelve = Decimal(text).quantize(Decimal("1e-12"), ROUND_DOWN)
        value = (to_twelve * UNITS[name][unit]).quantize(Decimal("0.001"), ROUND_HALF_UP)
        return value if abs(value) < 10 ** (TYPES[name].precision - TYPES[name].scale) else None


def test_a_number_that_is_too_large_is_reported(spark: SparkSession) -> None:
    rows = conform_records(spark, [{**GOOD, "kg": text} for text in ("1" + "0" * 9, "9" * 60)], mapping())
    assert [row["unparsed"][0]["message"].split("' ", 1)[1] for row in rows] == [
        "in column 'kg' is too large: shipment_weight_kg may have 9 digits before the decimal sign"
    ] * 2


whole_numbers = st.one_of(
    st.integers(-(2**33), 2**33).map(str),
    st.sampled_from(["2147483647", "2147483648", "-2147483648", "-2147483649", "5.0", "5.", "5.5", "+7", "x", "1e3", "-"]),
)


@given(st.lists(whole_numbers, min_size=20, max_size=60))
def test_whole_numbers_are_what_int_says(spark: SparkSession, texts: list[str]) -> None:
    rows = conform_records(spark, [{**GOOD, "kg": text} for text in texts], mapping(delay_days=ColumnMapping("kg")))
    for text, row in zip(texts, rows, strict=True):
        expected = int(Decimal(text)) if re.fullmatch(r"[+-]?[0-9]+(\.0*)?", text) else None
        expected = expected if expected is not None and -(2**31) <= expected < 2**31 else None
        assert row["delay_days"] == expected, text
        found = [each["rule"] for each in row["unparsed"] if each["column"] == "delay_days"]
        assert found == ([] if expected is not None else ["whole_number"]), text


@given(st.lists(st.dates(date(2000, 1, 1), date(2099, 12, 31)), min_size=20, max_size=60))
def test_months_are_read_by_name_in_either_case_and_times_of_day_dropped(spark: SparkSession, days: list[date]) -> None:
    styles = [("%d-%b-%y", str.upper), ("%b %d, %Y", str.lower), ("%Y-%m-%dT23:59:59", str), ("%Y%m%d", str)]
    column = ColumnMapping("out", dates=("dd-MMM-yy", "MMM dd, yyyy", "yyyy-MM-dd'T'HH:mm:ss", "yyyyMMdd"))
    texts = [change(day.strftime(style)) for day, (style, change) in zip(days, cycle(styles))]
    rows = conform_records(spark, [{**GOOD, "out": text} for text in texts], mapping(shipment_date=column))
    assert [row["shipment_date"] for row in rows] == days


def test_the_first_pattern_that_gives_a_valid_date_counts(spark: SparkSession) -> None:
    column = ColumnMapping("out", dates=("M/d/yy", "d/M/yy"))
    texts = ["3/4/26", "31/4/26", "30/4/26", "2/29/24", "2/29/25"]
    rows = conform_records(spark, [{**GOOD, "out": text} for text in texts], mapping(shipment_date=column))
    assert [row["shipment_date"] for row in rows] == [
        date(2026, 3, 4),
        None,
        date(2026, 4, 30),
        date(2024, 2, 29),
        None,
    ]
    assert rows[1]["unparsed"][0]["message"] == (
        "shipment_date: '31/4/26' in column 'out' is not a date like M/d/yy or d/M/yy; add its pattern to dates of "
        "shipment_date in the mapping"
    )


def test_a_constant_is_read_like_a_value(spark: SparkSession) -> None:
    constants = mapping(shipping_cost=ColumnMapping(constant=" 9.995 "), shipment_date=ColumnMapping(constant="soon"))
    (row,) = conform_records(spark, [GOOD], constants)
    assert row["shipping_cost"] == Decimal("10.00")
    (found,) = row["unparsed"]
    assert found["message"].startswith("shipment_date: 'soon' (a constant) is not a date like yyyy-MM-dd;")


def test_delay_and_status_are_derived_where_a_source_does_not_know_them(spark: SparkSession) -> None:
    using = mapping(delay_days=ColumnMapping("late"), delivery_status=ColumnMapping("status"))
    records = [{"late": "4", "status": "Delivered"}, {"late": "n/a", "status": ""}, {"late": "some"}, {"in": "2026-01-02"}]
    rows = conform_records(spark, [{**GOOD, **record} for record in records], using)
    assert [(row["delay_days"], row["delivery_status"]) for row in rows] == [
        (4, "Delivered"),
        (1, "Delayed"),
        (None, "Delayed"),
        (0, "Delivered"),
    ]


def test_all_white_space_is_trimmed_and_names_may_be_anything(spark: SparkSession) -> None:
    name = 'it\'s ["Weight"] `kg`.é'
    using = mapping(shipment_weight_kg=ColumnMapping(name))
    (row,) = conform_records(spark, [{**GOOD, name: "\u2003\t\u00a07\u3000\r\n", "from": "\u00a0A B\u2028"}], using)
    assert (row["shipment_weight_kg"], row["origin_warehouse"]) == (7, "A B")


def test_null_words_and_patterns_mean_unknown(spark: SparkSession) -> None:
    column = ColumnMapping("kg", nulls=("later",), null_patterns=("^See DN-", "^k\u00a0A"), optional=True)
    texts = ["n/a", " later ", "See DN-4 (ID#:1)", "k\u00a0A", "k  A", "see DN-4"]
    rows = conform_records(spark, [{**GOOD, "kg": text} for text in texts], mapping(shipment_weight_kg=column))
    assert [row["shipment_weight_kg"] for row in rows] == [None] * 6
    assert [len(row["unparsed"]) for row in rows] == [0, 0, 0, 0, 0, 1]


def test_a_reason_names_column_value_and_what_is_wrong(spark: SparkSession) -> None:
    (row,) = conform_records(spark, [{**GOOD, "kg": "heavy"}], mapping())
    ((rule, column, message),) = row["unparsed"]
    assert (rule, column) == ("number", "shipment_weight_kg")
    assert message.startswith("shipment_weight_kg: 'heavy' in column 'kg' is not a number; see decimal")


def test_a_record_with_a_problem_is_one_reason_and_no_values(spark: SparkSession) -> None:
    (row,) = conform_records(spark, [{"id": "1"}], mapping(), "expected 7 fields, found 1")
    assert [(each["rule"], each["message"]) for each in row["unparsed"]] == [("record", "expected 7 fields, found 1")]
    assert row["shipment_id"] is None
    assert row["original"] == {"id": "1"}


@pytest.mark.parametrize(
    ("changed", "found"), [({"kg": "x"}, ["number"]), ({"out": "x"}, ["date"]), ({"out": ""}, ["required"])]
)
def test_an_unreadable_value_is_not_also_reported_as_missing(
    spark: SparkSession, tmp_path: Any, changed: dict[str, str], found: list[str]
) -> None:
    landed = [("s", date(2026, 2, 1), "f.csv", 1, {**GOOD, **changed}, None)]
    using = mapping(shipment_weight_kg=ColumnMapping("kg"))
    frame = conform(spark.createDataFrame(landed, LANDED), using).drop("original")
    frame.write.parquet(str(tmp_path / "kept"))
    good, bad = split(spark.read.parquet(str(tmp_path / "kept")), contract(Network.open(), using.unknown))
    assert good.count() == 0
    assert [each["rule"] for each in bad.collect()[0]["reasons"]] == found
