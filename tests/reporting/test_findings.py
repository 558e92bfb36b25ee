"""Findings: the numbers of the sentences, against plain counting, and silence where there is nothing but chance."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from math import prod

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipment_etl.reporting.findings import Action, Share, actions, change, clearly_differ, figures, load, within
from shipment_etl.reporting.periods import Period

from .made_up import DAY, lane_days

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "origin_warehouse": st.sampled_from("AB"),
            "destination_city": st.sampled_from("XY"),
            "carrier": st.sampled_from("CDE"),
            "delay_days": st.integers(-3, 5),
            "shipments": st.integers(1, 500),
            "cost": st.one_of(st.none(), st.integers(1, 10**6).map(float)),
        }
    ),
    min_size=1,
    max_size=40,
)


@given(ROWS)
def test_figures_are_what_counting_gives(rows: list[dict]) -> None:
    found = figures(lane_days(rows))
    assert found.shipments == sum(row["shipments"] for row in rows)
    assert found.on_time == sum(row["shipments"] for row in rows if row["delay_days"] <= 0)
    assert found.late == sum(row["shipments"] for row in rows if row["delay_days"] >= 2)
    assert found.days_late == sum(row["shipments"] * max(0, row["delay_days"]) for row in rows)
    assert found.cost == pytest.approx(sum(row["cost"] or 0 for row in rows))
    assert found.late_cost == pytest.approx(sum(row["cost"] or 0 for row in rows if row["delay_days"] >= 2))


@given(ROWS)
def test_what_an_action_saves_is_what_it_is_held_against(rows: list[dict]) -> None:
    left = rows
    for act in actions(lane_days(rows), most=100):
        own = [row for row in left if _is_in(row, act)]
        if act.kind == "late":
            # Each stratum on its own: the lanes of a carrier, or the carriers of a place.
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
            left = [row for row in left if not _is_in(row, act)]
        if act.kind == "cost":
            own = [row for row in rows if (row["origin_warehouse"], row["destination_city"]) == (act.origin, act.city)]
            assert 0 < act.cost_at_stake < sum(row["cost"] for row in own if row["carrier"] == act.carrier)
            assert act.rival != act.carrier


def _network(late_of: dict[tuple[str, str, str], int]) -> list[dict]:
    """Rows of 3 carriers on 2 × 3 lanes, 1,000 shipments each; late ones in per cent by carrier, origin and city, else 5."""
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
    assert (found.kind, found.carrier, found.origin, found.city) == (
        "late",
        *(None if each == "*" else each for each in part),
    )
    own = 18_000 / prod(1 if each == "*" else size for each, size in zip(part, (3, 2, 3), strict=True))
    assert found.late == Share(round(own * 0.2), round(own))
    assert found.others.pct == pytest.approx(5.0)
    assert found.late_saved == pytest.approx(own * 0.15)
    assert found.days_saved == pytest.approx(own * 0.6)
    assert found.cost_at_stake == pytest.approx(own * 1.5)


def test_two_troubles_are_told_apart_the_larger_first() -> None:
    rows = _network({("C", "A", "X"): 60, ("D", "*", "*"): 10})
    first, second = actions(lane_days(rows))
    assert (first.carrier, first.origin, first.city) == ("C", "A", "X")
    assert (second.carrier, second.origin, second.city) == ("D", None, None)
    assert second.others.pct == pytest.approx(5.0)


def test_a_dearer_carrier_is_named_only_if_weight_speed_and_lateness_are_alike() -> None:
    dear = {"carrier": "dear", "shipments": 1000, "cost": 12_000.0}
    cheap = {"carrier": "cheap", "shipments": 1000, "cost": 10_000.0}
    (found,) = actions(lane_days([dear, cheap]))
    assert (found.kind, found.carrier, found.rival, found.cost_at_stake) == ("cost", "dear", "cheap", 2000.0)
    for other in (
        {"weight_kg": 2000.0},
        {"transit_days": 5000},
        {"cost": 11_900.0},
        {"weighed_cost": 5000.0},
        {"cost_shipments": 900},
    ):
        (found,) = actions(lane_days([dear, {**cheap, **other}]))
        assert found.kind == "largest", other
    heavier = {**dear, "weight_kg": 5500.0}
    (found,) = actions(lane_days([heavier, cheap]))
    assert found.rival_cost == pytest.approx(11.0)


def test_chance_names_nobody() -> None:
    rows = [
        {"destination_city": city, "carrier": carrier, "delay_days": delay, "shipments": shipments + wobble}
        for wobble, (city, carrier) in enumerate((city, carrier) for city in "XYZ" for carrier in "CDE")
        for delay, shipments in ((0, 950), (2, 50))
    ]
    (found,) = actions(lane_days(rows))
    assert found.kind == "largest"
    assert actions(lane_days([])) == []


def test_a_change_is_clear_or_not() -> None:
    small, large = figures(lane_days([{"shipments": 90}, {"delay_days": 2, "shipments": 10}])), None
    assert change(small, large).before is None
    large = figures(lane_days([{"shipments": 9200}, {"delay_days": 2, "shipments": 800}]))
    assert not change(small, large).clear
    found = change(figures(lane_days([{"shipments": 9000}, {"delay_days": 2, "shipments": 1000}])), large)
    assert found.clear
    assert found.points == pytest.approx(2.0)


@given(st.integers(0, 1000), st.integers(1, 1000), st.integers(0, 1000), st.integers(1, 1000))
def test_differing_goes_both_ways_and_never_fails(a: int, b: int, c: int, d: int) -> None:
    one, other = Share(min(a, b), b), Share(min(c, d), d)
    assert clearly_differ(one, other) == clearly_differ(other, one)
    assert not clearly_differ(one, one)


def test_load_counts_warehouse_days_over_capacity() -> None:
    days = [DAY - timedelta(days=n) for n in range(4)]
    rows = [("N", day, pct, pct > 100) for day, pct in zip(days, (120.0, 90.0, 130.0, 101.0), strict=True)]
    rows += [("M", day, 50.0, False) for day in days] + [("unknown", day, None, None) for day in days]
    demand = pd.DataFrame(rows, columns=["origin_warehouse", "shipment_date", "utilisation_pct", "congested"])
    now = Period(days[1], days[0])
    found = load(demand, now, now.before())
    assert (found.over, found.over_before) == (Share(1, 4), Share(2, 4))
    assert (found.worst, found.worst_over, found.peak_pct, found.peak_day) == ("N", 1, 120.0, DAY)
    assert load(demand[demand["origin_warehouse"] == "unknown"], now, None) is None
    assert len(within(demand, now)) == 6


def _is_in(row: dict, act: Action) -> bool:
    parts = ("carrier", act.carrier), ("origin_warehouse", act.origin), ("destination_city", act.city)
    return all(wanted is None or row[name] == wanted for name, wanted in parts)


def _late(rows: list[dict]) -> int:
    return sum(row["shipments"] for row in rows if row["delay_days"] >= 2)


def _count(rows: list[dict]) -> int:
    return sum(row["shipments"] for row in rows)


def test_shipments_without_a_delay_count_in_no_share() -> None:
    """In transit, returned, lost, or without a promise: they count in volume and cost alone."""
    rows = [{"shipments": 90}, {"delay_days": 2, "shipments": 10}]
    open_ = {"delay_days": None, "state": "in_transit", "transit_days": None, "shipments": 100, "cost": 500.0}
    alone, both = figures(lane_days(rows)), figures(lane_days([*rows, open_]))
    assert both == replace(alone, shipments=200, priced=200, cost=alone.cost + 500.0)
    assert both.late_share == Share(10, 100)
    assert actions(lane_days([*rows, open_])) == actions(lane_days(rows))
    assert actions(lane_days([open_])) == []
    assert change(figures(lane_days([open_])), alone).now.whole == 0
