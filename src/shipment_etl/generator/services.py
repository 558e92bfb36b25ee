"""Services: the wheel and the delays of a network that says which carrier moves how much on which lane, and how late."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import chain
from typing import NamedTuple

from shipment_etl.errors import NetworkError
from shipment_etl.generator.wheels import SLOTS, lane_weight_permille, promised_days, strikes_names, weight_slots, wheel
from shipment_etl.network import Network, Service, Tariff, great_circle_km
from shipment_etl.scenario import Delays, Disruption, Scenario

__all__ = ["MILLION", "SERVICE_BITS", "SERVICE_SLOTS", "ServiceSlot", "service_delays", "service_slots", "split_delays"]

SERVICE_BITS = 14
SERVICE_SLOTS = 1 << SERVICE_BITS
"""Slots of a wheel of services: there are more services than lanes, and most are small."""
MILLION = 1_000_000
FREE = Tariff(Decimal(0), Decimal(0), Decimal(0))


class ServiceSlot(NamedTuple):
    """A slot of a wheel of services.

    `service_struck_by` has a bit for each disruption that affects its places and its carrier; `late_ppm` is how many of a
    million shipments are late; `first_table` is where its delays begin: a table of those on time, then one of the late ones.
    """

    slot: int
    origin_warehouse: str
    destination_city: str
    carrier: str
    distance_hm: int
    lane_days: int
    extra_days: int
    weight_permille: int
    base_cents: int
    per_kg: int
    per_km: int
    service_struck_by: int
    late_ppm: int
    first_table: int


def split_delays(delays: Delays) -> tuple[Delays, Delays, int]:
    """Return the delays on time, the late ones, and how many in a million are late.

    If there are none of one kind, those of the other are used for both.
    """
    late = {days: weight for days, weight in delays.items() if days > 0 and weight}
    in_time = {days: weight for days, weight in delays.items() if days <= 0 and weight}
    share = Fraction(sum(late.values())) / Fraction(sum(delays.values()))
    return in_time or late, late or in_time, round(share * MILLION)


def service_delays(scenario: Scenario) -> tuple[list[Delays], Mapping[str, tuple[int, int]]]:
    """Return tables of delays, and by carrier ("" for others) where its own begin and how many in a million are late."""
    tables: list[Delays] = []
    places: dict[str, tuple[int, int]] = {}
    for carrier, delays in {"": scenario.delays, **scenario.carrier_delays}.items():
        in_time, late, late_ppm = split_delays(delays)
        places[carrier] = (len(tables) * SLOTS, late_ppm)
        tables += [in_time, late]
    return tables, places


def service_slots(
    network: Network,
    scenario: Scenario,
    disruptions: Sequence[Disruption],
    weekdays: Sequence[int],
    places: Mapping[str, tuple[int, int]],
) -> tuple[ServiceSlot, ...]:
    """Return the wheels of services one after another, one for each day of the week.

    Raises:
        NetworkError: a service has no distance and its places no coordinates, or its carrier no tariff.
    """
    rhythms = {each.name: each.rhythm for each in network.warehouses}
    made = [_slot(network, scenario, disruptions, places, each) for each in network.services]
    wheels = []
    for weekday in weekdays:
        shares = [each.share * rhythms[each.origin_warehouse][weekday] for each in network.services]
        # A batch has at least one shipment, even on a day of the week on which none usually leaves.
        wheels.append(wheel(shares if any(shares) else [each.share for each in network.services], SERVICE_SLOTS))
    return tuple(made[index]._replace(slot=number) for number, index in enumerate(chain.from_iterable(wheels)))


def _slot(
    network: Network,
    scenario: Scenario,
    disruptions: Sequence[Disruption],
    places: Mapping[str, tuple[int, int]],
    service: Service,
) -> ServiceSlot:
    carrier = next(each for each in network.carriers if each.name == service.carrier)
    tariff = FREE if "shipping_cost" in network.unknown else carrier.parcel
    if tariff is None:
        raise NetworkError(f"{carrier.name} has a service but no parcel tariff.", "Give it base, per_kg and per_km.")
    km = _distance_km(network, service)
    first, late_ppm = places.get(carrier.name, places[""])
    if scenario.varied and 0 < late_ppm < MILLION:
        late_ppm = min(MILLION, late_ppm * service.lateness * carrier.lateness // 10_000)
    return ServiceSlot(
        0,
        service.origin_warehouse,
        service.destination_city,
        carrier.name,
        int(km * 10),
        service.promised_days or promised_days(km),
        carrier.extra_days,
        _weight_permille(service, km),
        round(tariff.base * service.price * (100 + scenario.surcharge) / 100),
        round(tariff.per_kg * service.price * 100),
        round(tariff.per_km * service.price * 100),
        sum(
            1 << bit
            for bit, each in enumerate(disruptions)
            if strikes_names(service.destination_city, each.cities)
            and strikes_names(service.origin_warehouse, each.warehouses)
            and strikes_names(carrier.name, each.carriers)
        ),
        late_ppm,
        first,
    )


def _distance_km(network: Network, service: Service) -> Decimal:
    if service.distance_km is not None:
        return service.distance_km
    if "route_distance_km" in network.unknown:
        return Decimal(0)
    origin = next(each for each in network.warehouses if each.name == service.origin_warehouse)
    return great_circle_km(origin, next(each for each in network.cities if each.name == service.destination_city))


def _weight_permille(service: Service, km: Decimal) -> int:
    if service.weight_kg is None:
        return lane_weight_permille(km) if km else 1000
    return max(1, round(Fraction(service.weight_kg) * MILLION / _mean_parcel_g()))


@cache
def _mean_parcel_g() -> Fraction:
    """Return the mean weight of a parcel, in grams; computed once, not for each of hundreds of services."""
    slots = weight_slots(0)
    return Fraction(sum(2 * each.least_g + each.span_g for each in slots), 2 * len(slots))
