"""Wording: findings and figures as text for people. Plain text, never HTML: the page escapes it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from shipment_etl.reporting.findings import Change, Load, Share
from shipment_etl.reporting.intervals import Interval
from shipment_etl.reporting.periods import Period
from shipment_etl.reporting.rounding import round_as_shown

__all__ = [
    "Heading",
    "Sentence",
    "count",
    "cut",
    "dates",
    "lane",
    "money",
    "number",
    "percent",
    "say_amount",
    "say_change",
    "say_currencies",
    "say_days",
    "say_fringe",
    "say_interval",
    "say_last_days",
    "say_load",
    "say_target",
    "say_weekday",
    "sentence",
]

UNKNOWN = "–"
MAX_TEXT_LENGTH = 160


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading of a column: its text, the unit of its values, and a detail below."""

    text: str
    unit: str = ""
    detail: str = ""

    @property
    def title(self) -> str:
        """The line above the detail: Delay, days."""
        return f"{self.text}, {self.unit}" if self.unit else self.text

    @property
    def full(self) -> str:
        """The whole heading in one line: Delay, days, mean."""
        return f"{self.title}, {self.detail}" if self.detail else self.title

    @property
    def name(self) -> str:
        """Text and detail: Cost per kg."""
        return f"{self.text} {self.detail}".strip()

    @property
    def label(self) -> str:
        """Name and unit: Cost per kg, USD."""
        return f"{self.name}, {self.unit}" if self.unit else self.name


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence in parts, each marked as bold or not."""

    parts: tuple[tuple[str, bool], ...]

    @property
    def text(self) -> str:
        """The sentence as plain text."""
        return "".join(words for words, _ in self.parts)


def number(value: float | Decimal | None, digits: int = 0) -> str:
    """Format a number with thousands separators; – if it is unknown."""
    if value is None or value != value:
        return UNKNOWN
    text = f"{value:,.{digits}f}"
    return text.replace("-", "−") if float(text.replace(",", "")) else text.replace("-", "")


def say_amount(value: float | None) -> str:
    """Format an amount: with cents below 1,000, without above."""
    return number(value, 2 if value is not None and abs(value) < 1000 else 0)


def money(value: float | None, currency: str | None) -> str:
    """Format an amount of money, with its currency if that is known."""
    said = say_amount(value)
    return said if currency is None or said == UNKNOWN else f"{said} {currency}"


def say_interval(interval: Interval) -> str:
    """Format both ends of an interval with the same digits, such as 82 to 128: whole numbers from 10 on."""
    digits = 0 if abs(interval.high) >= 10 else 1
    return f"{number(interval.low, digits)} to {number(interval.high, digits)}"


def percent(value: float | None, digits: int = 1) -> str:
    """Format a percentage with its sign; – if it is unknown."""
    said = number(value, digits)
    return said if said == UNKNOWN else f"{said} %"


def dates(period: Period) -> str:
    """Format a period, such as 16–22 Nov 2026."""
    first, last = period.first, period.last
    if first == last:
        return _day(last)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{_day(last)}"
    if first.year == last.year:
        return f"{first.day} {first:%b} – {_day(last)}"
    return f"{_day(first)} – {_day(last)}"


def say_weekday(dates: Collection[date]) -> str:
    """Name the day of the week that the dates share: on Thursdays, or on Thursday, 19 Nov 2026 for a single date."""
    day = next(iter(dates))
    return f"on {day:%A}s" if len(dates) > 1 else f"on {day:%A}, {_day(day)}"


def lane(origin: str, city: str) -> str:
    """Format a lane, such as NY_Warehouse → Chicago."""
    return f"{origin} → {city}"


def say_currencies(currencies: Collection[str | None]) -> str:
    """Return a note on the currencies of a lake's batches, where None stands for an unknown one; empty if all share one."""
    named = sorted(name for name in currencies if name is not None)
    if not named:
        return (
            "The currency of costs is not known, so amounts are shown without one. Set it as currency of shipping_cost in "
            "the mapping of a file, or as currency of the network."
        )
    if len(named) > 1:
        return f"Costs are in {', '.join(named[:-1])} and {named[-1]}, and are added up as if they were in one currency."
    if len(currencies) > 1:
        return (
            f"Costs of some batches are in {named[0]}. Others do not name their currency, so amounts are shown without one."
        )
    return ""


def say_change(
    found: Change, now: Period, before: Period | None, target: float | None = None, later_days: int = 0
) -> Sentence:
    """Return how the share on time changed, and whether it reaches the target, a share from 0 to 1, if there is one.

    `later_days` is the number of days after the period, which are left out because many of their shipments are not due.
    """
    share = percent(found.now.pct)
    if not found.now.whole:
        return sentence(
            "Of the shipments that left in ",
            say_last_days(now),
            f" ({dates(now)}), none with a promised date is delivered yet.",
        )
    where = f" of shipments came on time in {say_last_days(now)} ({dates(now)})"
    goal = "" if target is None else f" {say_target(found.now, target).capitalize()}."
    if found.overdue:
        goal += f" {count(found.overdue, 'overdue shipment')} {'counts' if found.overdue == 1 else 'count'} as late."
    if later_days:
        goal += f" {count(later_days, 'later day')} left out: many of their shipments are not due."
    if found.before is None or before is None:
        counts = f"{number(found.now.part)} of {count(found.now.whole, 'shipment')}"
        return sentence("", share, f"{where}: {counts}. There is no earlier period to compare it with.{goal}")
    held = f" from {percent(found.before.pct)} in {_say_period_before(before)}.{goal}"
    if not found.clear or not found.points:
        return sentence("", share, f"{where}, ", "no clear change", held)
    verb = "up" if found.points > 0 else "down"
    return sentence("", share, f"{where}, ", f"{verb} {number(abs(found.points), 1)} points", held)


def say_target(on_time: Share, target: float) -> str:
    """Return a target, given as 0 to 1, and whether a share reaches it: target 95 %, missed by 2.5 points."""
    aim = f"{100 * target:g}"
    if not on_time.whole:
        return f"target {aim} %"
    # Rounded as shown, so that 94.96 % is not reported as 95.0 % that misses 95 % by 0.0 points.
    points = Decimal(aim) - round_as_shown(on_time.pct)
    return f"target {aim} %, missed by {points} points" if points > 0 else f"target {aim} %, met"


def say_fringe(left_out: int, kept: Period) -> str:
    """Return how many days with few shipments a chart leaves out at either end; empty if none."""
    days = "day before or after" if left_out == 1 else "days before or after"
    few = "with less than a tenth of a usual day's shipments"
    return f"Left out: {number(left_out)} {days} {dates(kept)} {few}." if left_out else ""


def say_load(found: Load | None, now: Period, before: Period | None) -> Sentence:
    """Return how many warehouse-days were over capacity."""
    if found is None:
        return sentence("No warehouse's capacity is known, so ", "congestion cannot be measured", " for these days.")
    if not found.over.part:
        return sentence(
            "No warehouse was over its capacity",
            f" in {say_last_days(now)}{_say_earlier(found.over_before, before)}; the fullest was ",
            f"{found.worst} at {percent(found.peak_pct, 0)}",
            f" on {_day(found.peak_day)}.",
            bold_first=True,
        )
    return sentence(
        "Warehouses were over capacity on ",
        f"{found.over.part} of {count(found.over.whole, 'warehouse-day')}",
        f" in {say_last_days(now)}{_say_earlier(found.over_before, before)}, most often ",
        str(found.worst),
        f": {count(found.worst_over, 'day')}, up to {percent(found.peak_pct, 0)} of its capacity.",
    )


def sentence(*words: str, bold_first: bool = False) -> Sentence:
    """Return a sentence whose parts are alternately plain and bold."""
    return Sentence(tuple((each, (place % 2 == 0) is bold_first) for place, each in enumerate(words) if each))


def _say_earlier(before: Share | None, period: Period | None) -> str:
    if before is None or period is None:
        return ""
    return f" ({number(before.part) if before.part else 'none'} in {_say_period_before(period)})"


def say_last_days(period: Period) -> str:
    """Return the days of the newest period, such as the last 7 days."""
    return "one day" if period.days == 1 else f"the last {period.days} days"


def _say_period_before(period: Period) -> str:
    return "the day before" if period.days == 1 else f"the {say_days(period)} before"


def say_days(period: Period) -> str:
    """Return the number of days in a period, such as 7 days."""
    return count(period.days, "day")


def cut(text: str | None) -> str:
    """Return a text of bounded length; – if it is unknown."""
    if text is None:
        return UNKNOWN
    return text if len(text) <= MAX_TEXT_LENGTH else text[: MAX_TEXT_LENGTH - 1] + "…"


def count(value: int, what: str) -> str:
    """Return a count with its noun, such as 1 day or 1,200 days."""
    return f"{number(value)} {what}{'' if value == 1 else 's'}"


def _day(day: date | None) -> str:
    return UNKNOWN if day is None else f"{day.day} {day:%b} {day.year}"
