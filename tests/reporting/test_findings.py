"""Findings: the numbers of the sentences agree with plain counting, and chance is not reported."""

from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipment_etl.reporting.findings import Share, clearly_differ, figures, measure_change, measure_load, select_period
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


def test_a_change_is_clear_or_not() -> None:
    small, large = figures(lane_days([{"shipments": 90}, {"delay_days": 2, "shipments": 10}])), None
    assert measure_change(small, large).before is None
    large = figures(lane_days([{"shipments": 9200}, {"delay_days": 2, "shipments": 800}]))
    assert not measure_change(small, large).clear
    found = measure_change(figures(lane_days([{"shipments": 9000}, {"delay_days": 2, "shipments": 1000}])), large)
    assert found.clear
    assert found.points == pytest.approx(-2.0)


@given(st.integers(0, 1000), st.integers(1, 1000), st.integers(0, 1000), st.integers(1, 1000))
def test_clearly_differ_is_symmetric_and_never_fails(a: int, b: int, c: int, d: int) -> None:
    one, other = Share(min(a, b), b), Share(min(c, d), d)
    assert clearly_differ(one, other) == clearly_differ(other, one)
    assert not clearly_differ(one, one)


def test_load_counts_warehouse_days_over_capacity() -> None:
    days = [DAY - timedelta(days=n) for n in range(4)]
    rows = [("N", day, pct, pct > 100) for day, pct in zip(days, (120.0, 90.0, 130.0, 101.0), strict=True)]
    rows += [("M", day, 50.0, False) for day in days] + [("unknown", day, None, None) for day in days]
    demand = pd.DataFrame(rows, columns=["origin_warehouse", "shipment_date", "utilisation_pct", "congested"])
    now = Period(days[1], days[0])
    found = measure_load(demand, now, now.shift_back())
    assert (found.over, found.over_before) == (Share(1, 4), Share(2, 4))
    assert (found.worst, found.worst_over, found.peak_pct, found.peak_day) == ("N", 1, 120.0, DAY)
    assert measure_load(demand[demand["origin_warehouse"] == "unknown"], now, None) is None
    assert len(select_period(demand, now)) == 6


def test_shipments_without_a_delay_count_in_no_share() -> None:
    """In transit, returned, lost, or without a promised date: they count only in volume and cost."""
    rows = [{"shipments": 90}, {"delay_days": 2, "shipments": 10}]
    open_ = {"delay_days": None, "state": "in_transit", "transit_days": None, "shipments": 100, "cost": 500.0}
    alone, both = figures(lane_days(rows)), figures(lane_days([*rows, open_]))
    assert both == replace(alone, shipments=200, priced=200, cost=alone.cost + 500.0)
    assert both.late_share == Share(10, 100)
    assert both.on_time_share == Share(90, 100)
    assert measure_change(figures(lane_days([open_])), alone).now.whole == 0
