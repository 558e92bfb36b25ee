"""The world of a scenario: who is late more often, in which months, which warehouses are overloaded, where there are storms.

All of it is computed from the network, as tables of delays and disruptions, before any row is generated.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

from shipment_etl.generator.scenarios import STORM_DELAYS
from shipment_etl.generator.streams import stream_key
from shipment_etl.network import City, Network, Warehouse, great_circle_km
from shipment_etl.scenario import Delays, Disruption, Scenario

__all__ = ["LEVELS", "LEVEL_PERCENT", "disruptions_of", "level_delays"]

LEVEL_PERCENT, LEVELS = 25, 12
"""The combined lateness of carrier and lane, from 25 to 300 % of the scenario's, in steps of 25 %."""
MAX_LATE_SHARE = Fraction(95, 100)

STORMS_IN_1000 = 8
"""Number of storms that begin at a city in a thousand days."""
MAX_STORM_DAYS = 3
STORM_KM = 400


def level_delays(delays: Delays, percent: int) -> dict[int, Fraction]:
    """Return delays with the late ones scaled to this percentage, up to 95 % of all."""
    total, late = sum(delays.values()), sum(weight for days, weight in delays.items() if days > 0)
    if late in (0, total):
        return {days: Fraction(weight) for days, weight in delays.items()}
    wanted = min(Fraction(late * percent, 100), total * MAX_LATE_SHARE)
    rest = (total - wanted) / (total - late)
    return {days: weight * (wanted / late if days > 0 else rest) for days, weight in delays.items()}


def disruptions_of(
    scenario: Scenario, network: Network, days: Sequence[date], *, rows: int, seed: int
) -> tuple[Disruption, ...]:
    """Return all disruptions that are active on these days; those that the scenario lists come last, to take precedence."""
    natural: list[Disruption] = []
    if scenario.varied and not scenario.calm:
        natural = [*_overloads(scenario, network, rows), *_storms(network, seed, days)]
    return tuple(each for each in (*natural, *scenario.disruptions) if any(each.strikes(day) for day in days))


def _overloads(scenario: Scenario, network: Network, rows: int) -> Iterator[Disruption]:
    """Yield a disruption for each overloaded warehouse: on days of the week above capacity, shipments are a day later."""
    later = {days + 1: weight for days, weight in scenario.delays.items()}
    for warehouse in network.warehouses:
        if warehouse.daily_capacity is None:
            continue
        over = frozenset(
            weekday
            for weekday in range(7)
            if rows * scenario.rhythm[weekday] * _share(warehouse, network.warehouses, weekday)
            > 100 * warehouse.daily_capacity
        )
        if over:
            only = frozenset({warehouse.name})
            yield Disruption(later, warehouses=only, name=f"{warehouse.name} above capacity", weekdays=over)


def _share(warehouse: Warehouse, warehouses: Iterable[Warehouse], weekday: int) -> Fraction:
    total = sum(each.share * each.rhythm[weekday] for each in warehouses)
    return Fraction(warehouse.share * warehouse.rhythm[weekday], total) if total else Fraction(0)


def _storms(network: Network, seed: int, days: Sequence[date]) -> Iterator[Disruption]:
    """Yield storms: they delay shipments from or to places near a city, on one to three days in a row."""
    starts = sorted({day - timedelta(days=before) for day in days for before in range(MAX_STORM_DAYS)})
    for start in starts:
        for city in network.cities:
            drawn = stream_key(seed, start, f"storm at {city.name}")
            if drawn % 1000 >= STORMS_IN_1000:
                continue
            until = start + timedelta(days=drawn // 1000 % MAX_STORM_DAYS)
            storm = Disruption(STORM_DELAYS, name=f"storm at {city.name}", since=start, until=until)
            yield replace(storm, cities=_find_near(city, network.cities))
            if warehouses := _find_near(city, network.warehouses):
                yield replace(storm, warehouses=warehouses)


def _find_near(city: City, places: Iterable[City | Warehouse]) -> frozenset[str]:
    return frozenset(each.name for each in places if great_circle_km(city, each) <= STORM_KM)
