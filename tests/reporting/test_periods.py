"""Periods: the newest days and as many before them, in whole weeks if there are enough data."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipment_etl.reporting.periods import Period, find_periods, usual_count

LAST = date(2026, 11, 22)


def days(count: int, shipments: int = 1000) -> dict[date, int]:
    return {LAST - timedelta(days=n): shipments for n in range(count)}


@pytest.mark.parametrize(
    ("span", "shipments", "length"),
    [(2, 1000, 1), (7, 1000, 3), (13, 1000, 6), (14, 1000, 7), (55, 1000, 7), (56, 1000, 28), (3653, 1000, 28)],
)
def test_the_period_grows_with_the_data(span: int, shipments: int, length: int) -> None:
    now, before = find_periods(days(span, shipments), {})
    assert (now.last, now.days) == (LAST, length)
    assert before == Period(now.first - timedelta(days=length), now.first - timedelta(days=1))


def test_few_shipments_need_longer_periods() -> None:
    now, _ = find_periods(days(800, 3), {})
    assert now.days == 91
    assert find_periods(days(5, 3), {}) == (Period(LAST - timedelta(days=4), LAST), None)


def test_one_day_has_nothing_before_it() -> None:
    assert find_periods({LAST: 5000}, {}) == (Period(LAST, LAST), None)


def test_days_with_few_shipments_at_either_end_are_left_out() -> None:
    fringe = {LAST - timedelta(days=n): 3 for n in range(4, 12)} | {LAST + timedelta(days=1): 2}
    now, before = find_periods(days(4) | fringe, {})
    assert (now, before) == (
        Period(LAST - timedelta(days=1), LAST),
        Period(LAST - timedelta(days=3), LAST - timedelta(days=2)),
    )


@given(st.dictionaries(st.dates(date(2020, 1, 1), date(2026, 12, 31)), st.integers(1, 10**6), min_size=1))
def test_periods_touch_are_equally_long_and_lie_within_the_data(shipments: dict[date, int]) -> None:
    now, before = find_periods(shipments, {})
    assert min(shipments) <= now.first <= now.last <= max(shipments)
    if before is not None:
        assert before.days == now.days
        assert min(shipments) <= before.first
        assert now.first - before.last == timedelta(days=1)


@given(st.lists(st.integers(1, 10**6), min_size=1))
def test_a_usual_day_is_one_of_the_days_and_half_of_all_lie_above(counts: list[int]) -> None:
    found = usual_count(counts)
    assert found in counts
    assert 2 * sum(count for count in counts if count >= found) >= sum(counts)


def test_the_newest_days_are_left_out_if_many_shipments_are_not_due_yet() -> None:
    shipments = days(28, 100)
    pending = {LAST: 90, LAST - timedelta(days=1): 11, LAST - timedelta(days=2): 10, LAST - timedelta(days=9): 50}
    now, before = find_periods(shipments, pending)
    assert now == Period(LAST - timedelta(days=8), LAST - timedelta(days=2))
    assert before == now.shift_back()
    assert find_periods(shipments, shipments)[0].last == LAST
