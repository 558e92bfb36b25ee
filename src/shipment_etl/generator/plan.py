"""The plan of a batch: its lookup tables, computed in Python before any engine starts."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from shipment_etl.errors import InvalidValue
from shipment_etl.generator.lives import MAX_REPORT_DAYS, check_lives
from shipment_etl.generator.services import SERVICE_SLOTS, ServiceSlot, service_delays, service_slots
from shipment_etl.generator.streams import stream_key
from shipment_etl.generator.wheels import (
    SLOTS,
    CarrierSlot,
    DelaySlot,
    LaneSlot,
    WeightSlot,
    carrier_slots,
    delay_slots,
    lane_slots,
    weight_slots,
)
from shipment_etl.generator.world import LEVEL_PERCENT, LEVELS, disruptions_of, level_delays
from shipment_etl.network import Network
from shipment_etl.scenario import REPORTED, Delays, Disruption, Scenario

__all__ = ["FIRST_BATCH", "LAST_BATCH", "MAX_DISRUPTIONS", "MAX_ROWS", "DaySlot", "Plan", "make_plan"]

MAX_ROWS = 10**9
"""Maximum rows of a batch: those that nine digits of a shipment_id can number."""
MAX_DISRUPTIONS = 60
"""Maximum disruptions of a batch and the days before it: each takes one bit of a whole number."""

EPOCH = date(1970, 1, 1)
FIRST_BATCH, LAST_BATCH = date(1990, 2, 1), date(2099, 6, 30)
"""Batch dates whose late arrivals and deliveries still lie within the years that the contract allows."""


class DaySlot(NamedTuple):
    """A day whose shipments the batch reports on: the batch's own, and earlier ones.

    `first_lane` and `first_delay` are where its wheel of lanes or services, and its tables of delays, begin; `day_struck_by`
    has a bit for each disruption that is active on it; `day_rows` is its number of new shipments; `season` is in percent.
    """

    days_before: int
    epoch_day: int
    weekday: int
    first_lane: int
    first_delay: int
    day_struck_by: int
    prefix: str
    day_rows: int
    season: int


@dataclass(frozen=True)
class Plan:
    """What `generate` looks rows up in. Rates are in 0.0001 of the currency, weights in grams, distances in 100 m.

    `own_delays` says for each disruption where its table of delays begins; None where it has none. `services`, where there
    are any, replace lanes and carriers. `unknown` are the measures that are left out.
    """

    batch_date: date
    rows: int
    seed: int
    scenario: Scenario
    defects: float
    days: tuple[DaySlot, ...]
    lanes: tuple[LaneSlot, ...]
    carriers: tuple[CarrierSlot, ...]
    weights: tuple[WeightSlot, ...]
    delays: tuple[DelaySlot, ...]
    disruptions: tuple[Disruption, ...]
    own_delays: tuple[int | None, ...]
    services: tuple[ServiceSlot, ...] = ()
    unknown: tuple[str, ...] = ()

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
    """Compute the plan of a batch.

    Raises:
        InvalidValue: rows are not in 1 … 10^9, or defects not in 0 … 1, or the contract would reject the batch date's rows,
            or the scenario has unknown lives.
        NetworkError: the network lacks what a generator needs (places with coordinates, tariffs, shares).
    """
    # Not isinstance, because True is also an int.
    if type(rows) is not int or not 0 < rows <= MAX_ROWS:
        raise InvalidValue("rows", rows, f"a whole number from 1 to {MAX_ROWS:,}")
    if not 0 <= defects <= 1:
        raise InvalidValue("defects", defects, "a share from 0 to 1")
    if not FIRST_BATCH <= batch_date <= LAST_BATCH:
        raise InvalidValue("date", str(batch_date), f"a date from {FIRST_BATCH} to {LAST_BATCH}")
    check_lives(scenario.lives)
    if scenario.carrier_delays and not network.services:
        raise InvalidValue(
            "carrier_delays of the scenario", [*scenario.carrier_delays], "left out: the network has no services"
        )
    days = _days(batch_date, scenario, since)
    disruptions = disruptions_of(scenario, network, days, rows=rows, seed=seed)
    if len(disruptions) > MAX_DISRUPTIONS:
        raise InvalidValue("the number of disruptions", len(disruptions), f"at most {MAX_DISRUPTIONS}")
    for disruption in disruptions:
        if disruption.missing and disruption.missing not in REPORTED:
            raise InvalidValue("what a disruption makes missing", disruption.missing, f"one of {', '.join(REPORTED)}")
    weekdays = list(dict.fromkeys(day.weekday() for day in days))
    seasons = list(dict.fromkeys(scenario.seasons[day.month - 1] for day in days))
    levels = [LEVEL_PERCENT * level for level in range(1, LEVELS + 1)] if scenario.varied else [100]
    tables: list[Delays] = [level_delays(scenario.delays, level * season // 100) for season in seasons for level in levels]
    lanes, carriers, services = tuple[LaneSlot, ...](), tuple[CarrierSlot, ...](), tuple[ServiceSlot, ...]()
    if network.services:
        tables, places = service_delays(scenario)
        services = service_slots(network, scenario, disruptions, weekdays, places)
    else:
        lanes = lane_slots(network, disruptions, weekdays)
        carriers = carrier_slots(network, scenario, disruptions)
    own_delays = list[int | None]()
    for disruption in disruptions:
        own_delays.append(len(tables) * SLOTS if disruption.delays is not None else None)
        tables += [disruption.delays] if disruption.delays is not None else []
    return Plan(
        batch_date=batch_date,
        rows=scenario.rows_on(batch_date, rows),
        seed=seed,
        scenario=scenario,
        defects=defects,
        days=tuple(
            DaySlot(
                (batch_date - day).days,
                (day - EPOCH).days,
                day.weekday(),
                weekdays.index(day.weekday()) * (SERVICE_SLOTS if services else SLOTS),
                seasons.index(scenario.seasons[day.month - 1]) * len(levels) * SLOTS,
                sum(1 << bit for bit, disruption in enumerate(disruptions) if disruption.strikes(day)),
                f"SH{day:%Y%m%d}-",
                scenario.rows_on(day, rows),
                scenario.seasons[day.month - 1],
            )
            for day in days
        ),
        lanes=lanes,
        carriers=carriers,
        weights=weight_slots(0 if services else scenario.truckloads),
        delays=delay_slots(tables),
        disruptions=disruptions,
        own_delays=tuple(own_delays),
        services=services,
        unknown=network.unknown,
    )


def _days(batch_date: date, scenario: Scenario, since: date | None) -> list[date]:
    """Return the batch date, and the days before it whose shipments it may report on again."""
    reaches = MAX_REPORT_DAYS if any(scenario.lives.values()) else 0
    days = [batch_date - timedelta(days=number) for number in range(reaches + 1)]
    return [day for day in days if since is None or day == batch_date or day >= since]
