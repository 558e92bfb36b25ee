"""The plan of a batch: every table that its rows are looked up in, worked out in Python before any engine starts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import chain
from math import exp
from statistics import NormalDist
from typing import NamedTuple

from shipment_etl.errors import InvalidValue, NetworkError
from shipment_etl.generator.lives import MAX_REPORT_DAYS, check_lives
from shipment_etl.generator.scenarios import Delays, Scenario
from shipment_etl.generator.streams import stream_key
from shipment_etl.network import Carrier, Network, Tariff

__all__ = [
    "FIRST_BATCH",
    "LAST_BATCH",
    "MOST_ROWS",
    "SLOTS",
    "CarrierSlot",
    "DaySlot",
    "LaneSlot",
    "Plan",
    "WeightSlot",
    "make_plan",
    "wheel",
]

SLOT_BITS = 10
SLOTS = 1 << SLOT_BITS
"""Slots of a wheel: a draw is one of them, so a share is exact to 1 in 1024."""

MOST_ROWS = 10**9
"""Rows of a batch that nine digits of a shipment_id can number."""

EPOCH = date(1970, 1, 1)
FIRST_BATCH, LAST_BATCH = date(1990, 2, 1), date(2099, 6, 30)
"""Batch dates whose late arrivals and deliveries still lie within the years that the contract allows."""

# Weight of a shipment below truck-load: lognormal, as parcel and less-than-truck-load weights are; median 12 kg.
MEDIAN_KG, SIGMA = 12, 1.4
LEAST_G, MOST_G = 100, 3_000_000
TRUCKLOAD_G = (9_000_000, 20_000_000)

# Parcels travel farther than heavy freight: the weight on a lane falls with the root of its distance.
WEIGHT_AT_KM = 1500


class DaySlot(NamedTuple):
    """A day whose shipments the batch reports on: the batch's own, and earlier ones.

    `lanes` is where its wheel of lanes begins, `struck_by` has a bit for each disruption that can strike on it.
    """

    days_before: int
    epoch_day: int
    weekday: int
    lanes: int
    struck_by: int
    prefix: str


class LaneSlot(NamedTuple):
    """A slot of a wheel of lanes; `struck_by` has a bit for each disruption that strikes its places."""

    slot: int
    origin_warehouse: str
    destination_city: str
    distance_hm: int
    lane_days: int
    weight_permille: int
    lane_struck_by: int


class CarrierSlot(NamedTuple):
    """A slot of the wheel of carriers: the first 1024 for shipments below truck-load, the second for truck-loads."""

    slot: int
    carrier: str
    base_cents: int
    per_kg: int
    per_km: int
    extra_days: int
    carrier_struck_by: int


class WeightSlot(NamedTuple):
    """A slot of the distribution of weight: a piece of it, within which weights are uniform."""

    slot: int
    least_g: int
    span_g: int
    truckload: int


@dataclass(frozen=True)
class Plan:
    """What `generate` looks rows up in. Rates are in 0.0001 of the currency, weights in grams, distances in 100 m."""

    batch_date: date
    rows: int
    seed: int
    scenario: Scenario
    defects: float
    days: tuple[DaySlot, ...]
    lanes: tuple[LaneSlot, ...]
    carriers: tuple[CarrierSlot, ...]
    weights: tuple[WeightSlot, ...]
    delays: tuple[tuple[int, int], ...]

    def key(self, stream: str, days_before: int = 0) -> int:
        """Return the key of a stream of a day."""
        return stream_key(self.seed, self.batch_date - timedelta(days=days_before), stream)


def make_plan(
    *,
    batch_date: date,
    rows: int,
    seed: int,
    scenario: Scenario,
    defects: float,
    network: Network,
    since: date | None = None,
) -> Plan:
    """Work out the plan of a batch.

    Raises:
        InvalidValue: rows are not in 1 … 10^9, or defects not in 0 … 1, or the contract would reject the batch date's rows,
            or the scenario has lives that there are not.
        NetworkError: the network lacks what a generator needs (places with coordinates, tariffs, shares).
    """
    # Not isinstance, for True is an int as well.
    if type(rows) is not int or not 0 < rows <= MOST_ROWS:
        raise InvalidValue("rows", rows, f"a whole number from 1 to {MOST_ROWS:,}")
    if not 0 <= defects <= 1:
        raise InvalidValue("defects", defects, "a share from 0 to 1")
    if not FIRST_BATCH <= batch_date <= LAST_BATCH:
        raise InvalidValue("date", str(batch_date), f"a date from {FIRST_BATCH} to {LAST_BATCH}")
    check_lives(scenario.lives)
    days = _days(batch_date, scenario, since)
    return Plan(
        batch_date=batch_date,
        rows=rows,
        seed=seed,
        scenario=scenario,
        defects=defects,
        days=tuple(
            DaySlot(
                number,
                (day - EPOCH).days,
                day.weekday(),
                _weekdays(days).index(day.weekday()) * SLOTS,
                sum(1 << bit for bit, disruption in enumerate(scenario.disruptions) if disruption.strikes(day)),
                f"SH{day:%Y%m%d}-",
            )
            for number, day in enumerate(days)
        ),
        lanes=_lane_slots(network, scenario, _weekdays(days)),
        carriers=_carrier_slots(network, scenario),
        weights=_weight_slots(scenario),
        delays=_delay_slots(scenario),
    )


def wheel(weights: Sequence[int | Fraction], slots: int = SLOTS) -> list[int]:
    """Return an index for each slot, so that each index has its share of them (method of the largest remainder).

    Raises:
        NetworkError: no weight is above zero.
    """
    total = sum(weights)
    if total <= 0:
        raise NetworkError("All shares of the network are 0, so nothing can be drawn.", "Give at least one a share above 0.")
    exact = [Fraction(weight) * slots / total for weight in weights]
    counts = [int(share) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda i: (counts[i] - exact[i], i))
    for i in by_remainder[: slots - sum(counts)]:
        counts[i] += 1
    return [i for i, count in enumerate(counts) for _ in range(count)]


def _days(batch_date: date, scenario: Scenario, since: date | None) -> list[date]:
    """Return the batch date, and the days before it whose shipments it may report on again."""
    reaches = MAX_REPORT_DAYS if any(scenario.lives.values()) else 0
    days = [batch_date - timedelta(days=number) for number in range(reaches + 1)]
    return [day for day in days if since is None or day == batch_date or day >= since]


def _weekdays(days: Sequence[date]) -> list[int]:
    return list(dict.fromkeys(day.weekday() for day in days))


def _lane_slots(network: Network, scenario: Scenario, weekdays: Sequence[int]) -> tuple[LaneSlot, ...]:
    """Every wheel of lanes after the other: one for each day of the week."""
    lanes = network.lanes
    cities = len(network.cities)
    # Zipf's law along each warehouse's own order of cities, so that the busiest lanes differ.
    wheels = [
        wheel(
            [
                Fraction(warehouse.share * warehouse.rhythm[weekday], 1 + (city + 3 * position) % cities)
                for position, warehouse in enumerate(network.warehouses)
                for city in range(cities)
            ]
        )
        for weekday in weekdays
    ]
    drawn: list[LaneSlot] = []
    for index in chain.from_iterable(wheels):
        lane = lanes[index]
        drawn.append(
            LaneSlot(
                len(drawn),
                lane.origin_warehouse,
                lane.destination_city,
                int(lane.distance_km * 10),
                2 + int(lane.distance_km) // 900,
                round(1000 * min(2.5, (WEIGHT_AT_KM / float(lane.distance_km)) ** 0.5)),
                sum(
                    1 << bit
                    for bit, disruption in enumerate(scenario.disruptions)
                    if _is_one_of(lane.destination_city, disruption.cities)
                    and _is_one_of(lane.origin_warehouse, disruption.warehouses)
                ),
            )
        )
    return tuple(drawn)


def _is_one_of(name: str, names: frozenset[str]) -> bool:
    """Whether a disruption that names some strikes this one; it strikes all where it names none."""
    return not names or name in names


def _carrier_slots(network: Network, scenario: Scenario) -> tuple[CarrierSlot, ...]:
    parcels = [(carrier, carrier.share, carrier.parcel) for carrier in network.carriers]
    truckloads = [(carrier, carrier.truckload_share, carrier.truckload) for carrier in network.carriers]
    drawn: list[CarrierSlot] = []
    for kind, offers in (("parcel", parcels), ("truckload", truckloads)):
        # A network without truck-load carriers moves its few truck-loads as it moves parcels.
        usable = offers if any(share for _, share, _ in offers) else parcels
        for index in wheel([share for _, share, _ in usable]):
            carrier, _, tariff = usable[index]
            drawn.append(_carrier_slot(len(drawn), carrier, _tariff(carrier, kind, tariff), scenario))
    return tuple(drawn)


def _carrier_slot(slot: int, carrier: Carrier, tariff: Tariff, scenario: Scenario) -> CarrierSlot:
    base = tariff.base * (100 + scenario.surcharge)
    return CarrierSlot(
        slot,
        carrier.name,
        int(base.to_integral_value()),
        _rate(tariff.per_kg),
        _rate(tariff.per_km),
        carrier.extra_days,
        sum(1 << bit for bit, each in enumerate(scenario.disruptions) if _is_one_of(carrier.name, each.carriers)),
    )


def _tariff(carrier: Carrier, kind: str, tariff: Tariff | None) -> Tariff:
    if tariff is None:
        raise NetworkError(
            f"{carrier.name} has a share of {kind}s but no {kind} tariff.", "Give it base, per_kg and per_km."
        )
    return tariff


def _rate(rate: Decimal) -> int:
    return int((rate * 10_000).to_integral_value())


def _weight_slots(scenario: Scenario) -> tuple[WeightSlot, ...]:
    truckloads = SLOTS * scenario.truckloads // 1000
    parcels = SLOTS - truckloads
    bounds = [LEAST_G, *(_weight_g(i / parcels) for i in range(1, parcels)), MOST_G]
    drawn = [WeightSlot(i, bounds[i], bounds[i + 1] - bounds[i], 0) for i in range(parcels)]
    least, most = TRUCKLOAD_G
    drawn += [WeightSlot(parcels + i, least, most - least, 1) for i in range(truckloads)]
    return tuple(drawn)


def _weight_g(quantile: float) -> int:
    grams = round(1000 * MEDIAN_KG * exp(SIGMA * NormalDist().inv_cdf(quantile)))
    return min(MOST_G, max(LEAST_G, grams))


def _delay_slots(scenario: Scenario) -> tuple[tuple[int, int], ...]:
    """Every table of delays after the other: the scenario's own, then one for each disruption that has its own."""
    own = (disruption.delays for disruption in scenario.disruptions)
    tables: list[Delays] = [scenario.delays, *(delays for delays in own if delays is not None)]
    drawn: list[tuple[int, int]] = []
    for table in tables:
        days = sorted(table)
        drawn += [(len(drawn) + i, days[index]) for i, index in enumerate(wheel([table[day] for day in days]))]
    return tuple(drawn)
