"""Built-in scenarios: how late shipments are, and which ones."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

from shipment_etl.errors import InvalidValue, suggest
from shipment_etl.network import Network
from shipment_etl.scenario import Delays, Disruption, Scenario

__all__ = ["SCENARIOS", "STORM_DELAYS", "choose_scenario", "get_scenario"]

# In 10,000 shipments. Late arrivals after the promise are 6 to 9 % for US parcel and less-than-truck-load carriers in
# normal weeks (ShipMatrix and carriers' own service figures), with a long right tail of tracing and re-delivery.
_BASELINE = {
    **{-3: 600, -2: 1700, -1: 3200, 0: 3750},
    **{1: 250, 2: 140, 3: 80, 4: 50, 6: 40, 9: 40, 13: 45, 18: 45, 25: 35, 40: 25},
}
_SWIFTSHIP = {-1: 1400, 0: 5250, 1: 1200, 2: 1000, 3: 550, 4: 250, 6: 160, 9: 100, 14: 60, 21: 30}
_FAILING = {0: 500, 1: 1000, 2: 2200, 3: 2400, 4: 1800, 5: 1000, 7: 700, 10: 400}
_SLOW = {-1: 300, 0: 3000, 1: 2000, 2: 2000, 3: 1400, 4: 700, 6: 400, 9: 200}
_PEAK = {
    **{-2: 600, -1: 2400, 0: 4900},
    **{1: 900, 2: 500, 3: 280, 4: 160, 6: 90, 9: 60, 13: 50, 18: 30, 25: 20, 40: 10},
}
_STRIKE = {0: 300, 1: 700, 3: 1500, 5: 2500, 7: 2400, 10: 1600, 14: 700, 21: 300}
STORM_DELAYS: Delays = {-1: 200, 0: 1300, 1: 2500, 2: 2400, 3: 1700, 5: 1100, 8: 500, 12: 200, 20: 100}

_SWIFTSHIP_TROUBLES = (
    Disruption(_SLOW, carriers=frozenset({"USPS"}), surcharge=-15, name="USPS is cheap and slow"),
    Disruption(
        _SLOW,
        warehouses=frozenset({"TX_Warehouse"}),
        weekdays=frozenset({3}),
        name="TX_Warehouse jams on Thursdays",
    ),
    Disruption(
        _FAILING,
        carriers=frozenset({"UPS"}),
        warehouses=frozenset({"NY_Warehouse"}),
        cities=frozenset({"Los Angeles"}),
        since=date(2026, 11, 18),
        name="UPS fails from NY_Warehouse to Los Angeles",
    ),
    Disruption(
        carriers=frozenset({"FedEx"}),
        warehouses=frozenset({"CA_Warehouse"}),
        surcharge=40,
        since=date(2026, 11, 18),
        name="FedEx has grown dear from CA_Warehouse",
    ),
    Disruption(
        carriers=frozenset({"DHL"}),
        warehouses=frozenset({"NY_Warehouse"}),
        missing="shipment_weight_kg",
        since=date(2026, 11, 19),
        until=date(2026, 11, 19),
        name="DHL reports no weights from NY_Warehouse for a day",
    ),
)

SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {
        scenario.name: scenario
        for scenario in (
            Scenario("baseline", "a normal day: 6 to 9 % late, most a day early", _BASELINE),
            Scenario(
                "swiftship",
                "the company's story: 30 % two or more days late, for reasons that can be found",
                _SWIFTSHIP,
                _SWIFTSHIP_TROUBLES,
                lives={"delivered": 60, "corrected": 10, "cancelled": 4, "returned": 4, "lost": 2},
                seasons=(110, 105, 95, 90, 90, 90, 95, 95, 95, 100, 100, 130),
                varied=True,
            ),
            Scenario("peak", "the weeks before a holiday: more parcels, later and more expensive", _PEAK, (), 6, 12),
            Scenario(
                "strike",
                "one large carrier is on strike, its shipments arrive a week late",
                _BASELINE,
                (Disruption(_STRIKE, carriers=frozenset({"UPS"}), name="strike"),),
            ),
            Scenario(
                "storm",
                "a winter storm over the Great Lakes and New England",
                _BASELINE,
                (
                    Disruption(STORM_DELAYS, cities=frozenset({"Chicago", "Boston"}), name="storm"),
                    Disruption(STORM_DELAYS, warehouses=frozenset({"IL_Warehouse"}), name="storm"),
                ),
            ),
        )
    }
)


def get_scenario(name: str, known: Mapping[str, Scenario] = SCENARIOS) -> Scenario:
    """Return the scenario with a name, a built-in one unless others are given.

    Raises:
        InvalidValue: there is no scenario with this name.
    """
    if name not in known:
        raise InvalidValue("scenario", name, "the name of a scenario", suggest(name, known))
    return known[name]


def choose_scenario(
    network: Network, asked: str | Scenario | None = None, known: Mapping[str, Scenario] = SCENARIOS
) -> Scenario:
    """Return the given scenario, or the one with the given name; if None, that of the network, else `baseline`.

    Raises:
        InvalidValue: there is no scenario with this name.
    """
    if isinstance(asked, Scenario):
        return asked
    own = network.scenario
    if own is None:
        return get_scenario("baseline" if asked is None else asked, known)
    return own if asked is None else get_scenario(asked, {**known, own.name: own})
