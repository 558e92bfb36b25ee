"""Scenarios: how late shipments are, and whom it strikes. Frozen values, no Spark."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from types import MappingProxyType

from shipment_etl.errors import InvalidValue, nearest

__all__ = ["REPORTED", "SCENARIOS", "STORM_DELAYS", "Disruption", "Scenario", "scenario_named"]

Delays = Mapping[int, int | Fraction]
"""Days between promise and delivery (early is negative) → weight, in any unit."""


REPORTED = (
    *("shipment_id", "origin_warehouse", "destination_city", "carrier", "shipment_weight_kg", "shipment_volume_m3"),
    *("shipment_date", "promised_date", "delivery_date", "delay_days", "delivery_status", "route_distance_km"),
    "shipping_cost",
)
"""Columns that a disruption can take from reports."""


@dataclass(frozen=True, slots=True)
class Disruption:
    """Trouble of some shipments: other delays, a surcharge on their cost, or a column that is missing in their reports.

    It strikes shipments of the carriers, cities and warehouses that it names, all of them together; a kind that it does not
    name is any. `since` and `until` are the first and the last shipment date, `weekdays` those from Monday, 0; `surcharge`
    is in percent of the cost.
    """

    delays: Delays | None = None
    carriers: frozenset[str] = frozenset()
    cities: frozenset[str] = frozenset()
    warehouses: frozenset[str] = frozenset()
    name: str = ""
    surcharge: int = 0
    missing: str = ""
    since: date | None = None
    until: date | None = None
    weekdays: frozenset[int] = frozenset(range(7))

    def strikes(self, day: date) -> bool:
        """Whether shipments that leave on a day can be struck."""
        begun = self.since is None or self.since <= day
        return begun and (self.until is None or day <= self.until) and day.weekday() in self.weekdays


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a day is like.

    `delays` holds for all shipments that no disruption strikes; where several do, the last one listed counts, and all their
    surcharges. `truckloads` is their number in a thousand shipments; `surcharge` is what carriers add to their base, in
    percent; `lives` says how many in a thousand shipments are reported twice (`generator.lives`), and why. `seasons` are
    the late shipments from January to December, in percent of `delays`. In a `varied` scenario carriers and places are as
    late as the network says, warehouses above their capacity are slow, and storms come and go (`generator.world`).
    """

    name: str
    summary: str
    delays: Delays
    disruptions: tuple[Disruption, ...] = ()
    truckloads: int = 12
    surcharge: int = 0
    lives: Mapping[str, int] = field(default_factory=dict)
    seasons: tuple[int, ...] = (100,) * 12
    varied: bool = False


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
            Scenario("peak", "the weeks before a holiday: more parcels, later and dearer", _PEAK, (), 6, 12),
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


def scenario_named(name: str, known: Mapping[str, Scenario] = SCENARIOS) -> Scenario:
    """Return a scenario, a built-in one unless others are given.

    Raises:
        InvalidValue: there is none of this name.
    """
    if name not in known:
        raise InvalidValue("scenario", name, f"one of {', '.join(known)}. {nearest(name, known)}".rstrip("."))
    return known[name]
