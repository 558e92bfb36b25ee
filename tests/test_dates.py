"""dates: which texts are dates, and the days from one date to another."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipment_etl.dates import as_date, days
from shipment_etl.errors import InvalidDateRange, InvalidValue


@given(st.dates())
def test_a_date_and_its_text_are_the_same_date(day):
    assert as_date(day) == day
    assert as_date(day.isoformat()) == day


@pytest.mark.parametrize(
    "given",
    [
        *("", "2026", "20261123", "2026-W48-1", "2026-11-31", "2026-13-01", "0000-01-01", "26-11-23", "2026/11/23"),
        *(" 2026-11-23", "2026-11-23T00:00", "2026-11-2x", "２０２６-11-23", "today"),
        *(None, 20261123, 2026.1123, b"2026-11-23", ["-"] * 10),
    ],
)
def test_anything_else_is_not_a_date(given):
    with pytest.raises(InvalidValue, match=r"^day is .* but must be a date that exists, as YYYY-MM-DD\.$"):
        as_date(given, "day")


@given(st.dates(date(1990, 1, 1), date(2099, 1, 1)), st.integers(0, 400))
def test_days_are_every_day_from_the_first_to_the_last(first, count):
    every = days(first, first + timedelta(days=count))
    assert every == [first + timedelta(days=n) for n in range(count + 1)]


def test_days_that_run_backwards_are_refused():
    with pytest.raises(InvalidDateRange, match="from 2026-11-24 to 2026-11-23"):
        days(date(2026, 11, 24), date(2026, 11, 23))
