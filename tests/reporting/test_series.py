"""Series: sums lose nothing, and never exceed what a page can show."""

from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipment_etl.reporting.series import (
    MAX_ROWS_TO_FILTER,
    OTHERS,
    cost_by_month,
    delay_trend,
    lane_grid,
    warehouse_load,
)

from .made_up import DAY, facts

TRENDS = st.dictionaries(
    st.tuples(st.dates(date(2026, 1, 1), date(2026, 3, 31)), st.sampled_from("XYZ")),
    st.integers(1, 1000).flatmap(lambda count: st.tuples(st.just(count), st.integers(0, count))),
    min_size=1,
)


def trends(counts: dict) -> pd.DataFrame:
    rows = [(day, city, shipments + 1, shipments, delayed) for (day, city), (shipments, delayed) in sorted(counts.items())]
    return pd.DataFrame(rows, columns=["shipment_date", "destination_city", "shipments", "with_delay", "delayed_shipments"])


@given(TRENDS)
def test_the_seven_day_line_covers_seven_calendar_days(counts: dict) -> None:
    for row in delay_trend(trends(counts)).rows:
        city, day = row["destination_city"], date.fromisoformat(row["day"])
        own = [(shipped, each) for (shipped, where), each in counts.items() if city in ("", where)]
        week = [each for shipped, each in own if day - timedelta(days=6) <= shipped <= day]
        if row["pct_7d"] is not None:
            assert row["pct_7d"] == pytest.approx(
                100 * sum(late for _, late in week) / sum(all_ for all_, _ in week), abs=1e-3
            )
        assert row["shipments"] == sum(all_ for shipped, (all_, _) in own if shipped == day)


@pytest.mark.parametrize(("days", "grain", "most"), [(400, "day", 400), (401, "week", 59), (3653, "month", 121)])
def test_many_days_become_weeks_or_months_and_no_shipment_is_lost(days: int, grain: str, most: int) -> None:
    made = facts(days)
    series = delay_trend(made.trends)
    every = [row for row in series.rows if not row["destination_city"]]
    assert (series.grain, len(every) <= most) == (grain, True)
    assert sum(row["shipments"] for row in every) == made.trends["with_delay"].sum()
    assert (grain in series.note) is (grain != "day")
    for city, own in made.trends.groupby("destination_city"):
        rows = [row for row in series.rows if row["destination_city"] == city]
        assert sum(row["shipments"] for row in rows) == own["with_delay"].sum()
    if grain == "week":
        assert {date.fromisoformat(row["day"]).weekday() for row in series.rows} == {0}


def test_a_city_has_the_seven_day_share_of_the_mart() -> None:
    made = facts(30)
    series = delay_trend(made.trends)
    assert series.choices == {"destination_city": ("X", "Y", "Z")}
    found = {(row["day"], row["destination_city"]): row["pct_7d"] for row in series.rows if row["destination_city"]}
    mart = made.trends.to_dict("records")
    assert found == {(row["shipment_date"].isoformat(), row["destination_city"]): row["delayed_pct_7d"] for row in mart}


def test_only_the_largest_cities_and_no_lanes_have_rows_to_filter_where_there_are_many() -> None:
    made = facts(100, cities=[f"X{n:02d}" for n in range(40)], carriers=[f"C{n}" for n in range(7)])
    series = delay_trend(made.trends)
    assert len(series.rows) <= MAX_ROWS_TO_FILTER
    assert len(series.choices["destination_city"]) == 19
    costs = cost_by_month(made.costs)
    assert (len(costs.rows), list(costs.choices)) == (7 * 4, ["carrier"])
    few = cost_by_month(facts().costs)
    assert list(few.choices) == ["carrier", "origin_warehouse", "destination_city"]
    assert len(few.rows) == len(facts().costs)


def test_load_counts_congested_days_at_any_grain() -> None:
    for days, grain in ((30, "day"), (200, "week"), (3000, "month")):
        made = facts(days)
        series = warehouse_load(made.demand)
        assert series.grain == grain
        assert sum(row["congested"] for row in series.rows) == made.demand["congested"].sum()
        assert sum(row["days"] for row in series.rows) == len(made.demand)
        assert {row["capacity"] for row in series.rows} == {100.0}


def test_unknown_capacities_and_costs_stay_unknown() -> None:
    made = facts(known=False)
    assert {(row["capacity"], row["congested"], row["pct"]) for row in warehouse_load(made.demand).rows} == {
        (None, None, None)
    }
    assert cost_by_month(made.costs).rows == ()
    assert {row["cost_per_tonne_km"] for row in lane_grid(made.lanes).rows} == {None}


def test_small_carriers_are_added_up_with_a_note() -> None:
    made = facts(carriers=[f"C{n}" for n in range(30)])
    series = cost_by_month(made.costs)
    assert len(series.names) == 8
    assert series.names[-1] == OTHERS
    assert sum(row["cost"] for row in series.rows) == pytest.approx(made.costs["total_cost"].sum())
    assert "7 of 30 carriers with the highest costs" in series.note


def test_many_years_of_months_become_years() -> None:
    costs = pd.DataFrame(
        [(f"{year}-{month:02d}", "C", 10, 5.0) for year in range(2010, 2022) for month in range(1, 13)],
        columns=["month", "carrier", "shipments", "total_cost"],
    )
    series = cost_by_month(costs)
    assert (series.grain, len(series.rows)) == ("year", 12)
    assert "By year" in series.note


def test_a_grid_shows_the_largest_places_and_says_so() -> None:
    made = facts(origins=[f"W{n:02d}" for n in range(30)], cities=[f"X{n:02d}" for n in range(25)])
    series = lane_grid(made.lanes)
    assert len(series.rows) == 400
    assert "20 of 30 origins and 20 of 25 destinations" in series.note
    assert lane_grid(facts().lanes).note == ""


def test_nothing_is_an_empty_series() -> None:
    made = facts()
    for series in (
        delay_trend(made.trends[:0]),
        warehouse_load(made.demand[:0]),
        cost_by_month(made.costs[:0]),
        lane_grid(made.lanes[:0]),
    ):
        assert series.rows == ()


def test_the_last_day_is_included() -> None:
    assert delay_trend(facts().trends).rows[-1]["day"] == DAY.isoformat()


def test_a_day_without_deliveries_has_no_share() -> None:
    counts = {(date(2026, 1, day), "X"): (10, 5) for day in range(1, 8)} | {(date(2026, 1, 8), "X"): (0, 0)}
    last = delay_trend(trends(counts)).rows[7]
    assert (last["day"], last["shipments"], last["pct"], last["pct_7d"]) == ("2026-01-08", 0, None, 50)
