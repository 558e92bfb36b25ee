"""Moments: the time of a report is parsed as by Python's datetime; a text that cannot be parsed becomes a reason."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from shipment_etl.errors import MappingError
from shipment_etl.ingest.mapping import ColumnMapping, SourceMapping
from tests.ingest.mappings import mapping
from tests.ingest.test_conform import GOOD, conform_records

NOON = datetime(2026, 11, 23, 12, 5, 9, tzinfo=UTC)
TOML = """[columns]
shipment_id = {{ column = "No" }}
origin_warehouse = {{ constant = "Riga" }}
destination_city = {{ column = "To" }}
carrier = {{ column = "Who" }}
shipment_date = {{ column = "Out" }}
promised_date = {{ column = "Due" }}
delivery_date = {{ column = "In" }}
reported_at = {reported_at}
"""

moments = st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 30)).map(
    lambda each: each.replace(microsecond=0, tzinfo=UTC)
)
offsets = st.integers(-14 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))


def reported_at(*dates: str, **more: Any) -> SourceMapping:
    return mapping(reported_at=ColumnMapping("told", dates=dates, **more))


def read(spark: SparkSession, texts: list[str], using: SourceMapping) -> list[datetime | None]:
    """Return the parsed texts, in UTC; all of them must be valid."""
    rows = conform_records(spark, [{**GOOD, "told": text} for text in texts], using)
    assert [row["unparsed"] for row in rows] == [[]] * len(texts)
    return [row["reported_at"] and row["reported_at"].astimezone(UTC) for row in rows]


def unread(spark: SparkSession, texts: list[str], using: SourceMapping) -> list[str]:
    """Return why texts cannot be parsed; none of them may be valid."""
    rows = conform_records(spark, [{**GOOD, "told": text} for text in texts], using)
    assert [row["reported_at"] for row in rows] == [None] * len(texts)
    assert [[(each["rule"], each["column"]) for each in row["unparsed"]] for row in rows] == [
        [("timestamp", "reported_at")]
    ] * len(texts)
    return [row["unparsed"][0]["message"] for row in rows]


@pytest.mark.parametrize(
    ("pattern", "style", "rounded"),
    [
        ("yyyy-MM-dd HH:mm:ss", "%Y-%m-%d %H:%M:%S", {}),
        ("yyyy-MM-dd'T'HH:mm:ss", "%Y-%m-%dT%H:%M:%S", {}),
        ("yyyy-MM-dd'T'HH:mm:ss'Z'", "%Y-%m-%dT%H:%M:%SZ", {}),
        ("dd.MM.yyyy HH:mm", "%d.%m.%Y %H:%M", {"second": 0}),
        ("dd.MM.yyyy", "%d.%m.%Y", {"second": 0, "minute": 0, "hour": 0}),
        ("yyyyMMdd_HHmmss", "%Y%m%d_%H%M%S", {}),
        ("EEE MMM dd HH:mm:ss yyyy", "%a %b %d %H:%M:%S %Y", {}),
        ("MM/dd/yyyy hh:mm:ss a", "%m/%d/%Y %I:%M:%S %p", {}),
        ("d-MMMM-yyyy h a", "%d-%B-%Y %I %p", {"second": 0, "minute": 0}),
    ],
)
@settings(max_examples=2)
@given(times=st.lists(moments, min_size=100, max_size=300))
def test_times_without_an_offset_are_those_of_datetime(
    spark: SparkSession, pattern: str, style: str, rounded: dict[str, int], times: list[datetime]
) -> None:
    # Python writes years before 1000 with fewer digits, so there are none.
    texts = [each.strftime(style) for each in times]
    assert read(spark, texts, reported_at(pattern)) == [each.replace(**rounded) for each in times]


@given(
    times=st.lists(moments, min_size=20, max_size=60),
    zone=offsets,
    way=st.sampled_from(("{0}:{1}", "{0}{1}")),
    pattern=st.sampled_from(("yyyy-MM-dd'T'HH:mm:ssXXX", "yyyy-MM-dd'T'HH:mm:ssZ", "iso")),
)
def test_an_offset_counts(spark: SparkSession, times: list[datetime], zone: timezone, way: str, pattern: str) -> None:
    times = [each for each in times if datetime(1000, 1, 2, tzinfo=UTC) < each]
    texts = [each.astimezone(zone).isoformat() for each in times]
    written = [re.sub(r"([+-]\d\d):(\d\d)$", lambda found: way.format(*found.groups()), text) for text in texts]
    assert read(spark, written, reported_at(pattern)) == times


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11-23", {"hour": 0, "minute": 0, "second": 0}),
        ("20261123", {"hour": 0, "minute": 0, "second": 0}),
        ("2026-11-23 12:05", {"second": 0}),
        ("2026-11-23T12:05", {"second": 0}),
        ("2026-11-23T12:05Z", {"second": 0}),
        ("2026-11-23 12:05:09", {}),
        ("2026-11-23T12:05:09Z", {}),
        ("2026-11-23T12:05:09.9", {}),
        ("2026-11-23 12:05:09,123456", {}),
        ("2026-11-23T12:05:09.123456789Z", {}),
        ("2026-11-23T13:05:09.5+01", {}),
        ("2026-11-23T06:35:09.001-0530", {}),
        ("  2026-11-23T12:05:09Z ", {}),
    ],
)
def test_iso_is_read_where_no_pattern_is_declared_and_a_fraction_is_dropped(
    spark: SparkSession, text: str, meant: dict[str, int]
) -> None:
    assert read(spark, [text], reported_at()) == [NOON.replace(**meant)]
    assert read(spark, [text], reported_at("iso")) == [NOON.replace(**meant)]


@pytest.mark.parametrize(
    ("hour", "half", "meant"),
    [("12", "AM", 0), ("1", "am", 1), ("11", "a.m.", 11), ("12", "PM", 12), ("1", "pm", 13), ("11", "P.M.", 23)],
)
def test_twelve_is_the_first_hour_of_each_half_of_a_day(spark: SparkSession, hour: str, half: str, meant: int) -> None:
    assert read(spark, [f"11/23/26 {hour}:05:09 {half}"], reported_at("M/d/yy h:mm:ss a")) == [NOON.replace(hour=meant)]


@given(
    seconds=st.lists(st.integers(0, 99_999_999_999), min_size=20, max_size=60), fraction=st.sampled_from(("", ".0", ".999"))
)
def test_unix_is_seconds_or_milliseconds(spark: SparkSession, seconds: list[int], fraction: str) -> None:
    expected = [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=each) for each in seconds]
    assert read(spark, [f"{each}{fraction}" for each in seconds], reported_at("unix")) == expected
    assert read(spark, [f"{each}{len(fraction)}99" for each in seconds], reported_at("unix_ms")) == expected


@given(days=st.lists(st.integers(1, 999_999), min_size=10, max_size=30), second=st.integers(0, 86_399))
def test_excel_is_days_and_a_fraction_of_a_day_to_the_second(spark: SparkSession, days: list[int], second: int) -> None:
    midnights = [datetime(1899, 12, 30, tzinfo=UTC) + timedelta(days=each) for each in days]
    assert read(spark, [f"{each}" for each in days], reported_at("excel")) == midnights
    expected = [each + timedelta(seconds=second) for each in midnights]
    assert read(spark, [f"{each + second / 86_400:.15g}" for each in days], reported_at("excel")) == expected
    exact = [f"{each + Decimal(second) / 86_400:.20f}" for each in days]
    assert read(spark, exact, reported_at("excel")) == expected


def test_two_digit_years_begin_where_the_mapping_says(spark: SparkSession) -> None:
    texts = ["23.11.26 12:05:09", "23.11.70 12:05:09"]
    assert read(spark, texts, reported_at("dd.MM.yy HH:mm:ss")) == [NOON, NOON.replace(year=2070)]
    assert read(spark, texts, reported_at("dd.MM.yy HH:mm:ss", first_year=1970)) == [NOON, NOON.replace(year=1970)]


def test_patterns_are_tried_in_their_order(spark: SparkSession) -> None:
    texts = ["23.11.2026 12:05:09", "1795435509", "2026-11-23T12:05:09Z", "23.11.2026"]
    found = read(spark, texts, reported_at("dd.MM.yyyy HH:mm:ss", "unix", "iso", "dd.MM.yyyy"))
    assert found == [NOON, NOON, NOON, datetime(2026, 11, 23, tzinfo=UTC)]


def test_the_zone_of_the_mapping_does_not_shift_times(spark: SparkSession) -> None:
    using = reported_at("yyyy-MM-dd HH:mm:ss")
    using = SourceMapping(columns=using.columns, timezone="Asia/Tokyo")
    assert read(spark, ["2026-11-23 12:05:09"], using) == [NOON]


@pytest.mark.parametrize("text", ["", " ", "n/a", "never"])
def test_an_empty_text_becomes_null(spark: SparkSession, text: str) -> None:
    assert read(spark, [text], reported_at("iso", nulls=("never",)) if text == "never" else reported_at("iso")) == [None]


def test_reported_at_is_null_if_it_is_not_mapped(spark: SparkSession) -> None:
    (row,) = conform_records(spark, [{**GOOD, "told": "2026-11-23"}], mapping())
    assert (row["reported_at"], row["unparsed"]) == (None, [])


def test_a_text_that_is_not_a_time_is_reported_with_a_fix(spark: SparkSession) -> None:
    texts = ["yesterday", "2026-02-30 10:00:00", "2026-11-23 24:00:00", "2026-11-23 12:60:00", "2026-11-23"]
    found = unread(spark, texts, reported_at("yyyy-MM-dd HH:mm:ss", "unix"))
    assert found == [
        f"reported_at: '{text}' in column 'told' is not a time like yyyy-MM-dd HH:mm:ss or unix; add its pattern to dates "
        "of reported_at in the mapping"
        for text in texts
    ]


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        ("iso", ["2026-02-30", "2026-11-23T25:00:00Z", "2026-11-23T12:00:00 CET", "2026-11-23T12:00:00+1", "0000-01-01"]),
        ("unix", ["-1", "1e9", "123456789012", "12.", "0x1F"]),
        ("unix_ms", ["12", "1.5", "-1000"]),
        ("excel", ["-1", "1234567", "1.5.5", "45,5", "1e5"]),
        ("MM/dd/yyyy hh:mm a", ["11/23/2026 13:00 PM", "11/23/2026 00:30 AM", "11/23/2026 10:30", "23/11/2026 10:30 AM"]),
    ],
)
def test_a_text_that_does_not_match_its_pattern_is_not_a_time(spark: SparkSession, pattern: str, texts: list[str]) -> None:
    assert all(f"is not a time like {pattern};" in each for each in unread(spark, texts, reported_at(pattern)))


@pytest.mark.parametrize("zone", ["Europe/Berlin", "written", "nowhere"])
def test_a_time_zone_is_refused_with_a_fix(zone: str) -> None:
    text = TOML.format(reported_at=f'{{ column = "Told", timezone = "{zone}" }}')
    with pytest.raises(MappingError, match=r"reported_at has a time zone, but its times are only compared .* Remove it\."):
        SourceMapping.from_text(text, "m.toml")


def test_a_pattern_with_an_offset_needs_no_time_zone() -> None:
    dates = 'dates = ["unix", "iso", "yyyy-MM-dd HH:mm:ssXXX"]'
    made = SourceMapping.from_text(TOML.format(reported_at=f'{{ column = "Told", {dates} }}'), "m.toml")
    assert made.columns["reported_at"].dates == ("unix", "iso", "yyyy-MM-dd HH:mm:ssXXX")


def test_an_invalid_pattern_is_refused() -> None:
    text = TOML.format(reported_at='{ column = "Told", dates = ["HH:mm"] }')
    with pytest.raises(MappingError, match="reported_at has the date pattern 'HH:mm': it names no year"):
        SourceMapping.from_text(text, "m.toml")


def test_a_constant_is_read_as_well(spark: SparkSession) -> None:
    using = mapping(reported_at=ColumnMapping(constant="2026-11-23T12:05:09Z"))
    (row,) = conform_records(spark, [GOOD], using)
    assert row["reported_at"].astimezone(UTC) == NOON
    midnight = datetime.combine(date(2026, 11, 23), time(), UTC)
    (row,) = conform_records(spark, [GOOD], mapping(reported_at=ColumnMapping(constant="2026-11-23")))
    assert row["reported_at"].astimezone(UTC) == midnight
