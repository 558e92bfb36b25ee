"""Number fit: the styles that all numbers of a column match, and their units and currencies; ambiguity is reported."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shipment_etl.ingest.currencies import CODE, SIGNS
from shipment_etl.ingest.mapping import Numbers
from shipment_etl.ingest.patterns import number_regex
from shipment_etl.ingest.readings import UNIT_NAMES

__all__ = ["NumberFit", "decimal_of", "fit_numbers"]

STYLES = tuple(Numbers(decimal, thousands) for decimal, thousands in ((".", ""), (".", ","), (",", ""), (",", "."))) + tuple(
    Numbers(decimal, thousands) for decimal in ".," for thousands in (" ", "'", "’")
)
CORE = re.compile(r"([-+]?)([^-+()0-9.,]{0,4}?) ?([-+]?\(?[0-9.,][0-9.,'’ ]*(?:[eE][-+]?[0-9]+)?\)?-?) ?([^0-9]{0,12}?)\.?")
ACCOUNTING = re.compile(r"\(.+\)|[^-+]+-")
UNITS_OF_CELLS = {word: unit for unit, names in UNIT_NAMES.items() for word in (unit, *names)}
CURRENCY_SIGNS = frozenset(sign for signs in SIGNS.values() for sign in signs)
MIN_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class NumberFit:
    """How the numbers of a column are written.

    Attributes:
        styles: styles that all numbers match, with the same values.
        alternatives: if two styles match with different values, one style for each interpretation.
        unread: values that are not numbers.
        share: share of values that are numbers.
        example: a value with a sign of the style.
        units: units in cells, and how many cells have each.
        currencies: currency signs and codes in cells, and how many cells have each.
        is_accounting: whether (25.00) or 25.00- is used for negative numbers.
        lowest, highest: minimum and maximum, in the first style.
    """

    styles: tuple[Numbers, ...]
    alternatives: tuple[Numbers, ...]
    unread: tuple[str, ...]
    share: float
    example: str
    units: Counter[str]
    currencies: Counter[str]
    is_accounting: bool
    lowest: Decimal
    highest: Decimal


def fit_numbers(values: Sequence[str]) -> NumberFit | None:
    """Return how the distinct values of a column are written as numbers; None if they are not numbers."""
    every = list(dict.fromkeys(values))
    cores: dict[str, str] = {}
    units: Counter[str] = Counter()
    currencies: Counter[str] = Counter()
    for value in every:
        if (parts := _parts(value)) is not None:
            cores[value], currency, unit = parts
            currencies.update([currency] if currency else [])
            units.update([unit] if unit else [])
    readings = {style: _read(cores, style) for style in STYLES}
    most = max(map(len, readings.values()))
    if not every or most == 0 or most < MIN_SHARE * len(every):
        return None
    fitting = {style: found for style, found in readings.items() if len(found) == most}
    by_reading: dict[tuple[tuple[str, Decimal], ...], list[Numbers]] = {}
    for style, found in fitting.items():
        by_reading.setdefault(tuple(found.items()), []).append(style)
    is_open = len(by_reading) > 1
    styles = () if is_open else next(iter(by_reading.values()))
    first = next(iter(fitting.values()))
    return NumberFit(
        tuple(styles),
        tuple(each[0] for each in by_reading.values()) if is_open else (),
        tuple(value for value in every if value not in first),
        most / len(every),
        next((value for value in first if re.search(r"[.,' ’]", cores[value])), next(iter(first))),
        units,
        currencies,
        any(ACCOUNTING.fullmatch(cores[value]) for value in first),
        min(first.values()),
        max(first.values()),
    )


def _parts(value: str) -> tuple[str, str, str] | None:
    """Return the number of a cell, its currency and its unit."""
    found = CORE.fullmatch(value)
    if found is None:
        return None
    sign, before, core, after = found[1], found[2].strip(), found[3].strip(), found[4].strip()
    currency, unit = before, ""
    if after.lower() in UNITS_OF_CELLS:
        unit = UNITS_OF_CELLS[after.lower()]
    elif after and not before:
        currency = after
    elif after:
        return None
    if currency and currency not in CURRENCY_SIGNS and CODE.fullmatch(currency) is None:
        return None
    return sign + core, currency, unit


def _read(cores: dict[str, str], style: Numbers) -> dict[str, Decimal]:
    """Return the values that are numbers in a style, and the numbers."""
    pattern = re.compile(number_regex(style.decimal, style.thousands))
    found: dict[str, Decimal] = {}
    for value, core in cores.items():
        text = core
        if ACCOUNTING.fullmatch(core):
            text = "-" + core.strip("()-")
        if pattern.fullmatch(text):
            plain = text.replace(style.thousands, "") if style.thousands else text
            found[value] = Decimal(plain.replace(style.decimal, "."))
    return found


def decimal_of(fits: Iterable[NumberFit]) -> dict[str, str]:
    """Return the decimal signs that are certain in some column, each with an example."""
    proven: dict[str, str] = {}
    for fit in fits:
        signs = {style.decimal for style in fit.styles}
        if len(signs) == 1 and re.search(r"[.,]", fit.example):
            proven.setdefault(next(iter(signs)), fit.example)
    return proven
