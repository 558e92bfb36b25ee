"""The network: warehouses, cities, carriers and services, the distances between them, and what a shipment costs.

Plain frozen values, no Spark. `Network.default()` is the network of the reference pipeline; a TOML file can define another.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date as Date
from decimal import Decimal
from functools import cached_property
from hashlib import blake2b
from json import dumps
from math import asin, cos, radians, sin, sqrt
from pathlib import Path
from typing import Literal

from shipment_etl.declared import parse_toml, read_text, strict
from shipment_etl.errors import NetworkError, shorten, suggest
from shipment_etl.scenario import Rhythm, Scenario

__all__ = ["Carrier", "City", "Lane", "Measure", "Network", "Rate", "Service", "Tariff", "Warehouse", "great_circle_km"]

Measure = Literal["shipment_weight_kg", "shipment_volume_m3", "route_distance_km", "shipping_cost"]
CURRENCY = re.compile("[A-Z]{3}")
"""Source: format of ISO 4217."""
MINUTES_A_DAY = 1440
EARTH_RADIUS_KM = 6371.0088
"""Mean radius R1 of the Earth. Source: Moritz, Geodetic Reference System 1980."""


@strict
@dataclass(frozen=True, slots=True)
class Warehouse:
    """Where shipments start.

    `latitude` and `longitude`, in degrees, are needed to generate; `daily_capacity` is in shipments per day, None if
    unknown; `share` is the weight among the warehouses, and `rhythm` scales it from Monday to Sunday, in percent;
    `lateness` is how many of its shipments are late, in percent of the usual number.
    """

    name: str
    latitude: float | None = None
    longitude: float | None = None
    daily_capacity: int | None = None
    share: int = 1
    rhythm: Rhythm = (100, 100, 100, 100, 100, 100, 100)
    lateness: int = 100


@strict
@dataclass(frozen=True, slots=True)
class City:
    """Where shipments end; `latitude` and `longitude`, in degrees, are needed to generate; `lateness` as in Warehouse."""

    name: str
    latitude: float | None = None
    longitude: float | None = None
    lateness: int = 100


@strict
@dataclass(frozen=True, slots=True)
class Tariff:
    """What a carrier charges: a base price per shipment, and rates per kilogram and per kilometre."""

    base: Decimal
    per_kg: Decimal
    per_km: Decimal


@strict
@dataclass(frozen=True, slots=True)
class Carrier:
    """Who moves shipments: its shares of parcels and of truck-loads, and its tariff for each.

    A carrier of only one kind has the share 0 for the other. `extra_days` are days that it adds to the promised days of the
    lane; `lateness` is how many of its shipments are late, in percent of the usual number.
    """

    name: str
    share: int = 1
    parcel: Tariff | None = None
    truckload_share: int = 0
    truckload: Tariff | None = None
    extra_days: int = 0
    lateness: int = 100


@dataclass(frozen=True, slots=True)
class Lane:
    """One warehouse to one city, with the great-circle distance between them, to 100 metres, and their lateness."""

    origin_warehouse: str
    destination_city: str
    distance_km: Decimal
    lateness: int = 100


@strict
@dataclass(frozen=True, slots=True)
class Service:
    """A carrier on a lane: its share of the shipments, and the terms.

    `share` is the weight among all services; `promised_days` are from shipment to promised date, computed from the distance
    if None; `distance_km` is the length of the lane, computed from coordinates if None; `weight_kg` is the average weight of
    a shipment, computed from the distance if None; `price` is in percent of the carrier's tariff for parcels; `lateness` as
    in Warehouse.
    """

    origin_warehouse: str
    destination_city: str
    carrier: str
    share: int = 1
    promised_days: int | None = None
    distance_km: Decimal | None = None
    weight_kg: Decimal | None = None
    price: int = 100
    lateness: int = 100


@strict
@dataclass(frozen=True, slots=True)
class Rate:
    """What one unit of a currency is worth in another, from a day until the next rate; `source` says who published it."""

    currency: str
    to: str
    day: Date
    rate: Decimal
    source: str


@strict
@dataclass(frozen=True)
class Network:
    """Warehouses, cities, carriers, services, and exchange rates. If a list has no names, any value is allowed.

    Without services, every carrier serves every lane, by the shares of warehouses and carriers. With services, shipments are
    drawn only from them: only their shares count, all shipments are parcels, and they are exactly as late as the services
    say. `unknown` names measures that shipments of the network leave out. `scenario` is the default scenario of the network.

    `currency` is the ISO 4217 code of tariffs, and in reports of costs whose mapping names none; None if unknown.

    `on_time_target` is the share of shipments that should be on time, from 0 to 1; None if there is no target.

    `on_time_tolerance_minutes` is how late a delivery may be and still count as on time, if the promised and the actual time
    are known; if None, the days decide.

    Raises:
        NetworkError: a name is empty or used twice, or a number is out of range.
    """

    warehouses: tuple[Warehouse, ...] = ()
    cities: tuple[City, ...] = ()
    carriers: tuple[Carrier, ...] = ()
    rates: tuple[Rate, ...] = ()
    services: tuple[Service, ...] = ()
    unknown: tuple[Measure, ...] = ()
    scenario: Scenario | None = None
    currency: str | None = None
    on_time_target: Decimal | None = None
    on_time_tolerance_minutes: int | None = None

    def __post_init__(self) -> None:
        _check_names("warehouses", self.warehouses)
        _check_names("cities", self.cities)
        _check_names("carriers", self.carriers)
        _check_range("The network", "on_time_target", self.on_time_target, 0, 1)
        if self.currency is not None and not CURRENCY.fullmatch(self.currency):
            raise NetworkError(f"The currency {shorten(self.currency)} of the network needs a code such as EUR.")
        for rate in self.rates:
            if not (CURRENCY.fullmatch(rate.currency) and CURRENCY.fullmatch(rate.to)):
                raise NetworkError(f"The rate of {shorten(rate.currency)} to {shorten(rate.to)} needs codes such as EUR.")
            _check_range(f"{rate.currency} to {rate.to}", "rate", rate.rate, Decimal("1e-9"), 10**6)
        _check_range("The network", "on_time_tolerance_minutes", self.on_time_tolerance_minutes, 0, MINUTES_A_DAY)
        places: tuple[Warehouse | City, ...] = (*self.warehouses, *self.cities)
        for place in places:
            _check_range(place.name, "latitude", place.latitude, -90, 90)
            _check_range(place.name, "longitude", place.longitude, -180, 180)
            _check_range(place.name, "lateness", place.lateness, 0, 1000)
        for warehouse in self.warehouses:
            _check_range(warehouse.name, "daily_capacity", warehouse.daily_capacity, 1, 10**9)
            _check_range(warehouse.name, "share", warehouse.share, 0, 10**6)
            for percent in warehouse.rhythm:
                _check_range(warehouse.name, "rhythm", percent, 0, 10**4)
        for carrier in self.carriers:
            _check_range(carrier.name, "share", carrier.share, 0, 10**6)
            _check_range(carrier.name, "truckload_share", carrier.truckload_share, 0, 10**6)
            _check_range(carrier.name, "extra_days", carrier.extra_days, 0, 30)
            _check_range(carrier.name, "lateness", carrier.lateness, 0, 1000)
            for kind, tariff in (("parcel", carrier.parcel), ("truckload", carrier.truckload)):
                for name, rate in asdict(tariff).items() if tariff else ():
                    _check_range(carrier.name, f"{kind}.{name}", rate, 0, 10**6)
        self._check_services()
        if self.scenario is not None:
            _check_scenario(self.scenario, {each.name for each in self.carriers})

    def _check_services(self) -> None:
        known: tuple[tuple[str, Sequence[Warehouse | City | Carrier]], ...] = (
            ("origin_warehouse", self.warehouses),
            ("destination_city", self.cities),
            ("carrier", self.carriers),
        )
        names = {column: {each.name for each in values} for column, values in known}
        seen: set[tuple[str, ...]] = set()
        for service in self.services:
            ends = tuple(str(getattr(service, column)) for column in names)
            service_name = f"The service {' – '.join(map(shorten, ends))}"
            for column, end in zip(names, ends, strict=True):
                if end not in names[column]:
                    hint = f"{suggest(end, names[column])} Or declare it."
                    raise NetworkError(f"{service_name}: the network has no {column} {shorten(end)}.", hint, service=ends)
            if ends in seen:
                raise NetworkError(f"{service_name} is listed twice in the network.", "Remove one.", service=ends)
            seen.add(ends)
            _check_range(service_name, "share", service.share, 0, 10**6)
            _check_range(service_name, "promised_days", service.promised_days, 1, 730)
            _check_range(service_name, "distance_km", service.distance_km, Decimal("0.1"), 40_000)
            _check_range(service_name, "weight_kg", service.weight_kg, Decimal("0.001"), 10**6)
            _check_range(service_name, "price", service.price, 0, 10**5)
            _check_range(service_name, "lateness", service.lateness, 0, 1000)

    @staticmethod
    def default() -> "Network":
        """Return the network of the reference pipeline: four warehouses, eight cities, seven carriers in the USA."""
        return DEFAULT

    @staticmethod
    def open() -> "Network":
        """Return a network that allows every warehouse, city and carrier, for files with values not known in advance."""
        return Network()

    @staticmethod
    def from_toml(path: str | Path) -> "Network":
        """Read a network from a TOML file with [[warehouses]], [[cities]], [[carriers]], [[services]] and [scenario].

        Raises:
            NetworkError: the file is missing, not TOML, or has a wrong key or value.
        """
        return parse_toml(read_text(path, NetworkError), Network, str(path), NetworkError)

    @cached_property
    def lanes(self) -> tuple[Lane, ...]:
        """All pairs of a warehouse and a city, in the order of the network.

        Raises:
            NetworkError: there are none, or a place has no coordinates.
        """
        lanes = tuple(
            Lane(w.name, c.name, great_circle_km(w, c), w.lateness * c.lateness // 100)
            for w in self.warehouses
            for c in self.cities
        )
        if not lanes:
            raise NetworkError("The network has no lanes.", "Give it at least one warehouse and one city.")
        return lanes

    @property
    def capacities(self) -> Mapping[str, int]:
        """Shipments per day that each warehouse can handle, for warehouses with a known capacity."""
        return {each.name: each.daily_capacity for each in self.warehouses if each.daily_capacity is not None}

    @cached_property
    def digest(self) -> str:
        """A short hash of everything in the network that affects checks of rows and marts."""
        values = asdict(replace(self, scenario=None))
        for name in ("scenario", "currency", "on_time_target"):
            del values[name]
        # Newer fields are left out if they are not set, so that existing networks keep their digest.
        later = ("services", "unknown", "on_time_tolerance_minutes")
        values = {name: value for name, value in values.items() if value not in ((), None) or name not in later}
        return blake2b(dumps(values, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()


def great_circle_km(origin: "Warehouse | City", destination: "Warehouse | City") -> Decimal:
    """Return the haversine distance on the mean sphere, rounded to 100 metres and never 0.

    Source: R. W. Sinnott, "Virtues of the Haversine", Sky and Telescope 68 (1984).
    """
    (lat_1, lon_1), (lat_2, lon_2) = _coordinates(origin), _coordinates(destination)
    half = sin((lat_2 - lat_1) / 2) ** 2 + cos(lat_1) * cos(lat_2) * sin((lon_2 - lon_1) / 2) ** 2
    return Decimal(max(1, round(2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(half))) * 10))) / 10


def _coordinates(place: Warehouse | City) -> tuple[float, float]:
    if place.latitude is None or place.longitude is None:
        raise NetworkError(
            f"{place.name} has no coordinates.", "Give it a latitude and a longitude in degrees.", place=place.name
        )
    return radians(place.latitude), radians(place.longitude)


def _check_names(kind: str, values: Sequence[Warehouse | City | Carrier]) -> None:
    seen: set[str] = set()
    for value in values:
        if not value.name.strip():
            raise NetworkError(f"The network has an empty name among its {kind}.", "Give each a name.", kind=kind)
        if value.name in seen:
            message = f"The network lists {shorten(value.name)} twice among its {kind}."
            raise NetworkError(message, "Remove one.", kind=kind, name=value.name)
        seen.add(value.name)


def _check_range(name: str, what: str, value: float | Decimal | None, least: int | Decimal, most: int) -> None:
    if value is not None and not least <= value <= most:
        message = f"{name}: {what} is {value}, but must be from {least} to {most}."
        raise NetworkError(message, "Correct it.", place=name, what=what, value=value)


def _check_scenario(scenario: Scenario, carriers: set[str]) -> None:
    if len(scenario.seasons) != 12:
        raise NetworkError("The scenario does not have a season for each of the twelve months.", "Give it 12 percentages.")
    for what, percents in (("seasons", scenario.seasons), ("rhythm", scenario.rhythm)):
        for percent in percents:
            _check_range("The scenario", what, percent, 0, 10**4)
    if unknown := sorted({*scenario.carrier_delays} - carriers):
        message = f"The scenario has delays for {shorten(unknown[0])}, which is not a carrier of the network."
        raise NetworkError(message, f"{suggest(unknown[0], carriers)} Or declare it.", carrier=unknown[0])
    own = [each.delays for each in scenario.disruptions if each.delays is not None]
    for delays in (scenario.delays, *scenario.carrier_delays.values(), *own):
        if min(delays.values(), default=0) < 0 or not any(delays.values()):
            raise NetworkError("The scenario's delays have a weight below 0, or none above 0.", "Give each day a weight.")
        for days in delays:
            _check_range("The scenario", "delay", days, -730, 730)


def _tariff(base: str, per_kg: str, per_km: str) -> Tariff:
    return Tariff(Decimal(base), Decimal(per_kg), Decimal(per_km))


# Shares follow Zipf's law, as in real freight. Truck-load rates per kilometre are close to the operating cost of
# trucking that ATRI publishes every year (about 1.4 USD per km); parcel rates are those of the reference pipeline.
DEFAULT = Network(
    warehouses=(
        Warehouse("NY_Warehouse", 40.7282, -73.9490, 40_000, 40, (110, 105, 100, 100, 115, 60, 40)),
        Warehouse("TX_Warehouse", 32.8998, -97.0403, 27_000, 25, (105, 100, 100, 100, 100, 80, 70)),
        Warehouse("CA_Warehouse", 34.0633, -117.6509, 22_000, 20, (90, 95, 100, 105, 95, 120, 120)),
        Warehouse("IL_Warehouse", 41.5250, -88.0817, 17_000, 15, (120, 105, 100, 95, 90, 50, 30)),
    ),
    cities=(
        City("Los Angeles", 34.0522, -118.2437),
        City("Chicago", 41.8781, -87.6298),
        City("Miami", 25.7617, -80.1918, 120),
        City("Seattle", 47.6062, -122.3321, 110),
        City("Boston", 42.3601, -71.0589),
        City("Denver", 39.7392, -104.9903),
        City("Atlanta", 33.7490, -84.3880, 90),
        City("Houston", 29.7604, -95.3698),
    ),
    carriers=(
        Carrier("FedEx", 30, _tariff("18.00", "0.50", "0.0110"), 15, _tariff("260", "0.020", "1.35"), lateness=90),
        Carrier("UPS", 23, _tariff("17.00", "0.50", "0.0105"), 10, _tariff("250", "0.020", "1.32"), lateness=85),
        Carrier("Amazon Logistics", 15, _tariff("12.00", "0.42", "0.0095"), lateness=100),
        Carrier("USPS", 12, _tariff("11.00", "0.55", "0.0080"), extra_days=1, lateness=120),
        Carrier("DHL", 9, _tariff("22.00", "0.54", "0.0120"), 8, _tariff("270", "0.022", "1.40"), lateness=105),
        Carrier("OnTrac", 7, _tariff("14.00", "0.46", "0.0100"), lateness=140),
        Carrier("Ryder", 4, _tariff("26.00", "0.38", "0.0130"), 40, _tariff("220", "0.018", "1.25"), lateness=110),
    ),
    currency="USD",
)
