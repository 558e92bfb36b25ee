"""network: what can be declared, what is refused, and the distances between places."""

from dataclasses import replace
from decimal import Decimal
from math import atan2, cos, degrees, hypot, radians, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipment_etl.errors import NetworkError
from shipment_etl.network import EARTH_RADIUS_KM, Carrier, City, Network, Tariff, Warehouse

TOML = """
on_time_tolerance_minutes = 30
[[warehouses]]
name = "Köln"
latitude = 50.94
longitude = 6.96
daily_capacity = 500
share = 3
rhythm = [100, 100, 100, 100, 100, 0, 0]

[[cities]]
name = "Liège"
latitude = 50.63
longitude = 5.57

[[carriers]]
name = "Post"
share = 2
parcel = { base = "4.90", per_kg = "0.5", per_km = 0.01 }
truckload_share = 1
truckload = { base = 200, per_kg = "0.02", per_km = "1.4" }
extra_days = 1
"""

DECLARED = Network(
    warehouses=(Warehouse("Köln", 50.94, 6.96, 500, 3, (100, 100, 100, 100, 100, 0, 0)),),
    cities=(City("Liège", 50.63, 5.57),),
    carriers=(
        Carrier(
            "Post",
            2,
            Tariff(Decimal("4.90"), Decimal("0.5"), Decimal("0.01")),
            1,
            Tariff(Decimal(200), Decimal("0.02"), Decimal("1.4")),
            1,
        ),
    ),
    on_time_tolerance_minutes=30,
)

places = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


def two_places(one: tuple[float, float], other: tuple[float, float]) -> Network:
    return Network((Warehouse("from", *one),), (City("to", *other),))


def angle(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the angle between two places, by Vincenty's formula on the sphere: exact for near and for opposite ones."""
    (lat_1, lon_1), (lat_2, lon_2) = map(radians, one), map(radians, other)
    turn = lon_2 - lon_1
    across = hypot(cos(lat_2) * sin(turn), cos(lat_1) * sin(lat_2) - sin(lat_1) * cos(lat_2) * cos(turn))
    return atan2(across, sin(lat_1) * sin(lat_2) + cos(lat_1) * cos(lat_2) * cos(turn))


def test_the_default_network_is_the_one_of_the_reference_pipeline():
    network = Network.default()
    assert {each.name for each in network.warehouses} == {f"{state}_Warehouse" for state in ("NY", "TX", "CA", "IL")}
    assert {each.name for each in network.cities} == {
        *("Los Angeles", "Chicago", "Miami", "Seattle", "Boston", "Denver", "Atlanta", "Houston"),
    }
    assert {each.name for each in network.carriers} == {
        *("FedEx", "UPS", "DHL", "USPS", "OnTrac", "Ryder", "Amazon Logistics"),
    }
    assert len(network.lanes) == 32
    assert set(network.capacities) == {each.name for each in network.warehouses}


@given(places, places)
def test_a_lane_is_as_long_as_the_great_circle(one, other):
    (lane,) = two_places(one, other).lanes
    assert abs(float(lane.distance_km) - max(EARTH_RADIUS_KM * angle(one, other), 0.1)) <= 0.051
    assert lane.distance_km == round(lane.distance_km, 1) >= Decimal("0.1")


@given(places, places)
def test_a_lane_has_the_same_length_in_both_directions(one, other):
    assert two_places(one, other).lanes[0].distance_km == two_places(other, one).lanes[0].distance_km


def test_opposite_places_are_half_the_earth_apart():
    (lane,) = two_places((0.0, 0.0), (0.0, 180.0)).lanes
    assert lane.distance_km == round(Decimal(EARTH_RADIUS_KM * radians(degrees(3.141592653589793))), 1)


def test_lanes_are_every_warehouse_with_every_city_in_order():
    network = Network.default()
    assert [(lane.origin_warehouse, lane.destination_city) for lane in network.lanes] == [
        (warehouse.name, city.name) for warehouse in network.warehouses for city in network.cities
    ]


def test_the_open_network_names_nothing():
    assert Network.open() == Network((), (), ())
    assert Network.open().capacities == {}


@pytest.mark.parametrize("text", [TOML, "\ufeff" + TOML, TOML.replace("\n", "\r\n")], ids=["plain", "BOM", "CRLF"])
def test_a_network_is_read_from_toml(tmp_path, text):
    path = tmp_path / "network.toml"
    path.write_bytes(text.encode())
    assert Network.from_toml(path) == DECLARED


def test_only_warehouses_that_name_a_capacity_have_one():
    assert Network((Warehouse("a", daily_capacity=7), Warehouse("b"))).capacities == {"a": 7}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            TOML.replace("share = 3", "shares = 3"),
            "has an unknown key 'warehouses.0.shares'.*Did you mean 'share'",
        ),
        (TOML.replace("[[cities]]", "[[citys]]"), "has an unknown key 'citys'.*Did you mean 'cities'"),
        (TOML.replace('name = "Post"', ""), "lacks 'carriers.0.name'"),
        (TOML.replace("share = 3", 'share = "much"'), "warehouses.0.share is 'much'"),
        (TOML.replace("0.01 }", "}"), "is not valid TOML"),
        (TOML.replace(", per_km = 0.01", ""), "lacks 'carriers.0.parcel.per_km'"),
        (TOML.replace("100, 0, 0]", "100, 0]"), "rhythm"),
        (TOML.replace("latitude = 50.94", "latitude = 95"), "latitude is 95"),
        (TOML.replace("longitude = 5.57", "longitude = -180.5"), "longitude is -180.5"),
        (TOML.replace("daily_capacity = 500", "daily_capacity = 0"), "daily_capacity is 0"),
        (TOML.replace("share = 3", "share = -1"), "share is -1"),
        (TOML.replace("truckload_share = 1", "truckload_share = 1_000_001"), "truckload_share is 1000001"),
        (TOML.replace("extra_days = 1", "extra_days = 31"), "extra_days is 31"),
        (TOML.replace('base = "4.90"', "base = -1"), r"Post: parcel.base is -1, but must be from 0 to 1000000"),
        (TOML.replace("base = 200", "base = 2000000"), r"truckload.base is 2000000, but"),
        (TOML.replace("0, 0]", "0, -1]"), "rhythm is -1"),
        (TOML.replace("latitude = 50.63", "latitude = nan"), "latitude is .*nan"),
        (TOML.replace('"Köln"', '" "'), "empty name among its warehouses"),
        (f'currency = "euro"\n{TOML}', "The currency 'euro' of the network needs a code such as EUR."),
        (f"on_time_target = 95\n{TOML}", "on_time_target is 95, but must be from 0 to 1"),
        (TOML + '[[carriers]]\nname = "Post"\n', "lists 'Post' twice among its carriers"),
    ],
)
def test_an_invalid_network_is_refused_and_explained(tmp_path, text, told):
    path = tmp_path / "network.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(NetworkError, match=told):
        Network.from_toml(path)


def test_a_file_that_is_missing_or_not_utf_8_is_refused(tmp_path):
    with pytest.raises(NetworkError, match=r"There is no file .*nowhere\.toml\. Check the path\."):
        Network.from_toml(tmp_path / "nowhere.toml")
    latin = tmp_path / "latin.toml"
    latin.write_bytes('[[cities]]\nname = "Liège"\n'.encode("latin-1"))
    with pytest.raises(NetworkError, match="must be a TOML file in UTF-8"):
        Network.from_toml(latin)


def test_lanes_need_places_with_coordinates():
    with pytest.raises(NetworkError, match="no lanes"):
        _ = Network.open().lanes
    with pytest.raises(NetworkError, match="b has no coordinates"):
        _ = Network((Warehouse("a", 1.0, 1.0),), (City("b", latitude=1.0),)).lanes


@given(st.data())
def test_networks_have_the_same_digest_only_if_they_are_the_same(data):
    index = data.draw(st.integers(0, 3))
    warehouse = DECLARED.warehouses[0]
    change = (
        {"name": data.draw(st.text(min_size=1).filter(str.strip))},
        {"latitude": data.draw(st.floats(-90, 90))},
        {"daily_capacity": data.draw(st.integers(1, 10**9))},
        {"share": data.draw(st.integers(0, 10**6))},
    )[index]
    other = replace(DECLARED, warehouses=(replace(warehouse, **change),))
    assert (other.digest == DECLARED.digest) == (other == DECLARED)


def test_a_target_and_a_currency_do_not_change_the_digest(tmp_path):
    path = tmp_path / "network.toml"
    path.write_text(f'on_time_target = 0.95\ncurrency = "EUR"\n{TOML}', "utf-8")
    found = Network.from_toml(path)
    assert found == replace(DECLARED, on_time_target=Decimal("0.95"), currency="EUR")
    assert found.digest == DECLARED.digest
