"""Wheels: the lookup tables of a batch; each entry has a number of slots in proportion to its share of the draws."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import chain
from math import exp, sqrt
from statistics import NormalDist
from typing import NamedTuple

from shipment_etl.errors import NetworkError
from shipment_etl.network import Carrier, Lane, Network, Tariff
from shipment_etl.scenario import Delays, Disruption, Scenario

__all__ = [
    "SLOTS",
    "SLOT_BITS",
    "CarrierSlot",
    "DelaySlot",
    "LaneSlot",
    "WeightSlot",
    "carrier_slots",
    "delay_slots",
    "lane_slots",
    "lane_weight_permille",
    "promised_days",
    "strikes_names",
    "weight_slots",
    "wheel",
]

SLOT_BITS = 10
SLOTS = 1 << SLOT_BITS
"""Slots of a wheel: a draw is one of them, so a share is exact to 1 in 1024."""
MIN_PROMISED_DAYS, KM_PER_DAY = 2, 900

# Weight of a shipment below truck-load: lognormal, as parcel and less-than-truck-load weights are; median 12 kg.
MEDIAN_KG, SIGMA = 12, 1.4
MIN_GRAMS, MAX_GRAMS = 100, 3_000_000
TRUCKLOAD_G = (9_000_000, 20_000_000)

# Parcels travel farther than heavy freight: the weight on a lane falls with the root of its distance.
WEIGHT_AT_KM = 1500


class LaneSlot(NamedTuple):
    """A slot of a wheel of lanes; `lane_struck_by` has a bit for each disruption that affects its places."""

    slot: int
    origin_warehouse: str
    destination_city: str
    distance_hm: int
    lane_days: int
    weight_permille: int
    lane_struck_by: int
    lane_lateness: int


class CarrierSlot(NamedTuple):
    """A slot of the wheel of carriers: the first 1024 for shipments below truck-load, the next 1024 for truck-loads."""

    slot: int
    carrier: str
    base_cents: int
    per_kg: int
    per_km: int
    extra_days: int
    carrier_struck_by: int
    carrier_lateness: int


class WeightSlot(NamedTuple):
    """A slot of the weight distribution: a range within which weights are uniform."""

    slot: int
    least_g: int
    span_g: int
    truckload: int


class DelaySlot(NamedTuple):
    """A slot of a table of delays."""

    slot: int
    drawn_delay: int


def wheel(weights: Sequence[int | Fraction], slots: int = SLOTS) -> list[int]:
    """Return an index for each slot, so that each index has its share of them (largest remainder method).

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


def lane_slots(network: Network, disruptions: Sequence[Disruption], weekdays: Sequence[int]) -> tuple[LaneSlot, ...]:
    """Return the wheels of lanes one after another, one for each day of the week."""
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
    slots = [_lane_slot(lane, disruptions) for lane in lanes]
    return tuple(slots[index]._replace(slot=number) for number, index in enumerate(chain.from_iterable(wheels)))


def _lane_slot(lane: Lane, disruptions: Sequence[Disruption]) -> LaneSlot:
    return LaneSlot(
        0,
        lane.origin_warehouse,
        lane.destination_city,
        int(lane.distance_km * 10),
        promised_days(lane.distance_km),
        lane_weight_permille(lane.distance_km),
        sum(
            1 << bit
            for bit, disruption in enumerate(disruptions)
            if strikes_names(lane.destination_city, disruption.cities)
            and strikes_names(lane.origin_warehouse, disruption.warehouses)
        ),
        lane.lateness,
    )


def promised_days(km: Decimal) -> int:
    """Return the days that are promised on a lane of this length."""
    return MIN_PROMISED_DAYS + int(km) // KM_PER_DAY


def lane_weight_permille(km: Decimal) -> int:
    """Return the weights on a lane of this length, in thousandths of the usual ones."""
    return round(1000 * min(2.5, sqrt(WEIGHT_AT_KM / float(km))))


def strikes_names(name: str, names: frozenset[str]) -> bool:
    """Whether a disruption affects a name: it is among its names, or the disruption names none and so affects all."""
    return not names or name in names


def carrier_slots(network: Network, scenario: Scenario, disruptions: Sequence[Disruption]) -> tuple[CarrierSlot, ...]:
    """Return the wheel of carriers for parcels, then that for truck-loads."""
    parcels = [(carrier, carrier.share, carrier.parcel) for carrier in network.carriers]
    truckloads = [(carrier, carrier.truckload_share, carrier.truckload) for carrier in network.carriers]
    drawn: list[CarrierSlot] = []
    for kind, offers in (("parcel", parcels), ("truckload", truckloads)):
        # A network without truck-load carriers moves its few truck-loads like parcels.
        usable = offers if any(share for _, share, _ in offers) else parcels
        drawn_on = wheel([share for _, share, _ in usable])
        slots = {}
        for index in set(drawn_on):
            carrier, _, tariff = usable[index]
            slots[index] = _carrier_slot(carrier, _tariff(carrier, kind, tariff), scenario, disruptions)
        drawn += [slots[index]._replace(slot=number) for number, index in enumerate(drawn_on, len(drawn))]
    return tuple(drawn)


def _carrier_slot(carrier: Carrier, tariff: Tariff, scenario: Scenario, disruptions: Sequence[Disruption]) -> CarrierSlot:
    base = tariff.base * (100 + scenario.surcharge)
    return CarrierSlot(
        0,
        carrier.name,
        int(base.to_integral_value()),
        _rate(tariff.per_kg),
        _rate(tariff.per_km),
        carrier.extra_days,
        sum(1 << bit for bit, each in enumerate(disruptions) if strikes_names(carrier.name, each.carriers)),
        carrier.lateness,
    )


def _tariff(carrier: Carrier, kind: str, tariff: Tariff | None) -> Tariff:
    if tariff is None:
        raise NetworkError(
            f"{carrier.name} has a share of {kind}s but no {kind} tariff.", "Give it base, per_kg and per_km."
        )
    return tariff


def _rate(rate: Decimal) -> int:
    return int((rate * 10_000).to_integral_value())


def weight_slots(truckloads_permille: int) -> tuple[WeightSlot, ...]:
    """Return the weight distribution, with this many truck-loads in a thousand shipments."""
    truckloads = SLOTS * truckloads_permille // 1000
    parcels = SLOTS - truckloads
    bounds = [MIN_GRAMS, *(_weight_g(i / parcels) for i in range(1, parcels)), MAX_GRAMS]
    drawn = [WeightSlot(i, bounds[i], bounds[i + 1] - bounds[i], 0) for i in range(parcels)]
    least, most = TRUCKLOAD_G
    drawn += [WeightSlot(parcels + i, least, most - least, 1) for i in range(truckloads)]
    return tuple(drawn)


def _weight_g(quantile: float) -> int:
    grams = round(1000 * MEDIAN_KG * exp(SIGMA * NormalDist().inv_cdf(quantile)))
    return min(MAX_GRAMS, max(MIN_GRAMS, grams))


def delay_slots(tables: Iterable[Delays]) -> tuple[DelaySlot, ...]:
    """Return the tables of delays one after another."""
    drawn: list[DelaySlot] = []
    for table in tables:
        days = sorted(table)
        drawn += [DelaySlot(len(drawn) + i, days[index]) for i, index in enumerate(wheel([table[day] for day in days]))]
    return tuple(drawn)
