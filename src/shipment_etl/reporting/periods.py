"""Periods: which days are compared with which, by how many shipments left on each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

__all__ = ["MAX_PENDING", "MIN_SHARE_OF_USUAL", "Period", "find_periods", "full_days", "usual_count"]

LENGTHS = (28, 91, 364)
"""Days of a period in whole weeks, so that each has as many weekends; the shortest with enough shipments is used."""

SHORT = 7
MIN_SHIPMENTS_OF_PERIOD = 200
MIN_SHARE_OF_USUAL = 0.1
"""Days at either end of the data with less than this share of a usual day's shipments are left out."""


MAX_PENDING = 0.1
"""Share of a day's shipments that may be not due yet: of a newer day, mainly those that came early are known."""


@dataclass(frozen=True, slots=True)
class Period:
    """Days from first to last, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    def shift_back(self) -> "Period":
        """Return the period of the same length that ends the day before."""
        return Period(self.first - timedelta(days=self.days), self.first - timedelta(days=1))


def find_periods(shipments: Mapping[date, int], pending: Mapping[date, int]) -> tuple[Period, Period | None]:
    """Return the newest period and the one to compare it with; None if the data do not reach back that far.

    Args:
        shipments: number that left on each day that has any; not empty.
        pending: number of these that are in transit, and not due yet; the newest days that have many are left out.
    """
    full = full_days(shipments)
    settled = (day for day, count in shipments.items() if pending.get(day, 0) <= MAX_PENDING * count)
    first, last = full.first, max((day for day in settled if full.first <= day <= full.last), default=full.last)
    span = Period(first, last).days
    lengths = [SHORT, *LENGTHS] if span < 2 * LENGTHS[0] else LENGTHS
    for days in (*(length for length in lengths if 2 * length <= span), span // 2):
        if days == 0:
            continue
        now = Period(last - timedelta(days=days - 1), last)
        if min(_count_within(shipments, now), _count_within(shipments, now.shift_back())) >= MIN_SHIPMENTS_OF_PERIOD:
            return now, now.shift_back()
    return Period(first, last), None


def full_days(shipments: Mapping[date, int]) -> Period:
    """Return the days of the data without those at either end that have few shipments.

    Args:
        shipments: number that left on each day that has any; not empty.
    """
    least = MIN_SHARE_OF_USUAL * usual_count(shipments.values())
    full = [day for day, count in shipments.items() if count >= least]
    return Period(min(full), max(full))


def usual_count(counts: Iterable[float]) -> float:
    """Return the count of a usual day: half of the total is on days with at least that, so small days hardly matter."""
    ranked = sorted(counts, reverse=True)
    half, reached = sum(ranked) / 2, 0.0
    for count in ranked:
        reached += count
        if reached >= half:
            return count
    return 0.0


def _count_within(shipments: Mapping[date, int], period: Period) -> int:
    return sum(count for day, count in shipments.items() if period.first <= day <= period.last)
