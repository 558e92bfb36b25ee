"""plan: wheels that give each entry its share, and the arguments that are refused."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipment_etl.errors import InvalidValue, NetworkError, UsageError
from shipment_etl.generator.plan import make_plan
from shipment_etl.generator.scenarios import SCENARIOS, get_scenario
from shipment_etl.generator.shipments import generate
from shipment_etl.generator.wheels import SLOTS, wheel
from shipment_etl.generator.world import LEVELS
from shipment_etl.network import Carrier, City, Network, Tariff, Warehouse

TARIFF = Tariff(Decimal(10), Decimal("0.5"), Decimal("0.01"))
PLACES = {"warehouses": (Warehouse("a", 1.0, 1.0),), "cities": (City("b", 2.0, 2.0),)}
SOUND = Network(**PLACES, carriers=(Carrier("c", parcel=TARIFF),))
GOOD = {"date": "2026-11-23", "rows": 10, "seed": 1}


def plan_of(network: Network, scenario: str = "baseline"):
    """Return the plan of a small batch."""
    settings = {"batch_date": date(2026, 11, 23), "rows": 10, "seed": 1, "defects": 0.0}
    return make_plan(**settings, scenario=get_scenario(scenario), network=network)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=40).filter(any), st.integers(1, 5000))
def test_a_wheel_gives_each_entry_its_share_to_within_a_slot(weights, slots):
    drawn = wheel(weights, slots)
    assert len(drawn) == slots
    assert drawn == sorted(drawn)
    for index, weight in enumerate(weights):
        assert abs(drawn.count(index) - Fraction(weight * slots, sum(weights))) < 1


@given(st.lists(st.integers(1, 50), min_size=1, max_size=20), st.integers(1, 20))
def test_a_wheel_is_exact_if_it_can_be(weights, times):
    assert wheel(weights, times * sum(weights)) == [
        index for index, weight in enumerate(weights) for _ in range(times * weight)
    ]


@pytest.mark.parametrize("weights", [[], [0], [0, 0]])
def test_a_wheel_needs_a_share_above_zero(weights):
    with pytest.raises(NetworkError, match="shares of the network are 0"):
        wheel(weights)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_lookup_has_every_slot_once(scenario):
    plan = plan_of(Network.default(), scenario)
    drawn = get_scenario(scenario)
    tables = LEVELS if drawn.varied else 1
    tables += sum(each.delays is not None for each in plan.disruptions)
    weekdays = len({day.weekday for day in plan.days})
    assert [lane.slot for lane in plan.lanes] == list(range(weekdays * SLOTS))
    assert [weight.slot for weight in plan.weights] == list(range(SLOTS))
    assert [carrier.slot for carrier in plan.carriers] == list(range(2 * SLOTS))
    assert [each.slot for each in plan.delays] == list(range(tables * SLOTS))


def test_weights_cover_the_whole_range_without_a_gap():
    parcels = [weight for weight in plan_of(Network.default()).weights if not weight.truckload]
    assert parcels[0].least_g == 100
    assert parcels[-1].least_g + parcels[-1].span_g == 3_000_000
    assert all(one.least_g + one.span_g == other.least_g for one, other in pairwise(parcels))
    assert all(weight.span_g >= 0 for weight in parcels)


def test_truckloads_are_moved_as_parcels_if_no_carrier_offers_them():
    assert {carrier.carrier for carrier in plan_of(SOUND).carriers} == {"c"}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"rows": 0}, "rows is 0, but must be a whole number from 1 to 1,000,000,000"),
        ({"rows": -1}, "rows is -1, but"),
        ({"rows": 10**9 + 1}, "rows is 1000000001, but"),
        ({"rows": 1.5}, "rows is 1.5, but"),
        ({"rows": True}, "rows is True, but"),
        ({"date": "1990-01-31"}, "date is .1990-01-31., but must be a date from 1990-02-01 to 2099-06-30"),
        ({"date": "2099-07-01"}, "but must be a date from"),
        ({"defects": -0.01}, "defects is -0.01, but must be a share from 0 to 1"),
        ({"defects": 1.01}, "defects is 1.01, but"),
        ({"defects": float("nan")}, "defects is nan, but"),
        ({"scenario": "strikes"}, "scenario is 'strikes', but must be the name of a scenario. Did you mean 'strike'"),
        ({"scenario": ""}, "scenario is '', but must be the name of a scenario. Available: baseline, swiftship"),
        ({"date": "23.11.2026"}, "date is '23.11.2026', but must be a date that exists"),
        ({"date": "2026-02-29"}, "date is '2026-02-29', but"),
    ],
)
def test_invalid_arguments_are_refused_before_any_query(wrong, told):
    with pytest.raises(InvalidValue, match=told):
        generate(None, **{**GOOD, **wrong})


@pytest.mark.parametrize(
    ("network", "told"),
    [
        (Network.open(), "has no lanes"),
        (Network(warehouses=PLACES["warehouses"], carriers=SOUND.carriers), "has no lanes"),
        (Network((Warehouse("a"),), PLACES["cities"], SOUND.carriers), "a has no coordinates"),
        (Network(PLACES["warehouses"], (City("b", 1.0),), SOUND.carriers), "b has no coordinates"),
        (Network(**PLACES), "shares of the network are 0"),
        (Network(**PLACES, carriers=(Carrier("c", 0, TARIFF),)), "shares of the network are 0"),
        (
            Network((Warehouse("a", 1.0, 1.0, share=0),), PLACES["cities"], SOUND.carriers),
            "shares of the network are 0",
        ),
        (Network(**PLACES, carriers=(Carrier("c"),)), "c has a share of parcels but no parcel tariff"),
        (
            Network(**PLACES, carriers=(Carrier("c", 1, TARIFF, 1),)),
            "c has a share of truckloads but no truckload tariff",
        ),
    ],
)
def test_an_incomplete_network_is_refused_before_any_query(network, told):
    with pytest.raises(NetworkError, match=told):
        generate(None, **GOOD, network=network)


def test_refused_arguments_raise_a_usage_error():
    assert issubclass(InvalidValue, UsageError)
    assert issubclass(NetworkError, UsageError)
