"""Advice: each kind of action says where to act, why, and what it would save."""

from dataclasses import replace
from datetime import date

import pytest

from shipment_etl.reporting.advice import CheaperCarrier, Dearer, Later, MostDelay, say_advice
from shipment_etl.reporting.findings import Share
from shipment_etl.reporting.intervals import Interval
from shipment_etl.reporting.periods import Period

NOW = Period(date(2026, 11, 16), date(2026, 11, 22))
DHL = {"carrier": "DHL", "origin": "NY", "city": "Miami"}
LATER = Later(
    carrier="UPS",
    origin="NY",
    city="Miami",
    late=Share(120, 300),
    others=Share(30, 600),
    late_saved=105.0,
    days_saved=420.0,
    cost_at_stake=1050.0,
)


def test_what_is_later_than_others() -> None:
    assert LATER.say(NOW).text == (
        "Act first on UPS, NY → Miami: 40.0 % of 300 came two or more days late, "
        "against 5.0 % with the other carriers on that lane; matching that would save 105 late shipments and 420 days "
        "of delay in 7 days; 1,050 of freight was paid for those."
    )
    assert LATER.reason() == "40.0 % two or more days late, 5.0 % with the other carriers on that lane"
    lane = replace(LATER, carrier=None, late_saved=1.0, days_saved=1.0, cost_at_stake=None).say(NOW).text
    assert "all carriers, NY → Miami: 40.0 % of 300" in lane
    assert "against 5.0 % of the same carriers elsewhere" in lane
    assert "save 1 late shipment and 1 day of delay in 7 days." in lane


@pytest.mark.parametrize(
    ("part", "who", "others"),
    [
        (("UPS", None, None), "UPS, all lanes", "with other carriers on the same lanes"),
        (("UPS", "NY", None), "UPS from NY", "with other carriers on the same lanes"),
        (("UPS", None, "Miami"), "UPS to Miami", "with other carriers on the same lanes"),
        ((None, "NY", None), "all carriers from NY", "of the same carriers elsewhere"),
        ((None, None, "Miami"), "all carriers to Miami", "of the same carriers elsewhere"),
    ],
)
def test_what_is_late_can_be_a_carrier_a_place_or_both(part: tuple[str | None, ...], who: str, others: str) -> None:
    carrier, origin, city = part
    said = replace(LATER, carrier=carrier, origin=origin, city=city).say(NOW).text
    assert said.startswith(f"Act first on {who}: ")
    assert f"against 5.0 % {others};" in said


@pytest.mark.parametrize(
    ("dates", "said"),
    [
        ((date(2026, 11, 19),), "on Thursday, 19 Nov 2026"),
        ((date(2026, 11, 12), date(2026, 11, 19)), "on Thursdays"),
    ],
)
def test_a_day_of_the_week(dates: tuple[date, ...], said: str) -> None:
    place = {"carrier": None, "origin": "NY_Warehouse", "city": None}
    later = Later(**place, late=Share(30, 100), others=Share(10, 100), late_saved=20.0, days_saved=50.0, dates=dates)
    assert later.say(NOW).text.startswith(
        f"Act first on all carriers from NY_Warehouse {said}: 30.0 % of 100 came two or more days late, "
        "against 10.0 % on other days; "
    )
    assert later.reason() == "30.0 % two or more days late, 10.0 % on other days"


def test_what_is_dearer_than_before() -> None:
    dearer = Dearer(**DHL, avg_cost=12.0, cost_before=10.0, cost_at_stake=512.5)
    assert "DHL, NY → Miami, costs 12.00 a shipment, 10.00 before for similar shipments: 512.50 more in 7 days." in (
        dearer.say(NOW).text
    )
    assert dearer.reason() == "12.00 a shipment, 10.00 before for similar shipments"


def test_what_another_carrier_does_for_less() -> None:
    cheaper = CheaperCarrier(**DHL, other="UPS", avg_cost=12.0, other_cost=10.0, cost_at_stake=512.5)
    said = cheaper.say(NOW).text
    assert "DHL, NY → Miami, costs 12.00 a shipment; UPS costs 10.00 for the same weight" in said
    assert "would save 512.50 in 7 days" in said
    assert cheaper.reason() == "12.00 a shipment; UPS 10.00 for the same weight and speed"


def test_where_most_days_are_lost() -> None:
    most = MostDelay(**DHL, days=Share(120, 480), late_saved=40.0, days_saved=120.0, cost_at_stake=99.5)
    assert "DHL, NY → Miami, has 120 of 480 days of delay (25.0 %)" in most.say(NOW).text
    assert most.reason() == "120 of 480 days of delay"
    assert "nothing came late" in replace(most, days=Share(0, 0)).say(NOW).text


def test_estimates_have_an_interval_where_it_is_known() -> None:
    sure = replace(LATER, interval=Interval(82.4, 127.6))
    assert "would save 105 late shipments (95 % interval: 82 to 128) and 420 days of delay in 7 days" in sure.say(NOW).text
    assert (sure.describe_interval("EUR"), LATER.describe_interval("EUR")) == ("82 to 128 late shipments", "")
    dearer = Dearer(**DHL, avg_cost=12.0, cost_before=10.0, cost_at_stake=512.5, interval=Interval(401.3, 623.7))
    assert "512.50 EUR more (95 % interval: 401 to 624) in 7 days." in dearer.say(NOW, "EUR").text
    assert (dearer.describe_interval("EUR"), dearer.describe_interval()) == ("401 to 624 EUR", "401 to 624")
    small = replace(dearer, cost_at_stake=5.25, interval=Interval(1.04, 9.46))
    assert small.describe_interval() == "1.0 to 9.5"


def test_amounts_name_their_currency() -> None:
    assert "; 1,050 EUR of freight was paid for those." in LATER.say(NOW, "EUR").text
    dearer = Dearer(**DHL, avg_cost=12.0, cost_before=10.0, cost_at_stake=512.5)
    assert dearer.reason("EUR") == "12.00 EUR a shipment, 10.00 EUR before for similar shipments"
    cheaper = CheaperCarrier(**DHL, other="UPS", avg_cost=12.0, other_cost=10.0, cost_at_stake=512.5)
    assert cheaper.reason("EUR") == "12.00 EUR a shipment; UPS 10.00 EUR for the same weight and speed"
    said = cheaper.say(NOW, "EUR").text
    assert "costs 12.00 EUR a shipment; UPS costs 10.00 EUR for the same weight and is no slower" in said
    assert "would save 512.50 EUR in 7 days" in said
    most = MostDelay(**DHL, days=Share(120, 480), late_saved=40.0, days_saved=120.0, cost_at_stake=99.5)
    assert "for which 99.50 EUR of freight was paid" in most.say(NOW, "EUR").text


def test_nothing_delivered_is_nothing_to_act_on() -> None:
    assert "No shipment with a promised date" in say_advice(None, NOW).text
    assert say_advice(LATER, NOW) == LATER.say(NOW)
