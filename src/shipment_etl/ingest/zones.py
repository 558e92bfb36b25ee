"""Time zones: SQL for the local day of a point in time, and for the point in time of a local time, the same on every engine.

Each engine has its own time zone data, and functions that depend on the zone of the session. So the offsets of a zone are
looked up here, in Python's data, and passed as text: for each year the offset at its start, and the changes.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

__all__ = ["FIRST_YEAR", "LAST_YEAR", "local_day", "seconds_of_clock"]

FIRST_YEAR, LAST_YEAR = 1970, 2099
"""Years with known offsets."""
SHIFT = 100_000
"""Added to offsets, so that none is negative."""
NEVER = 9_999_999_999
DAY = 86_400
NEW_YEARS = [int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in range(FIRST_YEAR, LAST_YEAR + 2)]


def local_day(instant: str, zone: str) -> str:
    """Return SQL for the date of a point in time in a zone.

    Args:
        instant: SQL for seconds since 1970 in UTC, a bigint.
        zone: a name such as Europe/Berlin.
    """
    seconds = f"(({instant}) + {_offset_at(instant, _offsets_by_year(zone, by_clock=False))} - {SHIFT})"
    return f"date_add(date'1970-01-01', cast(floor({seconds} / {DAY}.0) as int))"


def seconds_of_clock(shown: str, zone: str) -> str:
    """Return SQL for the seconds since 1970 in UTC of a local time in a zone, a bigint.

    A local time that occurs twice is the first one; one that is skipped is read with the offset before the change.

    Args:
        shown: SQL for the local time, as seconds since 1970 on a clock in UTC, a bigint.
        zone: a name such as Europe/Berlin.
    """
    return f"(({shown}) - {_offset_at(shown, _offsets_by_year(zone, by_clock=True))} + {SHIFT})"


_Years = tuple[str, list[tuple[str, str]]]
"""Packed texts: the offset at the start of each year; then, for the first change in each year, the second …: the time and
the new offset."""


def _offset_at(seconds: str, years: _Years) -> str:
    """Return SQL for an offset plus `SHIFT`."""
    starts, changes = years
    year = f"(year(date_add(date'1970-01-01', cast(floor(({seconds}) / {DAY}.0) as int))) - {FIRST_YEAR})"
    offset = _lookup(starts, 6, year)
    cases = "".join(
        f" when ({seconds}) >= {_lookup(times, 10, year)} then {_lookup(offsets, 6, year)}"
        for times, offsets in reversed(changes)
    )
    return f"case{cases} else {offset} end" if cases else offset


def _lookup(texts: str, width: int, year: str) -> str:
    return f"try_cast(substring('{texts}', {year} * {width} + 1, {width}) as bigint)"


@cache
def _offsets_by_year(zone: str, by_clock: bool) -> _Years:
    """Return the offsets of a zone by year, with changes in UTC or in local time."""
    offset, every = _changes(zone)
    # In local time, the old offset applies until the later of the two local times of the change.
    ahead = [(at + max(before, after) if by_clock else at, after) for at, before, after in every]
    starts: list[int] = []
    changes: list[list[tuple[int, int]]] = []
    for first, last in pairwise(NEW_YEARS):
        offset = next((after for at, after in reversed(ahead) if at <= first), offset)
        starts.append(offset)
        changes.append([(at, after) for at, after in ahead if first < at < last])
    most = max(map(len, changes))
    columns = [[each[n] if n < len(each) else (NEVER, 0) for each in changes] for n in range(most)]
    packed = [
        ("".join(f"{at:010}" for at, _ in column), "".join(f"{after + SHIFT:06}" for _, after in column))
        for column in columns
    ]
    return "".join(f"{each + SHIFT:06}" for each in starts), packed


@cache
def _changes(zone: str) -> tuple[int, tuple[tuple[int, int, int], ...]]:
    """Return the first offset of a zone, and the time of each change, in UTC, with the offsets before and after it."""
    found = ZoneInfo(zone)
    changes = [
        (at := _change(found, day, day + DAY), _offset(found, at - 1), _offset(found, at))
        for day in range(NEW_YEARS[0], NEW_YEARS[-1], DAY)
        if _offset(found, day) != _offset(found, day + DAY)
    ]
    return _offset(found, NEW_YEARS[0]), tuple(changes)


def _change(zone: ZoneInfo, low: int, high: int) -> int:
    """Return the second at which the offset changes, between two given seconds."""
    before = _offset(zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    return high


def _offset(zone: ZoneInfo, at: int) -> int:
    offset = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=at)).astimezone(zone).utcoffset()
    return int((offset or timedelta()).total_seconds())
