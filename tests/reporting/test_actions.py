"""actions: only what is late or too expensive is named, savings are relative to its comparison, and chance names nothing."""

import random
from datetime import date, timedelta
from itertools import product
from math import prod

import pytest
from hypothesis import given

from shipment_etl.reporting.actions import actions
from shipment_etl.reporting.advice import Action, CheaperCarrier, Dearer, Later, MostDelay
from shipment_etl.reporting.cheaper import find_cheaper_carriers
from shipment_etl.reporting.findings import Share, add_outcomes
from shipment_etl.reporting.late import find_late

from .made_up import DAY, lane_days
from .test_findings import ROWS

THURSDAY = 3


@given(ROWS)
def test_savings_are_relative_to_what_an_action_is_compared_with(rows: list[dict]) -> None:
    left, days = rows, lane_days(rows)
    found = [*find_late(add_outcomes(days), 100), *find_cheaper_carriers(days)]
    named = [each for each in actions(days, most=100) if not isinstance(each, MostDelay)]
    assert sorted(map(repr, named)) == sorted(map(repr, found))
    for act in found:
        own = [row for row in left if _is_in(row, act)]
        if isinstance(act, Later):
            # Each stratum separately: the lanes of a carrier, or the carriers of a place.
            strata = ("origin_warehouse", "destination_city") if act.carrier else ("carrier",)
            late = count = expected = 0.0
            for stratum in {tuple(row[name] for name in strata) for row in own}:
                there = [row for row in left if tuple(row[name] for name in strata) == stratum]
                mine, others = [row for row in there if _is_in(row, act)], [row for row in there if not _is_in(row, act)]
                if _count(others) >= 30:
                    late, count = late + _late(mine), count + _count(mine)
                    expected += _count(mine) * _late(others) / _count(others)
            assert act.late == Share(late, count)
            assert act.late_saved == pytest.approx(late - expected)
            assert 0 < act.late_saved <= late
            assert act.others.pct == pytest.approx(100 * expected / count, abs=100 / count)
            # Where all of them were late, and none of the others, no more could be saved.
            assert act.interval.low < act.late_saved <= act.interval.high + 1e-6
            left = [row for row in left if not _is_in(row, act)]
        if isinstance(act, CheaperCarrier):
            own = [row for row in rows if (row["origin_warehouse"], row["destination_city"]) == (act.origin, act.city)]
            assert 0 < act.cost_at_stake < sum(row["cost"] for row in own if row["carrier"] == act.carrier)
            assert act.other != act.carrier


def _network(late_of: dict[tuple[str, str, str], int]) -> list[dict]:
    """Rows of 3 carriers on 2 × 3 lanes, 1,000 shipments each; per cent late by carrier, origin and city, else 5."""
    return [
        {
            "carrier": pair[0],
            "origin_warehouse": pair[1],
            "destination_city": pair[2],
            "delay_days": delay,
            "shipments": 10 * shipments,
        }
        for pair in product("CDE", "AB", "XYZ")
        for late in [next((pct for keys, pct in late_of.items() if all(map(_fits, keys, pair))), 5)]
        for delay, shipments in ((0, 100 - late), (4, late))
    ]


def _fits(wanted: str, found: str) -> bool:
    return wanted in ("*", found)


@pytest.mark.parametrize(
    "part",
    [
        ("C", "*", "*"),
        ("*", "A", "*"),
        ("*", "*", "X"),
        ("C", "A", "*"),
        ("C", "*", "X"),
        ("*", "A", "X"),
        ("C", "A", "X"),
    ],
)
def test_the_part_that_is_late_is_named_and_no_other(part: tuple[str, str, str]) -> None:
    (found,) = actions(lane_days(_network({part: 20})))
    assert (type(found), found.carrier, found.origin, found.city) == (
        Later,
        *(None if each == "*" else each for each in part),
    )
    own = 18_000 / prod(1 if each == "*" else size for each, size in zip(part, (3, 2, 3), strict=True))
    assert found.late == Share(round(own * 0.2), round(own))
    assert found.others.pct == pytest.approx(5.0)
    assert found.late_saved == pytest.approx(own * 0.15)
    assert found.days_saved == pytest.approx(own * 0.6)
    assert found.cost_at_stake == pytest.approx(own * 1.5)


def _weeks(days: int, late_of: dict[tuple[str, str, str, int | date], int]) -> list[dict]:
    """Rows of 3 carriers on 2 × 3 lanes for some days; per cent late by carrier, origin, city and day, else 10.

    A day is a date, or a day of the week, where Monday is 0.
    """
    draw, rows = random.Random(7), list[dict]()
    for pair, n in product(product("CDE", "AB", "XYZ"), range(days)):
        day = DAY - timedelta(days=n)
        struck = (pct for keys, pct in late_of.items() if all(map(_fits, keys, pair)) and keys[3] in (day, day.weekday()))
        late = next(struck, 10)
        of_them = sum(draw.random() * 100 < late for _ in range(60))
        keys = dict(zip(("carrier", "origin_warehouse", "destination_city"), pair, strict=True))
        rows += [{**keys, "shipment_date": day, "delay_days": 3, "shipments": of_them}]
        rows += [{**keys, "shipment_date": day, "delay_days": 0, "shipments": 60 - of_them}]
    return rows


@pytest.mark.parametrize(
    ("days", "dates"),
    [(7, (date(2026, 11, 19),)), (28, tuple(date(2026, 11, 19) - timedelta(weeks=n) for n in (3, 2, 1, 0)))],
)
@pytest.mark.parametrize("part", [("*", "A", "*"), ("*", "*", "*"), ("C", "*", "*"), ("*", "*", "X")])
def test_a_day_of_the_week_is_named(days: int, dates: tuple[date, ...], part: tuple[str, str, str]) -> None:
    (found,) = actions(lane_days(_weeks(days, {(*part, THURSDAY): 30})))
    named = tuple(None if each == "*" else each for each in part)
    assert (found.carrier, found.origin, found.city, found.dates) == (*named, dates)
    assert found.late.pct == pytest.approx(30, abs=4)
    assert found.others.pct == pytest.approx(10, abs=2)
    assert found.interval.low < found.late.whole * 0.2 < found.interval.high


def test_one_bad_day_in_four_weeks_is_not_a_day_of_the_week() -> None:
    found = actions(lane_days(_weeks(28, {("*", "A", "*", date(2026, 11, 12)): 60})))
    assert not [each for each in found if isinstance(each, Later) and each.dates]


def test_one_bad_friday_with_most_shipments_is_not_fridays() -> None:
    """As in a year of a supplier with few shipments, most of them on one day."""
    fridays = {
        date(2026, 9, 18): (6, 1),
        date(2026, 10, 16): (31, 11),
        date(2026, 11, 6): (8, 0),
        date(2026, 11, 20): (2, 0),
    }
    mondays = {date(2026, 10, 5): (30, 0), date(2026, 11, 9): (31, 0)}
    rows = [
        {"shipment_date": day, "delay_days": delay, "shipments": count}
        for day, (shipments, late) in (fridays | mondays).items()
        for delay, count in ((0, shipments - late), (9, late))
    ]
    assert not [each for each in actions(lane_days(rows)) if isinstance(each, Later)]


def test_lateness_on_all_days_is_not_lateness_on_one() -> None:
    (found,) = actions(lane_days(_weeks(28, {("*", "A", "*", day): 20 for day in range(7)})))
    assert (found.origin, found.dates) == ("A", ())


def test_two_problems_are_named_separately_with_the_larger_first() -> None:
    rows = _network({("C", "A", "X"): 60, ("D", "*", "*"): 10})
    first, second = actions(lane_days(rows))
    assert (first.carrier, first.origin, first.city) == ("C", "A", "X")
    assert (second.carrier, second.origin, second.city) == ("D", None, None)
    assert second.others.pct == pytest.approx(5.0)


def test_a_dearer_carrier_is_named_only_if_weight_speed_and_lateness_are_alike() -> None:
    dear = {"carrier": "dear", "shipments": 1000, "cost": 12_000.0}
    cheap = {"carrier": "cheap", "shipments": 1000, "cost": 10_000.0}
    (found,) = actions(lane_days([dear, cheap]))
    assert (type(found), found.carrier, found.other, found.cost_at_stake) == (CheaperCarrier, "dear", "cheap", 2000.0)
    for other in (
        {"weight_kg": 2000.0},
        {"transit_days": 5000},
        {"cost": 11_900.0},
        {"weighed_cost": 5000.0},
        {"cost_shipments": 900},
    ):
        (found,) = actions(lane_days([dear, {**cheap, **other}]))
        assert isinstance(found, MostDelay), other
    heavier = {**dear, "weight_kg": 5500.0}
    (found,) = actions(lane_days([heavier, cheap]))
    assert found.other_cost == pytest.approx(11.0)


@pytest.mark.parametrize("cost", [-12_000.0, -1.0, 0.0])
def test_a_carrier_whose_costs_are_credit_notes_is_neither_dear_nor_a_cheaper_choice(cost: float) -> None:
    usual = {"carrier": "usual", "shipments": 1000, "cost": 10_000.0}
    credited = {"carrier": "credited", "shipments": 1000, "cost": cost}
    more = {"carrier": "more", "shipments": 1000, "cost": 2 * cost}
    found = actions(lane_days([usual, credited, more]))
    if cost < 0:
        assert [type(each) for each in found] == [MostDelay]
    for each in found:
        assert (each.carrier, each.cost_at_stake) in (("usual", 10_000.0), (each.carrier, 0.0), (each.carrier, None))


def test_negative_costs_are_not_cost_increases() -> None:
    def rows(each: float) -> list[dict]:
        return [{"shipments": 40 + n % 3, "cost": each * (40 + n % 3), "carrier": "CDE"[n % 3]} for n in range(60)]

    for then, now in ((-9.0, -3.0), (-9.0, 3.0), (3.0, -9.0)):
        found = actions(lane_days(rows(now)), lane_days(rows(then)))
        assert not [each for each in found if isinstance(each, Dearer)], (then, now)


def test_credit_notes_for_late_shipments_are_not_freight_paid() -> None:
    rows = [{**row, "cost": -5.0 * row["shipments"]} for row in _network({("C", "A", "X"): 20})]
    assert [(type(each), each.cost_at_stake) for each in actions(lane_days(rows))] == [(Later, None)]
    (most,) = actions(lane_days([{"delay_days": 3, "shipments": 2, "cost": -7.0}]))
    assert (type(most), most.cost_at_stake) == (MostDelay, None)


def test_chance_names_nobody() -> None:
    rows = [
        {"destination_city": city, "carrier": carrier, "delay_days": delay, "shipments": shipments + wobble}
        for wobble, (city, carrier) in enumerate((city, carrier) for city in "XYZ" for carrier in "CDE")
        for delay, shipments in ((0, 950), (2, 50))
    ]
    (found,) = actions(lane_days(rows))
    assert isinstance(found, MostDelay)
    assert actions(lane_days([])) == []


def _priced(cost_of: dict[tuple[str, str, str], float], seed: int, kg: float = 5.0) -> list[dict]:
    """Rows of 3 carriers on 2 × 3 lanes, ten of 100 shipments each; a shipment costs about 10, or a multiple of it."""
    draw = random.Random(seed)
    return [
        {
            "carrier": pair[0],
            "origin_warehouse": pair[1],
            "destination_city": pair[2],
            "shipments": 100,
            "cost": 1000 * draw.uniform(0.9, 1.1) * times,
            "weight_kg": 100 * kg,
        }
        for pair in product("CDE", "AB", "XYZ")
        for times in [next((times for keys, times in cost_of.items() if all(map(_fits, keys, pair))), 1.0)]
        for _ in range(10)
    ]


@pytest.mark.parametrize("part", [("*", "*", "*"), ("C", "*", "*"), ("*", "A", "*"), ("C", "A", "*"), ("*", "A", "X")])
def test_a_cost_increase_is_named(part: tuple[str, str, str]) -> None:
    now, before = lane_days(_priced({part: 1.5}, 1)), lane_days(_priced({}, 2))
    found = [each for each in actions(now, before) if isinstance(each, Dearer)]
    named = tuple(None if each == "*" else each for each in part)
    assert [(each.carrier, each.origin, each.city) for each in found] == [named]
    own = 18_000 / prod(1 if each == "*" else size for each, size in zip(part, (3, 2, 3), strict=True))
    assert found[0].cost_at_stake == pytest.approx(own * 5, rel=0.1)
    assert found[0].avg_cost == pytest.approx(15, rel=0.05)
    assert found[0].cost_before == pytest.approx(10, rel=0.05)


def test_nothing_is_dearer_by_chance_by_weight_or_without_a_period_before() -> None:
    usual, again = lane_days(_priced({}, 1)), lane_days(_priced({}, 2))
    heavier = lane_days(_priced({("*", "*", "*"): 1.5}, 1, kg=7.5))
    for now, before in ((usual, again), (heavier, again), (heavier, None), (heavier, again.head(0))):
        assert not [each for each in actions(now, before) if isinstance(each, Dearer)]


def test_costs_have_two_lines_among_many_late_ones() -> None:
    rows = _network({("C", "A", "X"): 60, ("D", "B", "Y"): 40, ("E", "B", "Z"): 30})
    assert [type(each) for each in actions(lane_days(rows))] == [Later] * 3
    dear = [{**row, "cost": 20.0 * row["shipments"]} if row["carrier"] == "E" else row for row in rows]
    assert [type(each) for each in actions(lane_days(dear), most=4)] == [Later, Later, CheaperCarrier, CheaperCarrier]


def test_shipments_without_a_delay_are_in_no_action() -> None:
    rows = [{"shipments": 90}, {"delay_days": 2, "shipments": 10}]
    open_ = {"delay_days": None, "state": "in_transit", "transit_days": None, "shipments": 100, "cost": 500.0}
    assert actions(lane_days([*rows, open_])) == actions(lane_days(rows))
    assert actions(lane_days([open_])) == []


def _is_in(row: dict, act: Action) -> bool:
    parts = ("carrier", act.carrier), ("origin_warehouse", act.origin), ("destination_city", act.city)
    return all(wanted is None or row[name] == wanted for name, wanted in parts)


def _late(rows: list[dict]) -> int:
    return sum(row["shipments"] for row in rows if row["delay_days"] >= 2)


def _count(rows: list[dict]) -> int:
    return sum(row["shipments"] for row in rows)
