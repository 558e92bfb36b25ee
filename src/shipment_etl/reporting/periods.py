"""Periods: which days are held against which, by how many shipments left on each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

__all__ = ["FRINGE", "Period", "compared", "full_days", "usual"]

LENGTHS = (28, 91, 364)
"""Days of a period in whole weeks, so that weekends weigh alike; the shortest with enough shipments is taken."""

SHORT = 7
ENOUGH_SHIPMENTS = 200
FRINGE = 0.1
"""A first or last day with less than this share of a usual day's shipments is but the fringe of the data."""


@dataclass(frozen=True, slots=True)
class Period:
    """Days from first to last, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    def before(self) -> "Period":
        """Return the period of the same length that ends the day before."""
        return Period(self.first - timedelta(days=self.days), self.first - timedelta(days=1))


def compared(shipments: Mapping[date, int]) -> tuple[Period, Period | None]:
    """Return the newest period, and the one to hold it against; None where the data do not reach back that far.

    Args:
        shipments: how many left on each day that has any; not empty.
    """
    full = full_days(shipments)
    first, last, span = full.first, full.last, full.days
    lengths = [SHORT, *LENGTHS] if span < 2 * LENGTHS[0] else LENGTHS
    for days in (*(length for length in lengths if 2 * length <= span), span // 2):
        if days == 0:
            continue
        now = Period(last - timedelta(days=days - 1), last)
        if min(_within(shipments, now), _within(shipments, now.before())) >= ENOUGH_SHIPMENTS:
            return now, now.before()
    return Period(first, last), None


def full_days(shipments: Mapping[date, int]) -> Period:
    """Return the days without those at either end that are but the fringe of the data.

    Args:
        shipments: how many left on each day that has any; not empty.
    """
    least = FRINGE * usual(shipments.values())
    full = [day for day, count in shipments.items() if count >= least]
    return Period(min(full), max(full))


def usual(counts: Iterable[float]) -> float:
    """Return how many a usual day has: half of all are of days with at least so many, however many small days there are."""
    ranked = sorted(counts, reverse=True)
    half, reached = sum(ranked) / 2, 0.0
    for count in ranked:
        reached += count
        if reached >= half:
            return count
    return 0.0


def _within(shipments: Mapping[date, int], period: Period) -> int:
    return sum(count for day, count in shipments.items() if period.first <= day <= period.last)
