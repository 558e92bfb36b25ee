"""learning: from made-up rows of lane_days to a network; what it reveals, in which groups, and that it can be read back."""

from datetime import date, timedelta
from decimal import Decimal

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from shipment_etl.network import Network
from shipment_etl.twin.learning import learn_network
from shipment_etl.twin.sums import ADDED, HISTOGRAM, sum_up

FIRST = date(2026, 1, 5)
DECIMALS = ("weight_kg", "volume_m3", "distance_km", "cost", "weighed_cost", "priced_weight_kg")
SCHEMA = pa.schema(
    [
        pa.field("shipment_date", pa.date32()),
        *(pa.field(name, pa.int32() if name == "delay_days" else pa.string()) for name in HISTOGRAM),
        *(pa.field(name, pa.decimal128(38, 3) if name in DECIMALS else pa.int64()) for name in ADDED),
    ]
)


def row(day=0, origin="a", city="b", carrier="c", delay=0, shipments=1, state="delivered", lead=4, kg=10, km=300, cost=50):
    """Return a row of lane_days, of shipments that are all the same."""
    return {
        "shipment_date": FIRST + timedelta(days=day),
        "origin_warehouse": origin,
        "destination_city": city,
        "carrier": carrier,
        "state": state,
        "delay_days": delay,
        "shipments": shipments,
        "transit_days": shipments * (lead + (delay or 0)),
        "weight_kg": Decimal(shipments * kg),
        "volume_m3": Decimal(shipments),
        "distance_km": Decimal(shipments * km),
        "distance_shipments": shipments if km else 0,
        "cost": Decimal(shipments * cost),
        "cost_shipments": shipments if cost else 0,
        "weighed_cost": Decimal(shipments * cost if kg else 0),
        "priced_weight_kg": Decimal(shipments * kg if cost else 0),
    }


def learnt(rows, least=20, **more):
    table = pa.Table.from_pylist(rows, SCHEMA)
    parts = (pa.Table.from_batches([batch]) for batch in table.to_batches(max_chunksize=7))
    return learn_network(sum_up(parts), least, **more)


secret = st.sampled_from(["Acme Freight", "Müller & Söhne", 'a "quoted" one', "other"])
rows = st.lists(
    st.builds(
        row,
        day=st.integers(0, 20),
        origin=secret,
        city=secret,
        carrier=secret,
        delay=st.one_of(st.none(), st.integers(-5, 30)),
        shipments=st.integers(1, 15),
        state=st.sampled_from(["delivered", "in_transit", "lost"]),
        lead=st.integers(0, 200),
        kg=st.sampled_from([0, 10, 4000]),
        km=st.sampled_from([0, 120, 900]),
        cost=st.sampled_from([0, 50, 70]),
    ),
    min_size=1,
    max_size=40,
)


@given(rows, st.booleans())
def test_a_twin_is_read_back_as_it_was_written(tmp_path_factory, rows, names):
    if sum(each["shipments"] for each in rows) < 20:
        return
    twin = learnt(rows, names=names)
    file = tmp_path_factory.mktemp("twin") / "twin.toml"
    file.write_text(twin.to_toml(), "utf-8")
    assert Network.from_toml(file) == twin.network


@given(rows)
def test_with_codes_no_name_of_the_source_is_revealed(rows):
    if sum(each["shipments"] for each in rows) < 20:
        return
    text = learnt(rows).to_toml()
    assert not any(name in text for name in ("Acme", "Müller", "quoted"))


def test_subtracted_shipments_are_not_learnt():
    rows = [row(shipments=100), row(origin="gone", shipments=30), row(origin="gone", shipments=-30)]
    twin = learnt(rows, names=True)
    assert [each.name for each in twin.network.warehouses] == ["a"]
    assert twin.shipments == 100


def test_each_service_has_its_share_promise_distance_weight_price_and_lateness():
    rows = [
        *(row(day, shipments=30, delay=delay) for day in range(7) for delay in (0, 0, 0, 2)),
        *(
            row(day, city="far", shipments=10, delay=delay, lead=9, km=2000, cost=80)
            for day in range(7)
            for delay in (-1, 3)
        ),
    ]
    twin = learnt(rows, names=True)
    near, far = twin.network.services
    assert (near.share, far.share) == (85_714, 14_286)
    assert (near.promised_days, far.promised_days) == (4, 9)
    assert (near.distance_km, far.distance_km) == (300, 2000)
    assert (near.weight_kg, far.weight_kg) == (10, 10)
    # 280 of 980 are late: 210 of 840, and 70 of 140.
    assert (near.lateness, far.lateness) == (88, 175)
    tariff = twin.network.carriers[0].parcel
    charged = [float(tariff.base + tariff.per_km * each.distance_km) * each.price / 100 for each in (near, far)]
    assert [round(each) for each in charged] == [50, 80]
    assert twin.network.scenario.carrier_delays["c"] == {-1: 70, 0: 630, 2: 210, 3: 70}


def test_the_rhythm_is_that_of_the_week():
    rows = [row(day, shipments=100 if day % 7 < 5 else 30) for day in range(14)]
    assert learnt(rows).network.scenario.rhythm == (125, 125, 125, 125, 125, 38, 38)


def test_less_than_a_week_has_no_rhythm():
    assert learnt([row(day, shipments=100 * (day + 1)) for day in range(4)]).network.scenario.rhythm == (100,) * 7


def test_a_measure_without_known_values_is_unknown():
    assert learnt([row(shipments=50, km=0, cost=0)]).network.unknown == ("route_distance_km", "shipping_cost")


def test_codes_are_numbered_by_shipments_and_small_services_are_merged():
    rows = [row(carrier="small", shipments=30), row(carrier="large", shipments=300), row(origin="x", shipments=5)]
    rows += [row(origin="y", city="z", carrier="tiny", shipments=19)]
    twin = learnt(rows)
    assert [each.name for each in twin.network.carriers] == ["carrier-01", "carrier-02", "other"]
    assert (twin.merged_services, twin.merged_shipments, twin.dropped_shipments) == (2, 24, 0)
