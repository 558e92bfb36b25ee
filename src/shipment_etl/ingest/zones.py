"""Time zones: the day of a point in time, in SQL that every engine computes alike.

Engines have tables of zones of their own and functions that depend on the zone of their session. So the offsets of a zone
are looked up here, in Python's table, and handed over as text: for each year its offset at the start and its changes.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

__all__ = ["FIRST_YEAR", "LAST_YEAR", "local_day"]

FIRST_YEAR, LAST_YEAR = 1970, 2099
"""Years whose days can be told."""
SHIFT = 100_000
"""Added to offsets, so that none is negative."""
NEVER = 9_999_999_999
DAY = 86_400
NEW_YEARS = [int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in range(FIRST_YEAR, LAST_YEAR + 2)]


def local_day(instant: str, zone: str) -> str:
    """Return SQL for the day, as a date, that a point in time falls on in a zone.

    Args:
        instant: SQL for seconds since 1970 in UTC, a bigint.
        zone: a name such as Europe/Berlin.
    """
    starts, changes = _offsets(zone)
    year = f"(year(date_add(date'1970-01-01', cast(floor(({instant}) / {DAY}.0) as int))) - {FIRST_YEAR})"
    offset = _lookup(starts, 6, year)
    cases = "".join(
        f" when ({instant}) >= {_lookup(times, 10, year)} then {_lookup(offsets, 6, year)}"
        for times, offsets in reversed(changes)
    )
    found = f"case{cases} else {offset} end" if cases else offset
    seconds = f"(({instant}) + {found} - {SHIFT})"
    return f"date_add(date'1970-01-01', cast(floor({seconds} / {DAY}.0) as int))"


def _lookup(texts: str, width: int, year: str) -> str:
    return f"try_cast(substring('{texts}', {year} * {width} + 1, {width}) as bigint)"


@cache
def _offsets(zone: str) -> tuple[str, list[tuple[str, str]]]:
    """Return, year by year, the offset at the start, and of each change its time and the offset after it."""
    found = ZoneInfo(zone)
    starts: list[int] = []
    changes: list[list[tuple[int, int]]] = []
    for year in range(len(NEW_YEARS) - 1):
        first, last = NEW_YEARS[year], NEW_YEARS[year + 1]
        starts.append(_offset(found, first))
        changes.append(
            [
                (at := _change(found, day, min(day + DAY, last)), _offset(found, at))
                for day in range(first, last, DAY)
                if _offset(found, day) != _offset(found, min(day + DAY, last))
            ]
        )
    most = max(map(len, changes))
    columns = [[each[n] if n < len(each) else (NEVER, 0) for each in changes] for n in range(most)]
    packed = [
        ("".join(f"{at:010}" for at, _ in column), "".join(f"{offset + SHIFT:06}" for _, offset in column))
        for column in columns
    ]
    return "".join(f"{offset + SHIFT:06}" for offset in starts), packed


def _change(zone: ZoneInfo, low: int, high: int) -> int:
    """Return the second at which the offset changes between two."""
    before = _offset(zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    return high


def _offset(zone: ZoneInfo, at: int) -> int:
    offset = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=at)).astimezone(zone).utcoffset()
    return int((offset or timedelta()).total_seconds())
