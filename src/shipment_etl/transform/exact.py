"""Exact arithmetic: sums stay whole or decimal, and a ratio is divided once, as doubles."""

from pyspark.sql import Column
from pyspark.sql import functions as F

__all__ = ["as_double", "days_between", "percent", "ratio"]


def ratio(part: Column, whole: Column) -> Column:
    """Return part / whole as a double; null where a part is unknown or whole is 0."""
    return F.when(whole != 0, as_double(part) / as_double(whole))


def percent(part: Column, whole: Column) -> Column:
    """Return 100 × part / whole as a double; null where whole is 0."""
    return ratio(part * 100, whole)


def as_double(value: Column) -> Column:
    """Return the double nearest to an exact number.

    Converts by way of its digits: engines round wide decimals differently, but all parse digits alike.
    """
    return value.cast("string").cast("double")


def days_between(first: str, last: str) -> Column:
    """Return the days from one date to another, as int; last before first is negative."""
    return F.unix_date(F.col(last)) - F.unix_date(F.col(first))
