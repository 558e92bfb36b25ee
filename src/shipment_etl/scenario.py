"""Scenarios of the generator, as plain frozen values. `generator.scenarios` has the built-in ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from shipment_etl.declared import strict

__all__ = ["REPORTED", "Delays", "Disruption", "Rhythm", "Scenario"]

Delays = Mapping[int, int | Fraction]
"""Days from the promised date to the delivery (negative if early) → weight, in any unit."""

Rhythm = tuple[int, int, int, int, int, int, int]
"""Monday to Sunday, in percent of an average day."""

REPORTED = (
    *("shipment_id", "origin_warehouse", "destination_city", "carrier", "shipment_weight_kg", "shipment_volume_m3"),
    *("shipment_date", "promised_date", "delivery_date", "delay_days", "delivery_status", "route_distance_km"),
    "shipping_cost",
)
"""Columns that a disruption can remove from reports."""


@strict
@dataclass(frozen=True, slots=True)
class Disruption:
    """Trouble for some shipments: other delays, a surcharge on the cost, or a missing column in their reports.

    It affects shipments that match all of the given carriers, cities and warehouses; an empty set matches all. `since` and
    `until` are the first and the last shipment date, `weekdays` are numbered from Monday, 0; `surcharge` is in percent of
    the cost.
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
        """Return whether shipments that leave on a day can be affected."""
        begun = self.since is None or self.since <= day
        return begun and (self.until is None or day <= self.until) and day.weekday() in self.weekdays


@strict
@dataclass(frozen=True, slots=True)
class Scenario:
    """What the days are like.

    `delays` applies to all shipments that no disruption affects; if several affect one, the last one listed counts, and all
    of their surcharges. `truckloads` is the number of truck-loads per thousand shipments; `surcharge` is what carriers add
    to their base price, in percent; `lives` says how many shipments per thousand are reported twice, and why
    (`generator.lives`). `seasons` are the late shipments from January to December, in percent of `delays`. In a `varied`
    scenario, carriers and places are as late as the network says, warehouses above their capacity are slow, and there are
    storms (`generator.world`); if it is also `calm`, only the first of these. `carrier_delays` replaces `delays` for single
    carriers, in networks with services. `rhythm` is the number of new shipments from Monday to Sunday, in percent of `rows`.
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
    calm: bool = False
    carrier_delays: Mapping[str, Delays] = field(default_factory=dict)
    rhythm: Rhythm = (100, 100, 100, 100, 100, 100, 100)

    def rows_on(self, day: date, rows: int) -> int:
        """Return the number of new shipments on a day, at least one, given the number on an average day."""
        return max(1, int((Decimal(rows) * self.rhythm[day.weekday()] / 100).to_integral_value(ROUND_HALF_UP)))
