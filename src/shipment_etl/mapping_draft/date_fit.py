"""Date fit: the patterns that all values of a column match. If two of them give different days, none is chosen."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache

from shipment_etl.ingest.dates import EXCEL, ISO, MONTHS, UNIX, UNIX_MS, WRITTEN, DatePattern, date_pattern, expand

__all__ = ["DateFit", "fit_dates", "read_day"]

DAYS = (
    *("yyyy-MM-dd", "yyyy/MM/dd", "yyyy.MM.dd", "yyyyMMdd", "yyyy-M-d", "yyyy/M/d"),
    *("dd.MM.yyyy", "d.M.yyyy", "MM.dd.yyyy", "dd/MM/yyyy", "MM/dd/yyyy", "d/M/yyyy", "M/d/yyyy"),
    *("dd-MM-yyyy", "MM-dd-yyyy", "d-M-yyyy", "M-d-yyyy", "dd MM yyyy", "MM dd yyyy", "ddMMyyyy", "MMddyyyy"),
    *(
        "dd.MM.yy",
        "d.M.yy",
        "MM.dd.yy",
        "dd/MM/yy",
        "MM/dd/yy",
        "d/M/yy",
        "M/d/yy",
        "dd-MM-yy",
        "MM-dd-yy",
        "d-M-yy",
        "M-d-yy",
    ),
    *("yyMMdd", "ddMMyy", "MMddyy"),
    *("d-MMM-yyyy", "d-MMM-yy", "d MMM yyyy", "d MMM yy", "d MMMM yyyy", "d/MMM/yyyy", "ddMMMyyyy", "dd.MMM.yyyy"),
    *("MMM d, yyyy", "MMMM d, yyyy", "MMM d yyyy", "MMMM d yyyy", "MMM-d-yyyy", "yyyy-MMM-dd"),
    *("EEE, d MMM yyyy", "EEEE, d MMMM yyyy", "EEE, MMM d, yyyy", "EEEE, MMMM d, yyyy", "EEE MMM d yyyy"),
)
CLOCKS = (
    *("HH:mm", "HH:mm:ss", "H:mm", "H:mm:ss", "h:mm a", "h:mm:ss a", "h:mma", "hh:mm a", "HHmm", "HHmmss"),
    *("HH:mm:ss.SSS", "HH:mm:ss.SSSSSS", "HH:mm:ss.S", "HH:mm:ss.SS", "HH:mm:ss.SSSSSSS"),
    *("HH:mmXXX", "HH:mm:ssXXX", "HH:mm:ss.SSSXXX", "HH:mm:ss.SSSSSSXXX", "HH:mm:ss XXX"),
)
BETWEEN = (" ", "'T'", ", ", "")
NUMBERS = (UNIX, UNIX_MS, EXCEL)
FIRST_DAY = date(1990, 1, 1)
MAX_DAYS_AHEAD = 1096
"""The same limits for dates as in the contract and in `conform`."""
MAX_PROBES = 40
MAX_PATTERNS = 3
MIN_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class DateFit:
    """How the dates of a column are written.

    Attributes:
        patterns: patterns to try in order; empty if ambiguous.
        alternatives: patterns that match as well, but give other days.
        unread: values that match none of the patterns.
        share: share of values that match.
        first, last: first and last day.
        timezone: the zone for points in time, None for others.
        is_digits: whether the values are only digits, so that they may also be numbers or ids.
        has_times: whether all values have a time of day, which is not always the same, such as midnight.
        has_offsets: whether all values are points in time without a declared zone.
    """

    patterns: tuple[str, ...]
    alternatives: tuple[str, ...]
    unread: tuple[str, ...]
    share: float
    first: date
    last: date
    timezone: str | None = None
    is_digits: bool = False
    has_times: bool = False
    has_offsets: bool = False


@cache
def _candidates() -> tuple[DatePattern, ...]:
    texts = [*DAYS, *(f"{day}{sign}{clock}" for day in DAYS for sign in BETWEEN for clock in CLOCKS), *NUMBERS]
    return tuple(pattern for text in texts if (pattern := _pattern(text)) is not None)


def _pattern(text: str) -> DatePattern | None:
    try:
        return date_pattern(text)
    except ValueError:
        # Letters that are ambiguous side by side.
        return None


def read_day(text: str, pattern: DatePattern) -> date | None:
    """Return the day of a text in a pattern, as written; None if it does not match, or there is no such day."""
    found = _regex_of(pattern.text, pattern.regex).match(text)
    if found is None:
        return None
    try:
        if pattern.kind:
            number = int(found[pattern.groups["number"]])
            if pattern.kind == EXCEL:
                return date(1899, 12, 30) + timedelta(days=number)
            return datetime.fromtimestamp(number, UTC).date()
        year, month, day = (found[pattern.groups[part]] for part in ("year", "month", "day"))
        number = MONTHS.index(month[:3].lower()) + 1 if pattern.month_by_name else int(month)
        return date(int(year) + (2000 if pattern.two_digit_year else 0), number, int(day))
    except (ValueError, OverflowError, OSError):
        return None


def _read_time(text: str, pattern: DatePattern) -> tuple[str, ...] | None:
    """Return the time of day of a text; None if its pattern has none."""
    found = _regex_of(pattern.text, pattern.regex).match(text)
    if found is None:
        return None
    if pattern.kind in (UNIX, UNIX_MS):
        return (str(int(found[pattern.groups["number"]]) % 86_400),)
    if "hour" not in pattern.groups:
        return None
    return tuple(found[pattern.groups[part]] for part in ("hour", "minute", "half of the day") if part in pattern.groups)


def _have_times(times: Iterable[tuple[str, ...] | None]) -> bool:
    different = set(times)
    return None not in different and len(different) > 1


@cache
def _regex_of(text: str, regex: str) -> re.Pattern[str]:
    return re.compile(regex)


def _is_likely(day: date | None) -> bool:
    return day is not None and FIRST_DAY <= day <= date.today() + timedelta(days=MAX_DAYS_AHEAD)


def fit_dates(values: Sequence[str]) -> DateFit | None:
    """Return how the distinct values of a column are written as dates; None if they are not dates."""
    every = list(dict.fromkeys(values))
    left = every
    chosen: list[str] = []
    alternatives: list[str] = []
    days: dict[str, date] = {}
    times: list[tuple[str, ...] | None] = []
    while left and len(chosen) < MAX_PATTERNS and (best := _find_best(left, may_be_digits=not chosen)):
        (first, *others), found = best
        if others:
            alternatives += [first, *others]
        chosen.append(_relax(first, found))
        days |= found
        timed = date_pattern(first, with_time=True)
        times += [_read_time(each, timed) for each in found]
        left = [each for each in left if each not in found]
    if left and (iso := _iso(every)) is not None:
        return iso
    if len(days) < MIN_SHARE * len(every) or not days:
        return None
    return DateFit(
        () if alternatives else tuple(chosen),
        tuple(dict.fromkeys(alternatives)),
        tuple(left),
        len(days) / len(every),
        min(days.values()),
        max(days.values()),
        _zone(chosen),
        all(each.isdigit() for each in days),
        _have_times(times),
        all(date_pattern(each).is_instant for each in chosen),
    )


def _relax(text: str, values: Iterable[str]) -> str:
    """Return a pattern that also accepts one digit for day and month, unless a value has a leading zero."""
    lenient = re.sub("(?<!M)MM(?!M)", "M", re.sub("dd", "d", text))
    pattern = _pattern(lenient)
    has_zero = any(re.search(r"(?<![0-9:])0[0-9](?![0-9:])", each) for each in values)
    if has_zero or pattern is None or not all(read_day(each, pattern) for each in values):
        return text
    return lenient


def _find_best(values: Sequence[str], *, may_be_digits: bool) -> tuple[list[str], dict[str, date]] | None:
    """Return the pattern that matches most values, then those that match the same values with other days; and the days."""
    probes = list({_shape(each): each for each in values[:2000]}.values())[:MAX_PROBES]
    likely = [each for each in _candidates() if any(_regex_of(each.text, each.regex).match(probe) for probe in probes)]
    read: dict[str, dict[str, date]] = {}
    for pattern in likely if may_be_digits else [each for each in likely if not each.kind]:
        days = {value: day for value in values if (day := read_day(value, pattern)) is not None and _is_likely(day)}
        if days:
            read[pattern.text] = days
    if not read:
        return None
    first = max(read, key=lambda each: len(read[each]))
    found = read[first]
    others = [
        each for each in read if found.keys() <= read[each].keys() and any(read[each][v] != d for v, d in found.items())
    ]
    distinct: dict[tuple[date, ...], str] = {}
    for each in others:
        distinct.setdefault(tuple(read[each][value] for value in found), each)
    return [first, *distinct.values()], found


def _iso(values: Iterable[str]) -> DateFit | None:
    """Return the fit for ISO 8601 in several forms, more than a column can list."""
    every = list(values)
    patterns = expand((ISO,), WRITTEN, with_time=True)
    read = [next(((each, day) for each in patterns if (day := read_day(value, each)) is not None), None) for value in every]
    known = [day for _, day in filter(None, read)]
    if len(known) < len(every):
        return None
    made = [found for found, _ in filter(None, read)]
    times = [_read_time(value, pattern) for value, pattern in zip(every, made, strict=True)]
    zone = WRITTEN if any(re.search(r"[0-9](?:Z|[+-][0-9]{2}:?[0-9]{2})$", value) for value in every) else None
    return DateFit(
        (ISO,),
        (),
        (),
        1.0,
        min(known),
        max(known),
        zone,
        has_times=_have_times(times),
        has_offsets=all(each.is_instant for each in made),
    )


def _zone(patterns: Iterable[str]) -> str | None:
    """Return the zone for points in time: the day as written, or the day in UTC for Unix times."""
    made = [date_pattern(each) for each in patterns]
    if any(each.kind in (UNIX, UNIX_MS) for each in made):
        return "UTC"
    return WRITTEN if any(each.is_instant for each in made) else None


def _shape(text: str) -> str:
    return re.sub("[0-9]+", lambda found: "0" * len(found[0]), re.sub("[A-Za-z]+", "A", text))
