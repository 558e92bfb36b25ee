"""Patterns: what a mapping may say about the look of dates, numbers and null words, as regular expressions.

Engines differ in what their parsers forgive and in the finer points of their regular expressions. So a text is held
against a pattern made here, from constructs that Java and Rust read alike, before any engine gets to parse it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["MONTHS", "DatePattern", "date_pattern", "number_regex", "portable_regex"]

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
SEPARATORS = " -/.,:_"
SPECIAL = r"\.^$|?*+()[]{}"
ANY_MONTH = "|".join("".join(f"[{letter.upper()}{letter}]" for letter in month) for month in MONTHS)

DATE_PARTS: Mapping[str, tuple[str, str]] = {
    "yyyy": ("year", "([1-9][0-9]{3})"),
    "yy": ("year", "([0-9]{2})"),
    "MMM": ("month", f"({ANY_MONTH})"),
    "MM": ("month", "([0-9]{2})"),
    "M": ("month", "([0-9]{1,2})"),
    "dd": ("day", "([0-9]{2})"),
    "d": ("day", "([0-9]{1,2})"),
    "HH": ("time", "(?:[01][0-9]|2[0-3])"),
    "mm": ("time", "[0-5][0-9]"),
    "ss": ("time", "[0-5][0-9]"),
}
"""Letters of a date pattern → what they name, and its digits or letters."""

KNOWN = "yyyy or yy, MMM, MM or M, dd or d, HH, mm, ss"
DATE_TOKENS = re.compile(r"'([^']+)'|(([A-Za-z])\3*)|(.)", re.DOTALL)

ANY_CHARACTER = r"[^\n\r\u0085\u2028\u2029]"
PUNCTUATION = r"\\[][\\^$.|?*+(){}/-]"
REGEX_TOKENS = re.compile(
    rf"(?P<any>\.)|{PUNCTUATION}|\[\^?(?:{PUNCTUATION}|[^][\\&~^-]|(?<=[A-Za-z0-9])-(?=[A-Za-z0-9]))+\]"
    r"|\((?!\?)|[)|^$]|(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})(?![*+?{])|[^][\\(){}*+?|^$.]"
)


@dataclass(frozen=True, slots=True)
class DatePattern:
    """A way to write dates: what the whole text must match, and the year, month and day that its groups give."""

    text: str
    regex: str
    year: str
    month: str
    day: str
    month_by_name: bool


def date_pattern(text: str) -> DatePattern:
    """Return the pattern that a text such as `dd-MMM-yy` stands for.

    The letters mean what they mean in Spark's datetime patterns: yyyy (1000 … 9999), yy (2000 … 2099), MM, M (one or
    two digits), MMM (Jan, in either case), dd, d; and HH, mm, ss for a time of day, which is dropped. Between them may
    stand spaces, - / . , : _ and anything in single quotes.

    Raises:
        ValueError: the text says something else; the message says what.
    """
    places: dict[str, tuple[str, str]] = {}
    regex = previous = ""
    for token in DATE_TOKENS.finditer(text):
        quoted, letters, _, other = token.groups()
        if letters and letters not in DATE_PARTS:
            raise ValueError(f"{letters!r} is not supported; use {KNOWN}")
        if other and other not in SEPARATORS:
            raise ValueError(f"{other!r} is not a separator; use one of {SEPARATORS!r}, or put it in single quotes")
        if letters and previous and {letters, previous} & {"M", "d"}:
            raise ValueError(f"{previous + letters!r} can be read in several ways; put a separator between them")
        previous = letters or ""
        if not letters:
            regex += "".join(f"\\{each}" if each in SPECIAL else each for each in quoted or other)
            continue
        part, digits = DATE_PARTS[letters]
        if part in places:
            raise ValueError(f"it names the {part} twice")
        if part != "time":
            places[part] = (f"${len(places) + 1}", letters)
        regex += digits
    for part in ("year", "month", "day"):
        if part not in places:
            raise ValueError(f"it names no {part}; use {KNOWN}")
    year, letters = places["year"]
    return DatePattern(
        text=text,
        regex=f"^{regex}$",
        year=year if letters == "yyyy" else "20" + year,
        month=places["month"][0],
        day=places["day"][0],
        month_by_name=places["month"][1] == "MMM",
    )


def number_regex(decimal: str, thousands: str, *, whole: bool = False) -> str:
    """Return what a number must match. Thousands stand in groups of three, so that 1,5 is never read as 15.

    Args:
        decimal: the sign before the decimals.
        thousands: the sign between groups of three digits; none if empty.
        whole: decimals may only be zeros.
    """
    digits = f"(?:[0-9]+|[0-9]{{1,3}}(?:[{thousands}][0-9]{{3}})+)" if thousands else "[0-9]+"
    if whole:
        return f"^[+-]?{digits}(?:[{decimal}]0*)?$"
    return f"^[+-]?(?:{digits}(?:[{decimal}][0-9]*)?|[{decimal}][0-9]+)$"


def portable_regex(text: str) -> str:
    """Return a regular expression that every engine reads alike.

    Allowed are literal characters, . ^ $ | ( ) * + ? {m,n}, classes such as [A-Za-z0-9_], and punctuation after a
    backslash.

    Raises:
        ValueError: it has something else, or is no regular expression; the message says what.
    """
    made, place = "", 0
    while place < len(text):
        token = REGEX_TOKENS.match(text, place)
        if token is None:
            raise ValueError(
                f"{text[place : place + 8]!r} is not supported; use literal characters, . ^ $ | ( ) * + ? {{m,n}}, "
                "classes such as [0-9], and punctuation after a backslash"
            )
        # What a dot leaves out is each engine's own choice.
        made += ANY_CHARACTER if token["any"] else token[0]
        place = token.end()
    try:
        re.compile(made)
    except re.error as problem:
        raise ValueError(f"it is not a regular expression: {problem}") from problem
    return made
