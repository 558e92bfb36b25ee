"""Scenario: what a day is like, as plain frozen values. `generator.scenarios` has those of the package."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from shipment_etl.declared import strict

__all__ = ["REPORTED", "Delays", "Disruption", "Rhythm", "Scenario"]

Delays = Mapping[int, int | Fraction]
"""Days between promise and delivery (early is negative) → weight, in any unit."""

Rhythm = tuple[int, int, int, int, int, int, int]
"""Monday to Sunday, in percent of an average day."""

REPORTED = (
    *("shipment_id", "origin_warehouse", "destination_city", "carrier", "shipment_weight_kg", "shipment_volume_m3"),
    *("shipment_date", "promised_date", "delivery_date", "delay_days", "delivery_status", "route_distance_km"),
    "shipping_cost",
)
"""Columns that a disruption can take from reports."""


@strict
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


@strict
@dataclass(frozen=True, slots=True)
class Scenario:
    """What a day is like.

    `delays` holds for all shipments that no disruption strikes; where several do, the last one listed counts, and all their
    surcharges. `truckloads` is their number in a thousand shipments; `surcharge` is what carriers add to their base, in
    percent; `lives` says how many in a thousand shipments are reported twice (`generator.lives`), and why. `seasons` are
    the late shipments from January to December, in percent of `delays`. In a `varied` scenario carriers and places are as
    late as the network says, warehouses above their capacity are slow, and storms come and go (`generator.world`); if it is
    `calm` as well, only the first of these. `carrier_delays` stand in place of `delays` for single carriers, in networks
    with services. `rhythm` is what becomes of the number of new shipments from Monday to Sunday, in percent.
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
        """Return how many shipments are new on a day, at least one, if there are so many on an average day."""
        return max(1, int((Decimal(rows) * self.rhythm[day.weekday()] / 100).to_integral_value(ROUND_HALF_UP)))
