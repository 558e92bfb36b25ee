"""services: a network that says which carrier moves how much on which lane, and the network's own scenario."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from shipment_etl import Scenario
from shipment_etl.contracts.models import contract
from shipment_etl.contracts.split import split
from shipment_etl.errors import InvalidValue, NetworkError
from shipment_etl.generator.scenarios import SCENARIOS, choose_scenario
from shipment_etl.generator.services import MILLION, split_delays
from shipment_etl.generator.shipments import generate
from shipment_etl.network import Carrier, City, Network, Service, Tariff, Warehouse

MONDAY = date(2026, 11, 16)
TARIFF = Tariff(Decimal(10), Decimal("0.5"), Decimal("0.01"))
OWN = Scenario(
    "own",
    "",
    {-1: 50, 0: 50},
    carrier_delays={"slow": {0: 60, 3: 40}},
    varied=True,
    calm=True,
    rhythm=(200, 100, 100, 100, 100, 50, 0),
)
NETWORK = Network(
    warehouses=(Warehouse("a"), Warehouse("b", rhythm=(0, 100, 100, 100, 100, 100, 100))),
    cities=(City("x"), City("y")),
    carriers=(Carrier("fast", parcel=TARIFF), Carrier("slow", parcel=TARIFF)),
    services=(
        Service("a", "x", "fast", 6, 3, Decimal(100), Decimal(40), price=200),
        Service("a", "y", "slow", 3, 20, Decimal(500), Decimal(5)),
        Service("b", "y", "slow", 1, 20, Decimal(900), lateness=200),
    ),
    scenario=OWN,
)


def drawn(spark: SparkSession, network: Network = NETWORK, day: date = MONDAY + timedelta(days=1), **more) -> pd.DataFrame:
    made = generate(spark, date=day, rows=40_000, seed=3, network=network, **more)
    doubles = ("shipment_weight_kg", "route_distance_km", "shipping_cost")
    columns = ("origin_warehouse", "destination_city", "carrier", "delay_days")
    promised = F.datediff("promised_date", "shipment_date").alias("promised")
    return made.select(*columns, promised, *(F.col(name).cast("double") for name in doubles)).toPandas()


def test_each_service_is_as_declared(spark: SparkSession) -> None:
    rows = drawn(spark)
    services = dict(iter(rows.groupby(["origin_warehouse", "destination_city", "carrier"])))
    assert set(services) == {("a", "x", "fast"), ("a", "y", "slow"), ("b", "y", "slow")}
    ax, ay, by = (services[each] for each in sorted(services))
    assert [round(len(each) / len(rows), 2) for each in (ax, ay, by)] == [0.6, 0.3, 0.1]
    assert [each["route_distance_km"].unique().tolist() for each in (ax, ay, by)] == [[100], [500], [900]]
    assert [each["shipment_weight_kg"].mean() for each in (ax, ay)] == pytest.approx([40, 5], rel=0.06)
    assert ax["shipping_cost"].mean() == pytest.approx(2 * (10 + 0.5 * 40 + 1), rel=0.05)
    # From a Tuesday: 20 days later it is a Monday.
    assert [each["promised"].unique().tolist() for each in (ax, ay, by)] == [[3], [20], [20]]
    assert [(each["delay_days"] > 0).mean() for each in (ax, ay, by)] == pytest.approx([0, 0.4, 0.8], abs=0.015)


def test_nothing_leaves_a_warehouse_on_a_day_with_rhythm_0(spark: SparkSession) -> None:
    assert set(drawn(spark, day=MONDAY)["origin_warehouse"]) == {"a"}


@pytest.mark.parametrize(("days", "rows"), [(0, 200), (1, 100), (5, 50), (6, 1)])
def test_the_rhythm_sets_the_number_of_new_shipments(spark: SparkSession, days: int, rows: int) -> None:
    made = generate(spark, date=MONDAY + timedelta(days=days), rows=100, seed=3, network=NETWORK)
    assert made.count() == rows


def test_a_requested_scenario_replaces_that_of_the_network(spark: SparkSession) -> None:
    rows = drawn(spark, scenario="peak")
    delays = SCENARIOS["peak"].delays
    late = sum(weight for days, weight in delays.items() if days > 0) / sum(delays.values())
    for _, each in rows.groupby("carrier"):
        assert (each["delay_days"] > 0).mean() == pytest.approx(late, abs=0.015)


def test_unknown_measures_are_left_out_and_the_contract_accepts_that(spark: SparkSession) -> None:
    network = replace(NETWORK, unknown=("route_distance_km", "shipping_cost"))
    network = replace(network, services=tuple(replace(each, distance_km=None) for each in network.services))
    made = generate(spark, date=MONDAY, rows=100, seed=3, network=network)
    good, bad = split(made, contract(network))
    assert (good.count(), bad.count()) == (200, 0)
    assert good.select("route_distance_km", "shipping_cost").distinct().collect() == [(None, None)]


@given(st.dictionaries(st.integers(-5, 30), st.integers(0, 100), min_size=1).filter(lambda each: any(each.values())))
def test_delays_are_split_into_on_time_and_late_ones(delays: dict[int, int]) -> None:
    in_time, late, late_ppm = split_delays(delays)
    share = sum(weight for days, weight in delays.items() if days > 0) / sum(delays.values())
    assert late_ppm == pytest.approx(share * MILLION, abs=1)
    assert all(days <= 0 for days in in_time) or late_ppm == MILLION
    assert all(days > 0 for days in late) or late_ppm == 0


def test_the_scenario_is_the_requested_one_else_that_of_the_network_else_baseline() -> None:
    assert choose_scenario(NETWORK) is OWN
    assert choose_scenario(NETWORK, "own") is OWN
    assert choose_scenario(NETWORK, "storm") is SCENARIOS["storm"]
    assert choose_scenario(Network.default()) is SCENARIOS["baseline"]
    with pytest.raises(InvalidValue, match="own"):
        choose_scenario(Network.default(), "own")


def test_delays_of_carriers_need_services() -> None:
    with pytest.raises(InvalidValue, match="carrier_delays"):
        generate(None, date=MONDAY, rows=1, seed=1, scenario=OWN)  # type: ignore[arg-type]  # refused before any query


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"services": (Service("a", "x", "fats"),)}, "the network has no carrier 'fats'. Did you mean 'fast'"),
        ({"services": (Service("a", "x", "fast"), Service("a", "x", "fast"))}, "is listed twice"),
        ({"services": (Service("a", "x", "fast", promised_days=0),)}, "promised_days is 0"),
        ({"services": (Service("a", "x", "fast", distance_km=Decimal(0)),)}, "distance_km is 0"),
        ({"scenario": replace(OWN, carrier_delays={"slwo": {0: 1}})}, "'slwo', which is not a carrier.*Did you mean 'slow'"),
        ({"scenario": replace(OWN, delays={0: 0})}, "a weight below 0, or none above 0"),
        ({"scenario": replace(OWN, seasons=(100,))}, "a season for each of the twelve months"),
        ({"scenario": replace(OWN, rhythm=(-1, *OWN.rhythm[1:]))}, "rhythm is -1"),
    ],
)
def test_invalid_services_and_scenarios_are_refused(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(NetworkError, match=told):
        replace(NETWORK, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("network", "told"),
    [
        (replace(NETWORK, services=(Service("a", "x", "fast"),)), "has no coordinates"),
        (replace(NETWORK, carriers=(Carrier("fast"), Carrier("slow"))), "no parcel tariff"),
    ],
)
def test_a_service_without_distance_or_tariff_is_refused_before_any_query(network: Network, told: str) -> None:
    with pytest.raises(NetworkError, match=told):
        generate(None, date=MONDAY, rows=1, seed=1, network=network)  # type: ignore[arg-type]
