"""world: lateness of carriers and places, months, warehouses above capacity, and storms, on generated shipments."""

from dataclasses import replace
from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import functions as F

from shipment_etl.generator.scenarios import SCENARIOS
from shipment_etl.generator.shipments import generate
from shipment_etl.generator.world import disruptions_of, level_delays
from shipment_etl.network import Network

BASELINE = SCENARIOS["baseline"]
VARIED = replace(BASELINE, varied=True)
DAY = date(2026, 11, 17)
WEEKS = [DAY + timedelta(days=number) for number in range(400)]


def late_share(rows: pd.DataFrame) -> float:
    return float((rows.delay_days > 0).mean())


def drawn(spark, scenario, day=DAY, rows=40_000, **more) -> pd.DataFrame:
    made = generate(spark, date=day, rows=rows, seed=3, scenario=scenario, truth=True, **more)
    columns = ["carrier", "origin_warehouse", "destination_city", "delay_days", F.size("disruptions").alias("struck")]
    return made.select(*columns).toPandas()


@given(
    st.dictionaries(st.integers(-5, 30), st.integers(1, 1000), min_size=1, max_size=12),
    st.integers(0, 1000),
)
def test_levels_change_the_share_of_late_days_and_keep_all_others_in_proportion(delays, percent):
    changed = level_delays(delays, percent)
    total = sum(delays.values())
    assert sum(changed.values()) == total
    late = sum(weight for days, weight in delays.items() if days > 0)
    if 0 < late < total:
        share = sum(weight for days, weight in changed.items() if days > 0)
        assert share * 100 == min(late * percent, total * 95)
        for side in (lambda days: days > 0, lambda days: days <= 0):
            ratios = {changed[days] / delays[days] for days in delays if side(days)}
            assert len(ratios) == 1


def test_a_carrier_is_as_late_as_the_network_declares(spark):
    network = Network.default()
    rows = drawn(spark, VARIED, network=network)
    rows = rows[rows.struck == 0]
    by_carrier = rows.groupby("carrier").apply(late_share, include_groups=False)
    assert by_carrier["OnTrac"] > 1.3 * by_carrier["UPS"]
    assert by_carrier["USPS"] > 1.2 * by_carrier["FedEx"]


def test_no_carrier_differs_if_the_scenario_is_not_varied(spark):
    rows = drawn(spark, BASELINE)
    by_carrier = rows.groupby("carrier").apply(late_share, include_groups=False)
    assert by_carrier.max() < 1.35 * by_carrier.min()


def test_more_shipments_are_late_in_some_months(spark):
    seasons = (100,) * 10 + (200, 100)
    november, december = (drawn(spark, replace(BASELINE, seasons=seasons), day=date(2026, month, 17)) for month in (11, 12))
    assert late_share(november) == pytest.approx(2 * late_share(december), rel=0.1)


def test_shipments_of_a_warehouse_above_capacity_are_a_day_later(spark):
    rows = drawn(spark, VARIED, rows=200_000)
    usual = drawn(spark, BASELINE, rows=200_000)
    assert (rows.struck > 0).all()
    assert rows.delay_days.mean() == pytest.approx(usual.delay_days.mean() + 1, abs=0.15)


@pytest.mark.parametrize("rows", [1, 10_000])
def test_no_warehouse_is_above_capacity_on_a_quiet_day(rows):
    found = disruptions_of(VARIED, Network.default(), [DAY], rows=rows, seed=3)
    assert not [each for each in found if "capacity" in each.name]


def test_storms_are_rare_short_regional_and_determined_by_the_seed():
    network = Network.default()
    storms = [each for each in disruptions_of(VARIED, network, WEEKS, rows=1, seed=3) if each.name.startswith("storm")]
    assert storms == [
        each for each in disruptions_of(VARIED, network, WEEKS, rows=1, seed=3) if each.name.startswith("storm")
    ]
    assert storms != [
        each for each in disruptions_of(VARIED, network, WEEKS, rows=1, seed=4) if each.name.startswith("storm")
    ]
    begun = {(each.name, each.since) for each in storms}
    # Eight in a thousand days, at each of eight cities.
    assert 10 <= len(begun) <= 45
    assert {(each.until - each.since).days for each in storms} == {0, 1, 2}
    # Its warehouse is 60 km from Chicago.
    at_chicago = {each.since for each in storms if each.name == "storm at Chicago"}
    assert at_chicago
    assert at_chicago == {each.since for each in storms if "IL_Warehouse" in each.warehouses and "Chicago" in each.name}


def test_a_day_in_a_storm_looks_the_same_from_later_days():
    """Reports on earlier shipments are drawn with the disruptions of their own day."""
    network = Network.default()
    for day in WEEKS[21:60]:
        alone = set(_names(disruptions_of(VARIED, network, [day], rows=1, seed=3), day))
        later = disruptions_of(VARIED, network, [day + timedelta(days=7), *WEEKS[21:60]], rows=1, seed=3)
        assert set(_names(later, day)) == alone


def _names(disruptions, day):
    return [(each.name, each.since, each.cities, each.warehouses) for each in disruptions if each.strikes(day)]
