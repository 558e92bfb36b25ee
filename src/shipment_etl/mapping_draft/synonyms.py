"""Synonyms: names that files use for the columns of a shipment, read from a table, and how well a name matches."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from shipment_etl.ingest.mapping import UNITS
from shipment_etl.ingest.readings import UNIT_NAMES

__all__ = ["Match", "Words", "known_values", "letters", "match_name", "normalize", "other_names", "unit_in_name"]

CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
SPELLED = str.maketrans({"ß": "ss", "ø": "o", "æ": "ae", "ł": "l", "³": "3", "²": "2", "º": " ", "°": " "})
CURRENCY_WORDS = frozenset(("eur", "usd", "gbp", "chf", "brl", "mxn", "cad", "aud", "euro", "euros", "dollar", "dollars"))
AMBIGUOUS_UNITS = frozenset(("to", "gr", "nm"))
"""Units that may be other words in column names."""
LONG_UNITS: Mapping[str, tuple[str, ...]] = {
    "km": ("kilometer", "kilometers", "kilometre", "kilometres"),
    "m3": ("cubic metres", "cubic meters", "cubic metre", "cubic meter"),
    "ft3": ("cubic feet", "cu ft"),
}
"""Units spelled out in column names, but not in cells."""


@dataclass(frozen=True, slots=True)
class Words:
    """The known words for one column: certain names, weak names, words that rule it out, usual values."""

    names: tuple[str, ...]
    weak: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    values: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Match:
    """How well a name matches a column: from 0 to 1, the matching synonym, and whether it has other meanings as well."""

    score: float
    synonym: str
    is_weak: bool


@cache
def _table() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads((files(__package__) / "synonyms.toml").read_text("utf-8"))


@cache
def _words(column: str) -> Words:
    table = _table()[column]
    return Words(tuple(table["names"]), tuple(table["weak"]), tuple(table["not"]), frozenset(table.get("values", ())))


def other_names(group: str, key: str = "names") -> frozenset[str]:
    """Return names of auxiliary columns, such as `units`, or parts of a date."""
    return frozenset(_table()[group][key])


def known_values(column: str) -> frozenset[str]:
    """Return usual values of a column, normalized."""
    return _words(column).values


@cache
def normalize(name: str) -> str:
    """Return a name in lower case, split into words, without accents and punctuation."""
    plain = CAMEL.sub(" ", name) if not name.isupper() else name
    plain = unicodedata.normalize("NFD", plain.lower().translate(SPELLED))
    plain = "".join(each for each in plain if not unicodedata.combining(each))
    return " ".join(re.findall(r"[a-z0-9]+", plain))


def letters(name: str) -> str:
    """Return the letters and digits of a name, without case and accents: the same for FedEx and FEDEX, D.H.L. and DHL."""
    plain = unicodedata.normalize("NFD", name.casefold().translate(SPELLED))
    return "".join(each for each in plain if each.isalnum())


@cache
def match_name(name: str, column: str) -> Match:
    """Return how well the name of a file's column matches a column of a shipment. Units and currencies are ignored."""
    words = _words(column)
    whole = normalize(name)
    bare = _drop_units(whole, column)
    if any(_holds(whole, each) for each in words.against):
        return Match(0.0, "", False)
    found = [*_scores(words.names, whole, bare, 1.0, is_weak=False), *_scores(words.weak, whole, bare, 0.6, is_weak=True)]
    return max(found, key=lambda each: each.score, default=Match(0.0, "", False))


def _scores(synonyms: tuple[str, ...], whole: str, bare: str, top: float, *, is_weak: bool) -> Iterable[Match]:
    for place, synonym in enumerate(synonyms):
        # The first names are the most certain; the difference only breaks ties.
        rank = 0.05 * place / len(synonyms)
        if synonym in (whole, bare):
            yield Match(top - rank, synonym, is_weak)
        elif len(synonym) > 2 and bare and _holds(bare, synonym):
            share = len(synonym.split()) / len(bare.split())
            yield Match(top * (0.55 + 0.35 * share) - rank, synonym, is_weak)


def _holds(name: str, words: str) -> bool:
    return f" {words} " in f" {name} "


def _unit_words(column: str) -> dict[str, str]:
    """Return the spellings of the units of a measure in a name, and their units."""
    known: dict[str, str] = {}
    for unit in UNITS.get(column, {}):
        for word in (unit, *UNIT_NAMES.get(unit, ()), *LONG_UNITS.get(unit, ())):
            known[normalize(word)] = unit
    return known


@cache
def unit_in_name(name: str, column: str) -> str | None:
    """Return the unit in a name such as `Weight (lbs)`, or None."""
    if (at := re.search(r"[(\[/_ .]([A-Za-z]+[23³²]?)[)\].]*$", name)) and column in UNITS:
        word = normalize(at[1])
        unit = _unit_words(column).get(word)
        if unit is not None and word not in AMBIGUOUS_UNITS:
            return unit
    whole = normalize(name)
    # A single letter may mean anything, unless it is the last word.
    known = {word: unit for word, unit in _unit_words(column).items() if len(word) > 1 and word not in AMBIGUOUS_UNITS}
    return next((known[word] for word in sorted(known, key=len, reverse=True) if _holds(whole, word)), None)


def _drop_units(name: str, column: str) -> str:
    drop = {
        *(word for word in _unit_words(column) if len(word) > 1 and word not in AMBIGUOUS_UNITS),
        *CURRENCY_WORDS,
        "in",
        "the",
    }
    if column not in UNITS and column != "shipping_cost":
        drop = {"the"}
    return " ".join(word for word in name.split() if word not in drop)
