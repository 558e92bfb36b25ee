"""Wording: sentences that say numbers as people read them."""

from dataclasses import replace
from datetime import date

import pytest

from shipment_etl.reporting.actions import Action
from shipment_etl.reporting.findings import Change, Load, Share
from shipment_etl.reporting.periods import Period
from shipment_etl.reporting.wording import dates, number, percent, say_action, say_change, say_load, short

NOW = Period(date(2026, 11, 16), date(2026, 11, 22))
BEFORE = NOW.before()


def test_numbers_have_units_separators_and_a_dash_where_unknown() -> None:
    assert [number(1234567), number(-2.5, 1), number(None), number(float("nan")), number(-0.04, 1)] == [
        *("1,234,567", "−2.5", "–", "–", "0.0"),
    ]
    assert [percent(12.345), percent(None), short(12.5), short(12345.6), short(None)] == [
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
def test_periods_are_said_shortly(first: date, last: date, said: str) -> None:
    assert dates(Period(first, last)) == said


def test_what_changed() -> None:
    now, before = Share(310, 1000), Share(250, 1000)
    assert say_change(Change(now, before, True), NOW, BEFORE).text == (
        "31.0 % of shipments came two or more days late in the last 7 days (16–22 Nov 2026), up 6.0 points from 25.0 % in "
        "the 7 days before."
    )
    assert "down 6.0 points from 31.0 %" in say_change(Change(before, now, True), NOW, BEFORE).text
    assert "no clear change from 25.0 %" in say_change(Change(now, before, False), NOW, BEFORE).text
    assert say_change(Change(now, None, False), NOW, None).text.endswith(
        "(16–22 Nov 2026): 310 shipments of 1,000. There is nothing earlier to hold it against."
    )


def test_where_to_act() -> None:
    late = Action("late", "UPS", "NY", "Miami", Share(120, 300), Share(30, 600), 105.0, 420.0, 1050.0)
    assert say_action(late, NOW).text == (
        "Act first on UPS, NY → Miami: 40.0 % of 300 came two or more days late, "
        "against 5.0 % with the other carriers on that lane; being as good would save 105 late shipments and 420 days "
        "of delay in 7 days; 1,050 of freight was paid for those."
    )
    lane = replace(late, carrier=None, late_saved=1.0, days_saved=1.0, cost_at_stake=None)
    said = say_action(lane, NOW).text
    assert "NY → Miami, all carriers: 40.0 % of 300" in said
    assert "against 5.0 % of the same carriers elsewhere" in said
    assert "save 1 late shipment and 1 day of delay in 7 days." in said
    cost = Action("cost", "DHL", "NY", "Miami", Share(1, 2), Share(1, 2), 0, 0, 512.5, 12.0, "UPS", 10.0)
    assert "DHL, NY → Miami, takes 12.00 a shipment, UPS for the same weight 10.00" in say_action(cost, NOW).text
    assert "would save 512.50 in 7 days" in say_action(cost, NOW).text
    none = Action("largest", "DHL", "NY", "Miami", Share(0, 2), Share(0, 0))
    assert "nothing came late" in say_action(none, NOW).text
    most = Action("largest", "DHL", "NY", "Miami", Share(40, 90), Share(120, 480), 40.0, 120.0, 99.5)
    assert "DHL, NY → Miami, has 120 of 480 days of delay (25.0 %)" in say_action(most, NOW).text
    assert "Nothing with a promise" in say_action(None, NOW).text


@pytest.mark.parametrize(
    ("part", "who", "others"),
    [
        (("UPS", None, None), "UPS, all lanes", "with other carriers on the same lanes"),
        (("UPS", "NY", None), "UPS, from NY", "with other carriers on the same lanes"),
        (("UPS", None, "Miami"), "UPS, to Miami", "with other carriers on the same lanes"),
        ((None, "NY", None), "from NY, all carriers", "of the same carriers elsewhere"),
        ((None, None, "Miami"), "to Miami, all carriers", "of the same carriers elsewhere"),
    ],
)
def test_what_is_late_can_be_a_carrier_a_place_or_both(part: tuple[str | None, ...], who: str, others: str) -> None:
    said = say_action(Action("late", *part, Share(120, 300), Share(30, 600), 105.0, 420.0), NOW).text
    assert said.startswith(f"Act first on {who}: ")
    assert f"against 5.0 % {others};" in said


def test_where_it_jams() -> None:
    found = Load(Share(4, 12), Share(1, 12), "CA", 2, 172.6, NOW.last)
    assert say_load(found, NOW, BEFORE).text == (
        "Warehouses were over capacity on 4 of 12 warehouse-days in the last 7 days (1 in the 7 days before), most often "
        "CA: 2 days, up to 173 % of what it can handle."
    )
    calm = Load(Share(0, 12), Share(0, 12), "CA", 0, 69.4, NOW.last)
    assert say_load(calm, NOW, BEFORE).text == (
        "No warehouse was over its capacity in the last 7 days (none in the 7 days before); fullest was CA at 69 % on "
        "22 Nov 2026."
    )
    assert "congestion cannot be told" in say_load(None, NOW, BEFORE).text
