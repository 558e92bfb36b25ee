"""The generator compared with its twin in Python: the engine generates what the definition says, value by value."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipment_etl import Disruption, Scenario
from shipment_etl.contracts.columns import MEASURES
from shipment_etl.dates import as_date
from shipment_etl.generator.lives import LIVES
from shipment_etl.generator.plan import FIRST_BATCH, LAST_BATCH, make_plan
from shipment_etl.generator.scenarios import SCENARIOS
from shipment_etl.generator.shipments import generate
from shipment_etl.network import Carrier, City, Network, Service, Tariff, Warehouse
from tests.frames import rows_of, types_of
from tests.generator import twin

TYPES = {
    "shipment_id": "string",
    "origin_warehouse": "string",
    "destination_city": "string",
    "carrier": "string",
    "shipment_weight_kg": "decimal(12,3)",
    "shipment_volume_m3": "decimal(12,3)",
    "shipment_date": "date",
    "promised_date": "date",
    "delivery_date": "date",
    "delay_days": "int",
    "delivery_status": "string",
    "route_distance_km": "decimal(10,3)",
    "shipping_cost": "decimal(14,2)",
    "batch_date": "date",
    "source_file": "string",
    "source_row": "bigint",
}

names = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=8).filter(str.strip)
money = st.decimals(Decimal(0), Decimal(500), places=4)
tariffs = st.builds(Tariff, money, money, money)
latenesses = st.integers(0, 1000)
latitudes, longitudes = st.floats(-90, 90), st.floats(-180, 180)
carriers = st.builds(
    Carrier,
    name=names,
    share=st.integers(1, 50),
    parcel=tariffs,
    truckload_share=st.sampled_from((0, 0, 5)),
    truckload=tariffs,
    extra_days=st.integers(0, 30),
    lateness=latenesses,
)
warehouses = st.builds(
    Warehouse,
    name=names,
    latitude=latitudes,
    longitude=longitudes,
    share=st.integers(1, 50),
    rhythm=st.tuples(*[st.integers(1, 200)] * 7),
    daily_capacity=st.one_of(st.none(), st.integers(1, 300)),
    lateness=latenesses,
)
cities = st.builds(City, name=names, latitude=latitudes, longitude=longitudes, lateness=latenesses)


def several(values, most):
    return st.lists(values, min_size=1, max_size=most, unique_by=lambda each: each.name).map(tuple)


@st.composite
def networks_with_services(draw: st.DrawFn) -> Network:
    """Networks that say which carrier moves how much on which lane."""
    places, ends, movers = draw(several(warehouses, 3)), draw(several(cities, 4)), draw(several(carriers, 3))
    named = [st.sampled_from([each.name for each in kind]) for kind in (places, ends, movers)]
    services = st.builds(
        Service,
        *named,
        share=st.integers(1, 50),
        promised_days=st.one_of(st.none(), st.integers(1, 200)),
        distance_km=st.one_of(st.none(), st.decimals(1, 20_000, places=1)),
        weight_kg=st.one_of(st.none(), st.decimals(1, 10_000, places=2)),
        price=st.integers(0, 1000),
        lateness=latenesses,
    )
    keys = st.lists(services, min_size=1, max_size=6, unique_by=key)
    unknown = st.lists(st.sampled_from(MEASURES), unique=True).map(tuple)
    return Network(places, ends, movers, services=tuple(draw(keys)), unknown=draw(unknown))


def key(service: Service) -> tuple[str, str, str]:
    return service.origin_warehouse, service.destination_city, service.carrier


networks = st.one_of(
    st.just(Network.default()),
    st.builds(Network, several(warehouses, 3), several(cities, 4), several(carriers, 3)),
    networks_with_services(),
)


delays = st.dictionaries(st.integers(-3, 30), st.integers(1, 100), min_size=1, max_size=6)
some_names = st.frozensets(st.sampled_from([*(each.name for each in Network.default().cities), "nowhere"]), max_size=3)
disruptions = st.builds(
    Disruption,
    delays=st.one_of(st.none(), delays),
    carriers=st.frozensets(st.sampled_from([each.name for each in Network.default().carriers]), max_size=3),
    cities=some_names,
    warehouses=st.frozensets(st.sampled_from([each.name for each in Network.default().warehouses]), max_size=3),
    name=names,
    surcharge=st.integers(-50, 300),
    missing=st.sampled_from(("", "", "shipment_volume_m3", "origin_warehouse")),
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
)
lives = st.dictionaries(st.sampled_from(LIVES), st.integers(0, 200), max_size=5)
scenarios = st.builds(
    Scenario,
    name=st.just("drawn"),
    summary=st.just(""),
    delays=delays,
    disruptions=st.lists(disruptions, max_size=4).map(tuple),
    truckloads=st.integers(0, 1000),
    surcharge=st.integers(0, 50),
    lives=lives,
    seasons=st.lists(st.integers(0, 400), min_size=12, max_size=12).map(tuple),
    varied=st.booleans(),
    calm=st.booleans(),
    rhythm=st.one_of(st.just((100,) * 7), st.tuples(*[st.integers(0, 200)] * 7)),
)


@settings(max_examples=30)
@given(
    day=st.dates(FIRST_BATCH, LAST_BATCH),
    count=st.integers(1, 300),
    seed=st.one_of(st.sampled_from((0, -1, 2**63, -(10**30))), st.integers()),
    scenario=st.one_of(st.sampled_from(sorted(SCENARIOS.values(), key=lambda each: each.name)), scenarios),
    since_days=st.one_of(st.none(), st.integers(-3, 30)),
    defects=st.one_of(st.sampled_from((0.0, 1.0)), st.floats(0, 1)),
    network=networks,
)
def test_the_engine_generates_the_same_as_the_twin(spark, day, count, seed, scenario, since_days, defects, network):
    if network.services:
        scenario = replace(scenario, carrier_delays={network.carriers[0].name: {-1: 5, 0: 3, 4: 2}})
    since = None if since_days is None else day - timedelta(days=since_days)
    given_ = {"rows": count, "seed": seed, "scenario": scenario, "defects": defects, "network": network, "since": since}
    made = generate(spark, date=day, truth=True, **given_)
    assert types_of(made) == {**TYPES, "defect": "string", "life": "string", "disruptions": "array<string>"}
    rows = rows_of(made)
    expected = twin.rows(make_plan(batch_date=day, **given_))
    assert len(rows) == len(expected)
    for column in made.columns:
        assert [row[column] for row in rows] == [row[column] for row in expected], column


@pytest.mark.parametrize("defects", [0.0, 1e-12, 0.5, 1.0])
def test_the_columns_and_their_types_do_not_depend_on_the_arguments(spark, defects):
    made = generate(spark, date="2026-11-23", rows=5, seed=1, defects=defects)
    assert types_of(made) == TYPES


def test_a_date_may_be_given_as_text(spark):
    as_text = generate(spark, date="2026-11-23", rows=20, seed=1)
    assert rows_of(as_text) == rows_of(generate(spark, date=as_date("2026-11-23"), rows=20, seed=1))
