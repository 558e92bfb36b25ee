"""Scenarios: how late shipments are, and whom it strikes. Frozen values, no Spark."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from shipment_etl.errors import InvalidValue, nearest

__all__ = ["SCENARIOS", "Disruption", "Scenario", "scenario_named"]

Delays = Mapping[int, int]
"""Days between promise and delivery (early is negative) → weight, in any unit."""


@dataclass(frozen=True, slots=True)
class Disruption:
    """Some carriers, cities or warehouses (any of them) whose shipments follow other delays."""

    delays: Delays
    carriers: frozenset[str] = frozenset()
    cities: frozenset[str] = frozenset()
    warehouses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a day is like.

    `delays` holds for all shipments that no disruption strikes; `truckloads` is their number in a thousand shipments;
    `surcharge` is what carriers add to their base, in percent.
    """

    name: str
    summary: str
    delays: Delays
    disruptions: tuple[Disruption, ...] = ()
    truckloads: int = 12
    surcharge: int = field(default=0)


# In 10,000 shipments. Late arrivals after the promise are 6 to 9 % for US parcel and less-than-truck-load carriers in
# normal weeks (ShipMatrix and carriers' own service figures), with a long right tail of tracing and re-delivery.
_BASELINE = {
    **{-3: 600, -2: 1700, -1: 3200, 0: 3750},
    **{1: 250, 2: 140, 3: 80, 4: 50, 6: 40, 9: 40, 13: 45, 18: 45, 25: 35, 40: 25},
}
_SWIFTSHIP = {-1: 800, 0: 4700, 1: 1500, 2: 1600, 3: 800, 4: 300, 6: 160, 9: 80, 14: 40, 21: 20}
_PEAK = {
    **{-2: 600, -1: 2400, 0: 4900},
    **{1: 900, 2: 500, 3: 280, 4: 160, 6: 90, 9: 60, 13: 50, 18: 30, 25: 20, 40: 10},
}
_STRIKE = {0: 300, 1: 700, 3: 1500, 5: 2500, 7: 2400, 10: 1600, 14: 700, 21: 300}
_STORM = {-1: 200, 0: 1300, 1: 2500, 2: 2400, 3: 1700, 5: 1100, 8: 500, 12: 200, 20: 100}

SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {
        scenario.name: scenario
        for scenario in (
            Scenario("baseline", "a normal day: 6 to 9 % late, most a day early", _BASELINE),
            Scenario("swiftship", "the company's story: 30 % two or more days late", _SWIFTSHIP),
            Scenario("peak", "the weeks before a holiday: more parcels, later and dearer", _PEAK, (), 6, 12),
            Scenario(
                "strike",
                "one large carrier stands still, its shipments arrive a week late",
                _BASELINE,
                (Disruption(_STRIKE, carriers=frozenset({"UPS"})),),
            ),
            Scenario(
                "storm",
                "a winter storm over the Great Lakes and New England",
                _BASELINE,
                (Disruption(_STORM, cities=frozenset({"Chicago", "Boston"}), warehouses=frozenset({"IL_Warehouse"})),),
            ),
        )
    }
)


def scenario_named(name: str, known: Mapping[str, Scenario] = SCENARIOS) -> Scenario:
    """Return a scenario, a built-in one unless others are given.

    Raises:
        InvalidValue: there is none of this name.
    """
    if name not in known:
        raise InvalidValue("scenario", name, f"one of {', '.join(known)}. {nearest(name, known)}".rstrip("."))
    return known[name]
