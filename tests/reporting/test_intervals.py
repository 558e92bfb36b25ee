"""intervals: they contain the true value as often as stated, and match published examples."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from shipment_etl.reporting.actions import actions
from shipment_etl.reporting.advice import CheaperCarrier, Dearer, Later
from shipment_etl.reporting.cheaper import find_cheaper_carriers
from shipment_etl.reporting.dearer import find_dearer
from shipment_etl.reporting.intervals import (
    Z,
    interval_of_difference,
    interval_of_estimate,
    normal_of_student,
    student_of_normal,
)
from shipment_etl.reporting.late import add_interval, compare
from shipment_etl.reporting.slices import SUMMED

from .made_up import lane_days

DRAWS = 40
MIN_HITS = 0.85
"""Share of the draws that a 95 % interval contains, except in one of a hundred cases."""


@pytest.mark.parametrize(
    ("part", "whole", "other", "other_whole", "low", "high"),
    [
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (6, 7, 2, 7, 0.0582, 0.8062),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 20, -0.1611, 0.2775),
        (0, 10, 0, 10, -0.2775, 0.2775),
        (10, 10, 0, 20, 0.6791, 1.0000),
        (10, 10, 0, 10, 0.6075, 1.0000),
    ],
)
def test_intervals_match_the_paper(part, whole, other, other_whole, low, high) -> None:
    """Newcombe (1998), table II, method 10."""
    shares = (pd.Series([float(value)]) for value in (part / whole, whole, other / other_whole, other_whole))
    found = [end.item() for end in interval_of_difference(*shares)]
    assert found == pytest.approx([low, high], abs=5e-5)


def test_an_estimate_without_a_variance_has_no_interval() -> None:
    assert interval_of_estimate(5.0, float("nan")) is None
    found = interval_of_estimate(5.0, 4.0)
    assert (found.low, found.high) == pytest.approx((1.08, 8.92), abs=0.001)


@pytest.mark.parametrize(("freedom", "deviate"), [(2, 4.303), (5, 2.571), (9, 2.262), (30, 2.042), (1000, 1.962)])
def test_few_rows_have_wider_intervals(freedom: int, deviate: float) -> None:
    """The two-sided 95 % points from a table of Student's t-distribution."""
    assert student_of_normal(Z, freedom) == pytest.approx(deviate, rel=0.05)
    both = normal_of_student(pd.Series([deviate, -deviate]), pd.Series([freedom, freedom]))
    assert both.tolist() == pytest.approx([Z, -Z], rel=0.05)


@pytest.mark.parametrize("shipments", [8, 200])
def test_intervals_of_late_shipments_saved_contain_the_truth(shipments: int) -> None:
    """Carrier C is later by 15 points on each of 10 small or large lanes, which differ in lateness."""
    draw = np.random.default_rng(7)
    truth, hits = 10 * shipments * 0.15, 0
    for _ in range(DRAWS):
        rows = [
            {
                "carrier": carrier,
                "origin_warehouse": f"W{n % 5}",
                "destination_city": f"X{n}",
                "shipments": count,
                "late": late,
            }
            for (n, share), carrier in product(enumerate(np.linspace(0.02, 0.3, 10)), "CDE")
            for count in [shipments if carrier == "C" else max(30, 2 * shipments)]
            for late in [draw.binomial(count, share + 0.15 * (carrier == "C"))]
        ]
        pairs = pd.DataFrame(rows).assign(**dict.fromkeys(sorted({*SUMMED} - {"shipments", "late"}), 0))
        carriers = add_interval(compare(pairs, ("carrier",))).set_index("carrier")
        hits += "C" in carriers.index and carriers.excess_low["C"] <= truth <= carriers.excess_high["C"]
    assert hits >= MIN_HITS * DRAWS


def _priced(draw: np.random.Generator, mean: float, carrier: str = "C") -> list[dict]:
    return [
        {
            "carrier": carrier,
            "shipments": count,
            "cost": float(draw.gamma(4, mean / 4, count).sum()),
            "weight_kg": 5.0 * count,
        }
        for count in draw.integers(20, 60, 40).tolist()
    ]


def test_intervals_of_cost_increases_contain_the_truth() -> None:
    draw, hits = np.random.default_rng(7), 0
    for _ in range(DRAWS):
        now, before = lane_days(_priced(draw, 12.0)), lane_days(_priced(draw, 10.0))
        (found,) = find_dearer(now, before, 1)
        assert isinstance(found, Dearer)
        hits += found.interval.low <= 2.0 * now["shipments"].sum() <= found.interval.high
    assert hits >= MIN_HITS * DRAWS


def test_intervals_of_cheaper_carriers_contain_the_truth() -> None:
    draw, hits = np.random.default_rng(7), 0
    for _ in range(DRAWS):
        dear, cheap = _priced(draw, 12.0, "dear"), _priced(draw, 10.0, "cheap")
        (found,) = find_cheaper_carriers(lane_days([*dear, *cheap]))
        assert isinstance(found, CheaperCarrier)
        hits += found.interval.low <= 2.0 * sum(row["shipments"] for row in dear) <= found.interval.high
    assert hits >= MIN_HITS * DRAWS


def test_a_price_that_chance_may_explain_is_not_reported() -> None:
    """One row of the dear carrier costs twenty times as much, which raises its mean."""
    draw = np.random.default_rng(7)
    dear, cheap = _priced(draw, 10.0, "dear"), _priced(draw, 10.0, "cheap")
    dear[0]["cost"] *= 20
    assert find_cheaper_carriers(lane_days([*dear, *cheap])) == []
    (found,) = find_cheaper_carriers(lane_days([*dear[:2], *cheap]))
    assert found.interval is None


def test_actions_of_a_kind_are_ranked_by_what_they_save() -> None:
    rows = []
    for carrier, origin, city in product("CDE", "AB", "XYZ"):
        share = {("C", "A", "X"): 0.3, ("D", "B", "Y"): 0.6, ("E", "B", "Z"): 0.45}.get((carrier, origin, city), 0.05)
        price = {"C": 10.0, "D": 12.0, "E": 15.0}[carrier]
        keys = {"carrier": carrier, "origin_warehouse": origin, "destination_city": city}
        for delay, shipments in ((0, round(1000 * (1 - share))), (3, round(1000 * share))):
            rows.append({**keys, "delay_days": delay, "shipments": shipments, "cost": price * shipments})
    found = actions(lane_days(rows), most=20)
    kinds = [isinstance(each, Later) for each in found]
    assert kinds == sorted(kinds, reverse=True)
    for late in (True, False):
        sizes = [each.size for each in found if isinstance(each, Later) is late]
        assert len(sizes) > 1
        assert sizes == sorted(sizes, reverse=True)
