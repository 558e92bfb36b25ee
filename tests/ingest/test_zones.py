"""zones: days and points in time are those of Python's zoneinfo, also around changes of the offset."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from shipment_etl.ingest.zones import FIRST_YEAR, LAST_YEAR, local_day, seconds_of_clock

START = datetime(1970, 1, 1)
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Asia/Kolkata",
    "UTC",
)
CHANGES = (
    *(datetime(2026, 3, 29, 1), datetime(2026, 10, 25, 1), datetime(2026, 3, 8, 7), datetime(2026, 11, 1, 6)),
    *(datetime(2026, 4, 4, 15), datetime(2026, 10, 3, 15, 30), datetime(2011, 12, 30, 10), datetime(1972, 1, 1)),
)
"""In UTC; those of Lord Howe are half an hour, and Apia skipped a day."""

times = st.one_of(
    st.datetimes(datetime(FIRST_YEAR, 1, 2), datetime(LAST_YEAR, 12, 30)),
    st.builds(
        lambda change, seconds: change + timedelta(seconds=seconds),
        st.sampled_from(CHANGES),
        st.integers(-15 * 3600, 15 * 3600),
    ),
).map(lambda each: each.replace(microsecond=0))


def compute(spark: SparkSession, found: list[datetime], sql: str) -> list:
    seconds = [(n, (each - START) // timedelta(seconds=1)) for n, each in enumerate(found)]
    made = spark.createDataFrame(seconds, "n int, at bigint").select("n", F.expr(sql).alias("found"))
    return [row["found"] for row in sorted(made.collect(), key=lambda row: row["n"])]


@pytest.mark.parametrize("zone", ZONES)
@given(found=st.lists(times, min_size=1, max_size=100))
def test_a_local_time_is_the_point_in_time_that_zoneinfo_says(spark: SparkSession, zone: str, found: list[datetime]) -> None:
    expected = [int(each.replace(tzinfo=ZoneInfo(zone)).timestamp()) for each in found]
    assert compute(spark, found, seconds_of_clock("at", zone)) == expected


@pytest.mark.parametrize("zone", ZONES)
@given(found=st.lists(times, min_size=1, max_size=100))
def test_a_point_in_time_is_on_the_day_that_zoneinfo_says(spark: SparkSession, zone: str, found: list[datetime]) -> None:
    expected = [each.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date() for each in found]
    assert compute(spark, found, local_day("at", zone)) == expected
