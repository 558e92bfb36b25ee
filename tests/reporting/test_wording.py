"""Wording: sentences with numbers as people read them."""

from datetime import date

import pytest

from shipment_etl.reporting.findings import Change, Load, Share
from shipment_etl.reporting.periods import Period
from shipment_etl.reporting.wording import dates, number, percent, say_amount, say_change, say_load, say_target

NOW = Period(date(2026, 11, 16), date(2026, 11, 22))
BEFORE = NOW.shift_back()


def test_numbers_have_units_separators_and_a_dash_where_unknown() -> None:
    assert [number(1234567), number(-2.5, 1), number(None), number(float("nan")), number(-0.04, 1)] == [
        *("1,234,567", "−2.5", "–", "–", "0.0"),
    ]
    assert [percent(12.345), percent(None), say_amount(12.5), say_amount(12345.6), say_amount(None)] == [
        "12.3 %",
        "–",
        "12.50",
        "12,346",
        "–",
    ]


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (date(2026, 11, 16), date(2026, 11, 22), "16–22 Nov 2026"),
        (date(2026, 10, 26), date(2026, 11, 22), "26 Oct – 22 Nov 2026"),
        (date(2025, 12, 26), date(2026, 1, 2), "26 Dec 2025 – 2 Jan 2026"),
        (date(2026, 11, 22), date(2026, 11, 22), "22 Nov 2026"),
    ],
)
def test_periods_are_formatted_compactly(first: date, last: date, said: str) -> None:
    assert dates(Period(first, last)) == said


def test_what_changed() -> None:
    now, before = Share(310, 1000), Share(250, 1000)
    assert say_change(Change(now, before, True), NOW, BEFORE).text == (
        "31.0 % of shipments came on time in the last 7 days (16–22 Nov 2026), up 6.0 points from 25.0 % in "
        "the 7 days before."
    )
    assert "down 6.0 points from 31.0 %" in say_change(Change(before, now, True), NOW, BEFORE).text
    assert "no clear change from 25.0 %" in say_change(Change(now, before, False), NOW, BEFORE).text
    assert say_change(Change(now, None, False), NOW, None).text.endswith(
        "(16–22 Nov 2026): 310 of 1,000 shipments. There is no earlier period to compare it with."
    )


def test_a_target_is_met_or_missed_as_the_numbers_are_shown() -> None:
    said = {share: say_target(Share(share, 10_000), 0.95) for share in (9_250, 9_496, 9_500, 9_700)}
    assert said == {
        9_250: "target 95 %, missed by 2.5 points",
        9_496: "target 95 %, met",
        9_500: "target 95 %, met",
        9_700: "target 95 %, met",
    }
    assert say_target(Share(0, 0), 0.975) == "target 97.5 %"
    change = Change(Share(310, 1000), Share(250, 1000), True)
    assert say_change(change, NOW, BEFORE, 0.9).text.endswith("in the 7 days before. Target 90 %, missed by 59.0 points.")
    assert say_change(Change(Share(310, 1000), None, False), NOW, None, 0.3).text.endswith("with. Target 30 %, met.")


def test_bottlenecks() -> None:
    found = Load(Share(4, 12), Share(1, 12), "CA", 2, 172.6, NOW.last)
    assert say_load(found, NOW, BEFORE).text == (
        "Warehouses were over capacity on 4 of 12 warehouse-days in the last 7 days (1 in the 7 days before), most often "
        "CA: 2 days, up to 173 % of its capacity."
    )
    calm = Load(Share(0, 12), Share(0, 12), "CA", 0, 69.4, NOW.last)
    assert say_load(calm, NOW, BEFORE).text == (
        "No warehouse was over its capacity in the last 7 days (none in the 7 days before); the fullest was CA at 69 % on "
        "22 Nov 2026."
    )
    assert "congestion cannot be measured" in say_load(None, NOW, BEFORE).text
