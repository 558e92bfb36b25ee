"""Advice: each kind of action that a report recommends, with its sentence."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date

from shipment_etl.reporting.findings import Share
from shipment_etl.reporting.intervals import Interval
from shipment_etl.reporting.periods import Period
from shipment_etl.reporting.wording import (
    Sentence,
    count,
    lane,
    money,
    number,
    percent,
    say_days,
    say_interval,
    say_last_days,
    say_weekday,
    sentence,
)

__all__ = ["Action", "CheaperCarrier", "Cost", "Dearer", "Later", "MostDelay", "say_advice"]

COST_FIRST = "No carrier or lane is significantly later than the others, so act first on cost: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Action(ABC):
    """Shipments to act on, and what a fix would save in the period; None means any, or unknown.

    `late_saved` and `days_saved` are shipments two or more days late, and days of delay, that would be avoided. `interval`
    belongs to the estimate by which actions of its kind are ranked; None where there are too few rows to estimate its
    variance, and where nothing is estimated.
    """

    carrier: str | None
    origin: str | None
    city: str | None
    late_saved: float | None = None
    days_saved: float | None = None
    cost_at_stake: float | None = None
    interval: Interval | None = None

    @property
    def name(self) -> str:
        """Which shipments it is about, such as UPS, NY_Warehouse → Chicago, or all carriers to Chicago."""
        one_end = (self.origin is None) is not (self.city is None)
        return f"{self.carrier or 'all carriers'}{'' if one_end else ','} {self.place}"

    @property
    def place(self) -> str:
        """Where it is, such as NY_Warehouse → Chicago."""
        if self.origin is not None and self.city is not None:
            return lane(self.origin, self.city)
        if self.origin is not None:
            return f"from {self.origin}"
        return f"to {self.city}" if self.city is not None else "all lanes"

    @property
    def is_due(self) -> bool:
        """Whether there is anything to act on."""
        return True

    @property
    @abstractmethod
    def size(self) -> float:
        """The number by which actions of its kind are ranked."""

    @abstractmethod
    def reason(self, currency: str | None = None) -> str:
        """Return the reason to act, in a few words."""

    @abstractmethod
    def say(self, now: Period, currency: str | None = None) -> Sentence:
        """Return a sentence: where to act, why, and what it would save."""

    def describe_interval(self, currency: str | None = None) -> str:
        """Return the interval with its unit, such as 82 to 128 late shipments, or an empty string."""
        return "" if self.interval is None else f"{say_interval(self.interval)} late shipments"


@dataclass(frozen=True, slots=True, kw_only=True)
class Later(Action):
    """What is later than others.

    A carrier is compared with other carriers on the same lanes, a place or lane with the same carriers elsewhere. Or it is
    later on one day of the week than on others: then `dates` are the dates of that day, else it is empty. `late` and
    `others` are shares two or more days late. `cost_at_stake` is the freight paid for the late shipments that would be
    saved.
    """

    late: Share
    others: Share
    late_saved: float
    days_saved: float
    dates: tuple[date, ...] = ()

    @property
    def place(self) -> str:
        """Where and when it is, such as from NY_Warehouse on Thursdays."""
        where = super(Later, self).place
        return f"{where} {say_weekday(self.dates)}" if self.dates else where

    @property
    def size(self) -> float:
        """Late shipments that would be saved."""
        return self.late_saved

    def reason(self, currency: str | None = None) -> str:
        """Return the reason to act, in a few words."""
        return f"{percent(self.late.pct)} two or more days late, {percent(self.others.pct)} {self._compared_with}"

    def say(self, now: Period, currency: str | None = None) -> Sentence:
        """Return a sentence: where to act, why, and what it would save."""
        cost = self.cost_at_stake
        paid = "" if cost is None else f"; {money(cost, currency)} of freight was paid for those"
        return sentence(
            "Act first on ",
            self.name,
            f": {percent(self.late.pct)} of {number(self.late.whole)} came two or more days late, against "
            f"{percent(self.others.pct)} {self._compared_with}; matching that would save ",
            f"{count(round(self.late_saved), 'late shipment')}{_bracket(self.interval)}",
            " and ",
            f"{count(round(self.days_saved), 'day')} of delay",
            f" in {say_days(now)}{paid}.",
        )

    @property
    def _compared_with(self) -> str:
        if self.dates:
            return "on other days"
        if self.carrier is None:
            return "of the same carriers elsewhere"
        one_lane = self.origin is not None and self.city is not None
        return "with the other carriers on that lane" if one_lane else "with other carriers on the same lanes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost(Action):
    """What costs too much; `cost_at_stake` is the money that would be saved."""

    cost_at_stake: float

    @property
    def size(self) -> float:
        """Money that would be saved."""
        return self.cost_at_stake

    def describe_interval(self, currency: str | None = None) -> str:
        """Return the interval of the money saved, or an empty string."""
        return "" if self.interval is None else f"{say_interval(self.interval)}{f' {currency}' if currency else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dearer(Cost):
    """More expensive than in the period before; `cost_at_stake` is the extra cost.

    `cost_before` is what a similar shipment cost then, by weight and, where it is known, distance.
    """

    avg_cost: float
    cost_before: float

    def reason(self, currency: str | None = None) -> str:
        """Return the reason to act, in a few words."""
        each = money(self.avg_cost, currency)
        return f"{each} a shipment, {money(self.cost_before, currency)} before for similar shipments"

    def say(self, now: Period, currency: str | None = None) -> Sentence:
        """Return a sentence: where to act, why, and what it would save."""
        return sentence(
            COST_FIRST,
            self.name,
            f", costs {self.reason(currency)}: ",
            f"{money(self.cost_at_stake, currency)} more{_bracket(self.interval)}",
            f" in {say_days(now)}.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CheaperCarrier(Cost):
    """More expensive than another carrier whose shipments on the lane weigh the same, are as fast and no later."""

    other: str
    avg_cost: float
    other_cost: float

    def reason(self, currency: str | None = None) -> str:
        """Return the reason to act, in a few words."""
        each = money(self.avg_cost, currency)
        return f"{each} a shipment; {self.other} {money(self.other_cost, currency)} for the same weight and speed"

    def say(self, now: Period, currency: str | None = None) -> Sentence:
        """Return a sentence: where to act, why, and what it would save."""
        return sentence(
            COST_FIRST,
            self.name,
            f", costs {money(self.avg_cost, currency)} a shipment; {self.other} costs {money(self.other_cost, currency)} "
            "for the same weight and is no slower or later: moving the shipments would save ",
            f"{money(self.cost_at_stake, currency)}{_bracket(self.interval)}",
            f" in {say_days(now)}.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MostDelay(Action):
    """Not significantly later than others, but where most days are lost: `days` is its part of all days of delay."""

    days: Share
    late_saved: float
    days_saved: float

    @property
    def size(self) -> float:
        """Days of delay that would be saved."""
        return self.days_saved

    @property
    def is_due(self) -> bool:
        """Whether there is anything to act on: false if nothing came late."""
        return self.days.whole > 0

    def reason(self, currency: str | None = None) -> str:
        """Return the reason to act, in a few words."""
        return f"{number(self.days.part)} of {number(self.days.whole)} days of delay"

    def say(self, now: Period, currency: str | None = None) -> Sentence:
        """Return a sentence: where to act, why, and what it would save."""
        if not self.days.whole:
            return sentence("No carrier or lane needs action: ", "nothing came late", f" in {say_last_days(now)}.")
        cost = self.cost_at_stake
        paid = "" if cost is None else f", for which {money(cost, currency)} of freight was paid"
        return sentence(
            "No carrier or lane is significantly later than the others, so start where most time is lost: ",
            self.name,
            ", has ",
            f"{number(self.days.part)} of {number(self.days.whole)} days of delay",
            f" ({percent(self.days.pct)}) in {say_last_days(now)}; being on time would save these and "
            f"{count(round(self.late_saved), 'late shipment')}{paid}.",
        )


def say_advice(first: Action | None, now: Period, currency: str | None = None) -> Sentence:
    """Return the sentence on what to act on first."""
    if first is None:
        return sentence("No shipment with a promised date is delivered yet, so there is no carrier or lane to act on.")
    return first.say(now, currency)


def _bracket(interval: Interval | None) -> str:
    return "" if interval is None else f" (95 % interval: {say_interval(interval)})"
