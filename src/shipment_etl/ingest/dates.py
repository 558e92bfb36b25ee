"""Dates: date patterns as regular expressions that have the same meaning in every engine."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from shipment_etl.ingest.names import merge_spaces
from shipment_etl.ingest.patterns import SPECIAL

__all__ = ["EXCEL", "ISO", "MONTHS", "UNIX", "UNIX_MS", "WRITTEN", "DatePattern", "date_pattern", "expand"]

WRITTEN = "written"
"""Instead of a time zone: the day of a point in time as it is written, regardless of its offset."""
EXCEL, UNIX, UNIX_MS, ISO = "excel", "unix", "unix_ms", "iso"
"""Patterns by name: days since 1899-12-30, seconds and milliseconds since 1970 in UTC, and ISO 8601."""

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
FULL_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november"),
    "december",
)
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SEPARATORS = " -/.,:_"


def _any_case(names: tuple[str, ...]) -> str:
    return "|".join("".join(f"[{letter.upper()}{letter}]" for letter in name) for name in names)


HOUR, HALF_DAY_HOUR, SIXTY = "[01][0-9]|2[0-3]", "0?[1-9]|1[0-2]", "[0-5][0-9]"
OFFSET = "Z|[+-][0-9]{2}(?::?[0-9]{2})?"

PARTS: Mapping[str, tuple[str, str]] = {
    "yyyy": ("year", "[1-9][0-9]{3}"),
    "yy": ("year", "[0-9]{2}"),
    "MMMM": ("month", _any_case(FULL_MONTHS)),
    "MMM": ("month", _any_case(("sept", *MONTHS))),
    "MM": ("month", "[0-9]{2}"),
    "M": ("month", "[0-9]{1,2}"),
    "dd": ("day", "[0-9]{2}"),
    "d": ("day", "[0-9]{1,2}"),
    "EEEE": ("name of the day", _any_case(DAYS)),
    "EEE": ("name of the day", _any_case(tuple(day[:3] for day in DAYS))),
    "HH": ("hour", HOUR),
    "H": ("hour", f"{HOUR}|[0-9]"),
    "hh": ("hour", HALF_DAY_HOUR),
    "h": ("hour", HALF_DAY_HOUR),
    "mm": ("minute", SIXTY),
    "ss": ("second", SIXTY),
    "a": ("half of the day", "[AaPp][Mm]|[AaPp]\\.[Mm]\\."),
    **{"S" * digits: ("fraction", f"[0-9]{{{digits}}}") for digits in range(1, 10)},
    **dict.fromkeys(("X", "XX", "XXX", "x", "Z"), ("offset", OFFSET)),
}
"""Letters of a date pattern → the part of a date, and a regular expression for it."""

KNOWN = (
    "yyyy or yy, MMMM, MMM, MM or M, dd or d, EEEE, EEE, HH, H, hh or h, mm, ss, S…, a, XXX; or excel, iso, unix, unix_ms"
)
TOKENS = re.compile(r"'([^']+)'|(([A-Za-z])\3*)|(.)", re.DOTALL)
WRITTEN_OFFSET = re.compile(r"Z|[+-][0-9]{2}:?[0-9]{2}")
NUMERIC: Mapping[str, str] = {
    EXCEL: "^([0-9]{1,6})(?:[.][0-9]+)?$",
    UNIX: "^([0-9]{1,11})(?:[.][0-9]+)?$",
    UNIX_MS: "^([0-9]{1,11})[0-9]{3}$",
}
ISO_PATTERNS = (
    "yyyy-MM-dd",
    "yyyyMMdd",
    *(f"yyyy-MM-dd{sign}HH:mm" for sign in ("'T'", " ")),
    *(f"yyyy-MM-dd{sign}HH:mm:ss" for sign in ("'T'", " ")),
)
ISO_FRACTION = "(?:[.,][0-9]{1,9})?"


@dataclass(frozen=True, slots=True)
class DatePattern:
    """A date pattern.

    Attributes:
        text: as declared.
        regex: must match the whole text.
        groups: part → the number of its group in the regular expression.
        kind: empty for calendar dates, else EXCEL, UNIX or UNIX_MS.
        two_digit_year, month_by_name: how year and month are written.
        fixed_offset: from UTC, if the pattern itself contains it, such as Z or +01:00.
        is_instant: whether it is a point in time, whose day depends on the time zone.
    """

    text: str
    regex: str
    groups: Mapping[str, int]
    kind: str = ""
    two_digit_year: bool = False
    month_by_name: bool = False
    fixed_offset: str = ""
    is_instant: bool = False


def expand(texts: tuple[str, ...], zone: str | None, *, with_time: bool = False) -> tuple[DatePattern, ...]:
    """Return the patterns for the given texts; `iso` stands for several, with offsets only if a zone is known."""
    made: list[DatePattern] = []
    for text in texts:
        if text != ISO:
            made.append(date_pattern(text, with_time=with_time))
            continue
        made += [_allow_fraction(date_pattern(each, with_time=with_time)) for each in ISO_PATTERNS]
        if zone is not None:
            made += [
                _allow_fraction(date_pattern(f"{each}XXX", with_time=with_time)) for each in ISO_PATTERNS if "HH" in each
            ]
    return tuple(made)


def date_pattern(text: str, *, with_time: bool = False) -> DatePattern:
    """Return the pattern for a text such as `dd-MMM-yy`.

    The letters are those of Spark's datetime patterns: yyyy (1000 … 9999), yy, MM, M (one or two digits), MMM (Jan), MMMM
    (January), dd, d, EEE (Mon), EEEE (Monday), HH, H, hh or h with a (AM or PM), mm, ss, S for each digit of a fraction, XXX
    (Z or an offset such as +01:00, +0100, +01). Names are English, in upper or lower case. Separators are spaces,
    - / . , : _ and anything in single quotes. By name: excel, unix, unix_ms and iso.

    The time of day is dropped, unless the text is a point in time (with an offset, or unix) or `with_time` is set.

    Raises:
        ValueError: the text is not a supported pattern; the message says why.
    """
    if text in NUMERIC:
        return DatePattern(text, NUMERIC[text], {"number": 1}, text, is_instant=text != EXCEL)
    if text == ISO:
        return DatePattern(text, "^$", {})
    pieces, places, fixed = _parse(merge_spaces(text))
    for part in ("year", "month", "day"):
        if part not in places:
            raise ValueError(f"it names no {part}; use {KNOWN}")
    if any(letters[0] == "h" for part, letters in places.items() if part == "hour") != ("half of the day" in places):
        raise ValueError("h and hh go with a, H and HH do not")
    is_instant = "hour" in places and bool(fixed or "offset" in places)
    keeps_time = is_instant or with_time
    wanted = ("year", "month", "day", *(("hour", "minute", "second", "half of the day", "offset") if keeps_time else ()))
    regex, groups = "", dict[str, int]()
    for part, piece in pieces:
        if part in wanted:
            groups[part] = len(groups) + 1
            regex += f"({piece})"
        else:
            regex += f"(?:{piece})" if part else piece
    return DatePattern(
        text,
        f"^{regex}$",
        groups,
        two_digit_year=places["year"] == "yy",
        month_by_name=len(places["month"]) > 2,
        fixed_offset=fixed if is_instant else "",
        is_instant=is_instant,
    )


def _parse(text: str) -> tuple[list[tuple[str, str]], dict[str, str], str]:
    """Return the pieces of a pattern with their parts, the letters of each part, and the offset in the pattern itself."""
    pieces: list[tuple[str, str]] = []
    places: dict[str, str] = {}
    fixed = previous = ""
    for token in TOKENS.finditer(text):
        quoted, letters, _, other = token.groups()
        if letters and letters not in PARTS:
            raise ValueError(f"{letters!r} is not supported; use {KNOWN}")
        if other and other not in SEPARATORS:
            raise ValueError(f"{other!r} is not a separator; use one of {SEPARATORS!r}, or put it in single quotes")
        if letters and previous and {letters, previous} & {"M", "d", "H", "h"} and letters != "a":
            raise ValueError(f"{previous + letters!r} can be read in several ways; put a separator between them")
        previous = letters or ""
        if letters:
            part, piece = PARTS[letters]
            if part in places:
                raise ValueError(f"it names the {part} twice")
            places[part] = letters
            pieces.append((part, piece))
            continue
        if quoted and WRITTEN_OFFSET.fullmatch(quoted):
            fixed = quoted
        pieces.append(("", "".join(f"\\{each}" if each in SPECIAL else each for each in quoted or other)))
    return pieces, places, fixed


def _allow_fraction(pattern: DatePattern) -> DatePattern:
    """Return a pattern that allows fractions of seconds."""
    if "ss" not in pattern.text:
        return pattern
    # At the end, but before an offset.
    end = f"({OFFSET})$" if "offset" in pattern.groups else "$"
    regex = pattern.regex.removesuffix(end) + ISO_FRACTION + end
    return DatePattern(pattern.text, regex, pattern.groups, is_instant=pattern.is_instant)
