"""Learning: a network and its scenario from sums of shipments."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar

from shipment_etl.generator.services import MILLION, split_delays
from shipment_etl.life import LOST, RETURNED
from shipment_etl.network import Carrier, City, Measure, Network, Service, Tariff, Warehouse
from shipment_etl.scenario import Delays, Rhythm, Scenario
from shipment_etl.twin.merging import OTHER, merge_delays, merge_services
from shipment_etl.twin.sums import DayCounts, RollUp, ServiceKey, Sums
from shipment_etl.twin.tariffs import MeanCost, charge, fit_tariff
from shipment_etl.twin.writing import write_network

__all__ = ["Twin", "learn_network"]

EVEN: Rhythm = (100, 100, 100, 100, 100, 100, 100)
SHARES = 100_000
"""Total of the shares of all services, up to rounding."""
DISTANCE_STEP_KM = 10
"""Distances are rounded to this, so that coded places are harder to find on a map."""
WEEKEND_DAYS = 3 / 7
"""Days by which the generator's promises are later, on average, because they skip weekends."""
MAX_LEAD_DAYS, MAX_PRICE, MAX_LATENESS, MAX_PERCENT = 730, 10**5, 1000, 10**4

Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class Twin:
    """A network with a scenario that makes shipments like those of a source, learnt from groups of them.

    Attributes:
        network: with its scenario.
        shipments: how many it was learnt from.
        first, last: their first and last day.
        min_shipments: minimum number of shipments in a group.
        merged_services: how many were too small and were merged into another one.
        merged_shipments: how many shipments these had.
        dropped_shipments: how many were dropped because they were too few even together.
    """

    network: Network
    shipments: int
    first: date
    last: date
    min_shipments: int
    merged_services: int
    merged_shipments: int
    dropped_shipments: int

    @property
    def rows(self) -> int:
        """Shipments of an average day, at least 1: the rows to generate for as many shipments as the source has."""
        return max(1, round(self.shipments / ((self.last - self.first).days + 1)))

    def to_toml(self) -> str:
        """Return it as TOML that `Network.from_toml` reads."""
        comments = (
            f"A twin: learnt from {self.shipments:,} shipments in groups of {self.min_shipments} or more.",
            f"On an average day the source has {self.rows:,}: generate --rows {self.rows}",
        )
        return write_network(self.network, comments)


def learn_network(rolled: RollUp, min_shipments: int, *, names: bool = False) -> Twin:
    """Learn a network and its scenario.

    Args:
        rolled: sums of at least `min_shipments` shipments.
        min_shipments: groups of fewer are merged with others, or left out.
        names: keep the names of carriers and places; if false, codes such as `carrier-01` replace them.
    """
    merged = merge_services(rolled.services, min_shipments)
    services = merged.services if names else _replace_names(merged.services)
    every = _total(services.values())
    learner = _Learner(every, _sum_by(services, 2), min_shipments)
    first, last = min(rolled.days), max(rolled.days)
    weekdays = Counter((first + timedelta(days=number)).weekday() for number in range((last - first).days + 1))
    rhythm = _rhythm(every, weekdays, min_shipments) or EVEN
    own = {name: _own_rhythm(sums, weekdays, min_shipments) for name, sums in _sum_by(services, 0).items()}
    # If some warehouses have their own rhythm, the others use that of all shipments.
    rhythms = {name: each or (rhythm if any(own.values()) else EVEN) for name, each in own.items()}
    network = Network(
        warehouses=tuple(Warehouse(name, rhythm=each) for name, each in rhythms.items()),
        cities=tuple(City(name) for name in _sum_by(services, 1)),
        carriers=tuple(Carrier(name, parcel=tariff) for name, tariff in learner.tariffs(services).items()),
        services=tuple(learner.service(key, services[key]) for key in _sort_services(services)),
        unknown=learner.unknown,
        scenario=learner.scenario(rolled.days, rhythm),
    )
    return Twin(
        network=network,
        shipments=every.shipments,
        first=first,
        last=last,
        min_shipments=min_shipments,
        merged_services=merged.merged,
        merged_shipments=merged.merged_shipments,
        dropped_shipments=merged.dropped_shipments,
    )


class _Learner:
    """Measures of all shipments and of each carrier, for services with too few shipments for their own."""

    def __init__(self, every: Sums, carriers: Mapping[str, Sums], least: int) -> None:
        self.every, self.carriers, self.least = every, carriers, least
        self.delays: Delays = merge_delays(every.delays, least) or {0: 1}
        learnt = {name: merge_delays(sums.delays, least) for name, sums in carriers.items()}
        self.carrier_delays = {name: delays for name, delays in learnt.items() if delays}
        self.known: dict[Measure, bool] = {
            "shipment_weight_kg": self._weight(every) is not None,
            "shipment_volume_m3": every.volume_m3 > 0,
            "route_distance_km": self._distance(every) is not None,
            "shipping_cost": self._cost(every) is not None,
        }
        self._tariffs: dict[str, Tariff] = {}

    @property
    def unknown(self) -> tuple[Measure, ...]:
        return tuple(name for name, is_known in self.known.items() if not is_known)

    def tariffs(self, services: Mapping[ServiceKey, Sums]) -> Mapping[str, Tariff | None]:
        """Return the tariff of each carrier, None where no cost is known."""
        if not self.known["shipping_cost"]:
            return dict.fromkeys(self.carriers)
        means: dict[str, list[MeanCost]] = {name: [] for name in self.carriers}
        for (_, _, carrier), sums in services.items():
            if (cost := self._cost(sums)) is not None:
                means[carrier].append(MeanCost(sums.cost_shipments, *self._measures(sums, carrier), cost))
        usual = Tariff(_round(self._cost(self.every) or 0, 2), Decimal(0), Decimal(0))
        for name, sums in self.carriers.items():
            cost = self._cost(sums)
            own = usual if cost is None else Tariff(_round(cost, 2), Decimal(0), Decimal(0))
            self._tariffs[name] = fit_tariff(means[name]) if means[name] else own
        return self._tariffs

    def service(self, key: ServiceKey, sums: Sums) -> Service:
        origin, city, carrier = key
        weight, distance = self._measures(sums, carrier)
        cost, price = self._cost(sums), 100
        if cost is not None and (charged := charge(self._tariffs[carrier], weight, distance)) > 0:
            price = min(MAX_PRICE, round(100 * cost / charged))
        return Service(
            origin_warehouse=origin,
            destination_city=city,
            carrier=carrier,
            share=max(1, round(SHARES * sums.shipments / self.every.shipments)),
            promised_days=self._find_measure(self._lead_days, sums, carrier),
            distance_km=_round(distance, 0) if self.known["route_distance_km"] else None,
            weight_kg=_round(max(weight, 0.001), 3) if self.known["shipment_weight_kg"] else None,
            price=price,
            lateness=self._lateness(sums, carrier),
        )

    def scenario(self, days: Mapping[date, DayCounts], rhythm: Rhythm) -> Scenario:
        late, with_delay = Counter[int](), Counter[int]()
        for day, counts in days.items():
            late[day.month] += counts.late
            with_delay[day.month] += counts.with_delay
        usual = late.total() / max(1, with_delay.total())
        enough = {month for month, count in with_delay.items() if count >= self.least and usual}
        ended = {name: self.every.states[state] for name, state in (("returned", RETURNED), ("lost", LOST))}
        return Scenario(
            name="twin",
            summary="learnt from the shipments of a source",
            delays=self.delays,
            truckloads=0,
            lives={name: round(1000 * count / self.every.shipments) for name, count in ended.items() if count >= self.least},
            seasons=tuple(
                _percent(late[month] / with_delay[month] / usual) if month in enough else 100 for month in range(1, 13)
            ),
            varied=True,
            calm=True,
            carrier_delays=self.carrier_delays,
            rhythm=rhythm,
        )

    def _measures(self, sums: Sums, carrier: str) -> tuple[float, float]:
        """Return the mean weight and the distance; 0 where the source has none."""
        weight = self._find_measure(self._weight, sums, carrier) or 0.0
        return weight, self._find_measure(self._distance, sums, carrier) or 0.0

    def _find_measure(self, measure: Callable[[Sums], Number | None], sums: Sums, carrier: str) -> Number | None:
        """Return a measure of a service; where too few of its shipments have it, that of its carrier or of all shipments."""
        found = (measure(each) for each in (sums, self.carriers[carrier], self.every))
        return next((each for each in found if each is not None), None)

    def _cost(self, sums: Sums) -> float | None:
        return float(sums.cost / sums.cost_shipments) if sums.cost_shipments >= self.least else None

    def _distance(self, sums: Sums) -> float | None:
        if sums.distance_shipments < self.least:
            return None
        steps = round(float(sums.distance_km / sums.distance_shipments) / DISTANCE_STEP_KM)
        return float(max(1, steps) * DISTANCE_STEP_KM)

    def _weight(self, sums: Sums) -> float | None:
        # The roll-up does not count shipments with a known weight: their number is estimated by their share of the cost.
        if sums.weighed_cost > 0 and sums.cost > 0:
            known, weight_kg = float(sums.cost_shipments * sums.weighed_cost / sums.cost), sums.priced_weight_kg
        else:
            known, weight_kg = float(sums.shipments), sums.weight_kg
        return float(weight_kg) / known if weight_kg > 0 and known >= self.least else None

    def _lead_days(self, sums: Sums) -> int | None:
        if sums.with_delay < self.least:
            return None
        return min(MAX_LEAD_DAYS, max(1, round(sums.lead_days / sums.with_delay - WEEKEND_DAYS)))

    def _lateness(self, sums: Sums, carrier: str) -> int:
        late_ppm = split_delays(self.carrier_delays.get(carrier, self.delays))[2]
        if sums.with_delay < self.least or not 0 < late_ppm < MILLION:
            return 100
        return min(MAX_LATENESS, round(100 * MILLION * sums.late / sums.with_delay / late_ppm))


def _rhythm(sums: Sums, weekdays: Mapping[int, int], least: int) -> Rhythm | None:
    """Return the shipments from Monday to Sunday, in percent of an average day; a day with fewer than `least` has 0.

    None where the period does not contain every day of the week.
    """
    usual = sums.weekdays.total() / sum(weekdays.values())
    if not usual or any(not weekdays.get(day) for day in range(7)):
        return None

    def percent(day: int) -> int:
        return _percent(sums.weekdays[day] / weekdays[day] / usual) if sums.weekdays[day] >= least else 0

    return percent(0), percent(1), percent(2), percent(3), percent(4), percent(5), percent(6)


def _own_rhythm(sums: Sums, weekdays: Mapping[int, int], least: int) -> Rhythm | None:
    """Return the rhythm of a warehouse; None where a day of the week has too few shipments to tell."""
    return _rhythm(sums, weekdays, least) if all(sums.weekdays[day] >= least for day in range(7)) else None


def _replace_names(services: Mapping[ServiceKey, Sums]) -> dict[ServiceKey, Sums]:
    """Return services with codes for names, numbered from the one with the most shipments; merged ones stay `OTHER`."""
    codes = []
    for place, kind in enumerate(("warehouse-{:03}", "city-{:03}", "carrier-{:02}")):
        known = [name for name in _sum_by(services, place) if name != OTHER]
        codes.append({OTHER: OTHER, **{name: kind.format(number) for number, name in enumerate(known, 1)}})
    return {(codes[0][key[0]], codes[1][key[1]], codes[2][key[2]]): sums for key, sums in services.items()}


def _sum_by(services: Mapping[ServiceKey, Sums], place: int) -> dict[str, Sums]:
    """Return the sums of the services with each name, most shipments first."""
    found: dict[str, Sums] = {}
    for key, sums in services.items():
        found.setdefault(key[place], Sums()).add(sums)
    return dict(sorted(found.items(), key=lambda each: (-each[1].shipments, each[0])))


def _sort_services(services: Mapping[ServiceKey, Sums]) -> list[ServiceKey]:
    return sorted(services, key=lambda key: (-services[key].shipments, key))


def _total(sums: Iterable[Sums]) -> Sums:
    every = Sums()
    for each in sums:
        every.add(each)
    return every


def _percent(ratio: float) -> int:
    return min(MAX_PERCENT, round(100 * ratio))


def _round(value: float, digits: int) -> Decimal:
    return round(Decimal(str(value)), digits)
