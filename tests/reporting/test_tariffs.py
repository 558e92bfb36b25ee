"""tariffs: estimated from sums of shipments, used only within their range, and compared to find cost increases."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipment_etl.reporting.dearer import find_dearer
from shipment_etl.reporting.findings import add_outcomes
from shipment_etl.reporting.tariffs import add_expected_cost

from .made_up import lane_days

RATE = st.floats(0.01, 50)
LANES = {("A", "X"): 400.0, ("A", "Y"): 1500.0, ("B", "X"): 900.0, ("B", "Y"): 2600.0, ("B", "Z"): 4000.0}


def _rows(
    draw: np.random.Generator,
    rates: tuple[float, float, float, float] = (10, 0.2, 0.005, 0.1),
    noise: float = 0.0,
    kg: float = 8.0,
    carriers: str = "CD",
    distance: bool = True,
) -> list[dict]:
    """Sums of shipments of all sizes, priced by a carrier with these rates."""
    rows = []
    for carrier in carriers:
        for (origin, city), km in LANES.items():
            for delay, count in enumerate(draw.integers(2, 60, 6).tolist()):
                weights = kg * draw.pareto(2.2, count)
                each = rates[0] + rates[1] * weights + rates[2] * km + rates[3] * weights * km / 1000
                cost = float((each * draw.normal(1, noise, count)).sum())
                row = {"carrier": carrier, "origin_warehouse": origin, "destination_city": city, "delay_days": delay}
                row |= {"shipments": count, "cost": cost, "weight_kg": float(weights.sum())}
                if distance:
                    tonne_km = float((weights * km / 1000).sum())
                    row |= {"distance_km": km * count, "priced_tonne_km": tonne_km, "tonne_km_cost": cost}
                rows.append(row)
    return rows


def _raise(rows: list[dict], times: float, **part: str) -> list[dict]:
    """Rows in which the costs of a part of the network are multiplied."""
    dear = [row | {name: row[name] * times for name in ("cost", "tonne_km_cost")} for row in rows]
    return [one if part.items() <= row.items() else row for row, one in zip(rows, dear, strict=True)]


def _expect(now: list[dict], before: list[dict]) -> tuple[pd.DataFrame, pd.DataFrame]:
    return add_expected_cost(add_outcomes(lane_days(now)), add_outcomes(lane_days(before)))


@given(rates=st.tuples(RATE, RATE, RATE, RATE), seed=st.integers(0, 1000))
def test_exact_rates_are_recovered(rates: tuple[float, float, float, float], seed: int) -> None:
    draw = np.random.default_rng(seed)
    now, before = _expect(_rows(draw, rates), _rows(draw, rates))
    assert len(before) == 60
    for rows in (now, before):
        assert rows["expected_cost"].to_numpy() == pytest.approx(rows["cost"].to_numpy(), rel=1e-6)


def test_without_all_distances_weight_alone_explains_costs() -> None:
    draw, rates = np.random.default_rng(7), (10, 0.2, 0.0, 0.0)
    known, unknown = _rows(draw, rates), _rows(draw, rates, distance=False)
    for now, before in ((unknown, known), (known, unknown), (known[:1] + unknown[1:], known)):
        found, _ = _expect(now, before)
        assert found["expected_cost"].to_numpy() == pytest.approx(found["cost"].to_numpy())


def test_rows_that_a_tariff_cannot_price_are_left_out() -> None:
    draw = np.random.default_rng(7)
    before = _rows(draw)
    for more in ({"weight_kg": 9e9}, {"weighed_cost": 5.0}, {"cost": None, "weighed_cost": None}, {"carrier": "new"}):
        found, _ = _expect([{**before[0], **more}, *before[1:]], before)
        assert len(found) == 59, more
    few = [row for row in before if row["carrier"] == "C"] + [{**row, "carrier": "few"} for row in before[:19]]
    assert {*_expect(few, few)[0]["carrier"]} == {"C"}
    assert len(_expect(before, [])[0]) == 0


def test_constant_weights_do_not_explain_other_weights() -> None:
    """It is unknown which part of 10.00 is for 5 kg, so it is unknown what 7.5 kg should cost."""
    before = [{"shipments": 40 + n, "cost": 10.0 * (40 + n), "weight_kg": 5.0 * (40 + n)} for n in range(40)]
    now = [{**row, "cost": 1.5 * row["cost"], "weight_kg": 1.5 * row["weight_kg"]} for row in before]
    assert len(_expect(now, before)[0]) == 0
    assert len(_expect(before, before)[0]) == 40


def test_a_rise_of_five_per_cent_is_found_in_any_spread_of_weights() -> None:
    draw = np.random.default_rng(7)
    before, now = _rows(draw, noise=0.05), _rows(draw, noise=0.05)
    found = find_dearer(lane_days(_raise(now, 1.05, carrier="D")), lane_days(before), 6)
    assert {each.carrier for each in found} == {"D"}
    paid = sum(row["cost"] for row in now if row["carrier"] == "D")
    assert sum(each.cost_at_stake for each in found) == pytest.approx(0.05 * paid, rel=0.2)
    for each in found:
        assert each.avg_cost / each.cost_before == pytest.approx(1.05, abs=0.02)
        assert each.interval.low < each.cost_at_stake < each.interval.high
    assert find_dearer(lane_days(now), lane_days(before), 6) == []


def test_five_rows_of_one_carrier_on_one_lane_are_enough() -> None:
    draw = np.random.default_rng(7)
    before, now = _rows(draw, noise=0.05), _rows(draw, noise=0.05)
    part = {"carrier": "C", "origin_warehouse": "B", "destination_city": "Z"}
    (found,) = find_dearer(lane_days(_raise(now, 1.3, **part)), lane_days(before), 6)
    assert {"carrier": found.carrier, "origin_warehouse": found.origin, "destination_city": found.city} == part


def test_heavier_shipments_are_not_dearer() -> None:
    draw = np.random.default_rng(7)
    for noise in (0.0, 0.1):
        before, now = _rows(draw, noise=noise), _rows(draw, noise=noise, kg=14)
        assert find_dearer(lane_days(now), lane_days(before), 6) == []


def test_chance_makes_nothing_dearer() -> None:
    """Forty pages, each of which may name a carrier or lane by chance in one of a hundred cases."""
    draw = np.random.default_rng(7)
    days = [lane_days(_rows(draw, noise=0.3, carriers="CDEF")) for _ in range(41)]
    assert sum(bool(find_dearer(now, before, 6)) for before, now in pairwise(days)) <= 2
