"""Dates given by users."""

from datetime import date, datetime, timedelta

from shipment_etl.errors import InvalidDateRange, InvalidValue

__all__ = ["as_date", "days"]


def as_date(value: date | str, name: str = "date") -> date:
    """Return the date of a YYYY-MM-DD text; a date is returned unchanged, a datetime as its date.

    Raises:
        InvalidValue: it is not a date.
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        # fromisoformat alone would also take 20261123 and 2026-W48-1.
        if len(value) == len("2026-11-23") and value[4] == value[7] == "-":
            return date.fromisoformat(value)
    except (TypeError, ValueError):
        pass
    raise InvalidValue(name, value, "a date that exists, as YYYY-MM-DD")


def days(first: date, last: date) -> list[date]:
    """Return every day from first to last.

    Raises:
        InvalidDateRange: last is before first.
    """
    if last < first:
        raise InvalidDateRange(first, last)
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
