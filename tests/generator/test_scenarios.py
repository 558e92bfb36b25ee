"""scenarios: what the summary of each says, measured on generated shipments of every day of a week."""

from dataclasses import replace
from datetime import date, timedelta
from functools import cache

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import Column
from pyspark.sql import functions as F

from shipment_etl.generator.scenarios import SCENARIOS
from shipment_etl.generator.shipments import generate

MONDAY = date(2026, 11, 23)
WEEK = [MONDAY + timedelta(days=n) for n in range(7)]
ROWS = 20_000
TRUCKLOAD_KG = 5_000
WORKING_DAYS, ALL_BUT_SUNDAY = set(range(5)), set(range(6))

on_each_day = pytest.mark.parametrize("day", WEEK, ids=lambda day: f"{day:%A}")


@pytest.fixture(scope="module")
def shipments(spark):
    """Return the shipments of a scenario and day, generated once, with numbers as doubles."""

    @cache
    def made(scenario: str, day: date = MONDAY) -> pd.DataFrame:
        # Without lives, every shipment has an outcome.
        drawn = replace(SCENARIOS[scenario], lives={})
        frame = generate(spark, date=day, rows=ROWS, seed=11, scenario=drawn)
        rows = frame.select(
            "source_row",
            *("origin_warehouse", "destination_city", "carrier", "delay_days", "delivery_status"),
            F.col("shipment_weight_kg").cast("double").alias("kg"),
            F.col("route_distance_km").cast("double").alias("km"),
            F.col("shipping_cost").cast("double").alias("cost"),
            F.datediff("delivery_date", "shipment_date").alias("transit_days"),
            weekday("promised_date").alias("promised"),
            weekday("delivery_date").alias("delivered"),
        ).toPandas()
        return rows.sort_values("source_row", ignore_index=True)

    return made


def weekday(day: str) -> Column:
    """Return the day of the week, Monday being 0. Not Spark's `weekday`: Sail's Sunday is −1. Day 0 was a Thursday."""
    return (F.unix_date(day) + 3) % 7


def lanes_of(rows: pd.DataFrame) -> pd.Series:
    return rows.groupby(["origin_warehouse", "destination_city"]).size().sort_values(ascending=False)


def changed(one: pd.DataFrame, other: pd.DataFrame) -> pd.Series:
    """Return for each row of two batches whether anything differs."""
    return (one != other).any(axis="columns")


@on_each_day
def test_baseline_is_6_to_9_per_cent_late_most_a_day_early_with_a_long_tail(shipments, day):
    rows = shipments("baseline", day)
    assert 0.06 <= (rows.delay_days > 0).mean() <= 0.09
    assert rows.delay_days.median() < 0
    assert rows.transit_days.quantile(0.99) / rows.transit_days.quantile(0.5) > 3


def test_a_week_of_swiftship_is_30_per_cent_two_or_more_days_late(spark):
    # As many rows as in the demo, because warehouses above capacity are part of it.
    scenario = replace(SCENARIOS["swiftship"], lives={})
    shares = [
        generate(spark, date=day - timedelta(days=7), rows=100_000, seed=7, scenario=scenario)
        .agg(F.avg((F.col("delay_days") >= 2).cast("double")))
        .collect()[0][0]
        for day in WEEK
    ]
    assert sum(shares) / 7 == pytest.approx(0.30, abs=0.01)
    assert all(0.25 <= share <= 0.36 for share in shares)


@on_each_day
@pytest.mark.parametrize("scenario", ["baseline", "peak"])
def test_no_weekday_changes_the_shares_of_early_on_time_a_day_late_and_later(shipments, scenario, day):
    delays = shipments(scenario, day).delay_days
    drawn = SCENARIOS[scenario].delays
    for kind in (lambda days: days < 0, lambda days: days == 0, lambda days: days == 1, lambda days: days >= 2):
        share = sum(weight for days, weight in drawn.items() if kind(days)) / sum(drawn.values())
        assert abs(kind(delays).mean() - share) <= 0.012


@on_each_day
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_nothing_is_promised_for_a_weekend_delivered_on_a_sunday_or_on_the_day_it_left(shipments, scenario, day):
    rows = shipments(scenario, day)
    assert set(rows.promised) <= WORKING_DAYS
    assert set(rows.delivered) == ALL_BUT_SUNDAY
    assert rows.transit_days.min() >= 1


def test_parcels_travel_farther_than_heavy_freight(shipments):
    below_truckload = shipments("baseline").query(f"kg < {TRUCKLOAD_KG}")
    assert below_truckload.kg.corr(below_truckload.km) < -0.05
    assert below_truckload.kg.rank().corr(below_truckload.km.rank()) < -0.05


@on_each_day
def test_a_few_carriers_carry_most(shipments, day):
    shares = shipments("baseline", day).carrier.value_counts(normalize=True).sort_values(ascending=False)
    assert len(shares) == 7
    assert shares.iloc[:2].sum() > 0.5
    assert shares.iloc[0] > 5 * shares.iloc[-1]


@on_each_day
def test_a_few_lanes_carry_most(shipments, day):
    lanes = lanes_of(shipments("baseline", day))
    assert len(lanes) == 32
    assert lanes.iloc[0] >= 3 * lanes.median()
    slope, _ = np.polyfit(np.log(np.arange(1, 33)), np.log(lanes), 1)
    assert slope < -0.7


def test_the_warehouses_have_busy_and_slow_days(shipments):
    shares = pd.DataFrame({day: shipments("baseline", day).origin_warehouse.value_counts(normalize=True) for day in WEEK})
    assert shares.loc["IL_Warehouse", WEEK[0]] > 1.5 * shares.loc["IL_Warehouse", WEEK[6]]
    assert shares.loc["CA_Warehouse", WEEK[6]] > 1.5 * shares.loc["CA_Warehouse", WEEK[0]]


@on_each_day
def test_a_strike_makes_the_shipments_of_one_carrier_a_week_late_and_changes_no_other(shipments, day):
    normal, struck = shipments("baseline", day), shipments("strike", day)
    differs = changed(normal, struck)
    assert set(struck.carrier[differs]) == {"UPS"}
    delays = struck.delay_days[struck.carrier == "UPS"]
    assert (delays > 0).mean() > 0.95
    assert 5 <= delays.median() <= 9


@on_each_day
def test_a_storm_delays_only_shipments_to_and_from_its_places(shipments, day):
    normal, stormy = shipments("baseline", day), shipments("storm", day)
    there = stormy.destination_city.isin(["Chicago", "Boston"]) | (stormy.origin_warehouse == "IL_Warehouse")
    assert there[changed(normal, stormy)].all()
    assert (stormy.delay_days[there] > 0).mean() > 0.8
    assert 1 <= stormy.delay_days[there].median() <= 3


@on_each_day
def test_a_peak_has_more_parcels_that_are_later_and_more_expensive(shipments, day):
    normal, peak = shipments("baseline", day), shipments("peak", day)
    assert 0.3 < (peak.kg > TRUCKLOAD_KG).mean() / (normal.kg > TRUCKLOAD_KG).mean() < 0.7
    assert (peak.delay_days > 0).mean() > 2 * (normal.delay_days > 0).mean()
    parcels = [rows.query(f"kg < {TRUCKLOAD_KG} and carrier == 'UPS'") for rows in (normal, peak)]
    base = [(rows.cost - 0.5 * rows.kg - 0.0105 * rows.km).mean() for rows in parcels]
    assert base[1] / base[0] == pytest.approx(1.12, abs=0.01)


def test_truckloads_are_rare_and_heavy(shipments):
    kg = shipments("baseline").kg
    assert (kg >= 9_000).mean() == pytest.approx(0.012, abs=0.003)
    assert (kg > TRUCKLOAD_KG).mean() < 0.015
    assert kg.max() <= 20_000


def test_a_scenario_cannot_be_changed():
    with pytest.raises(TypeError):
        SCENARIOS["baseline"] = SCENARIOS["storm"]


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_has_its_name_a_summary_and_delays(name):
    scenario = SCENARIOS[name]
    assert scenario.name == name
    assert scenario.summary
    own = [disruption.delays for disruption in scenario.disruptions if disruption.delays is not None]
    for delays in (scenario.delays, *own):
        assert min(delays.values()) > 0
    assert all(disruption.name for disruption in scenario.disruptions)
