"""Lines: what a draft says about one column of a shipment, and why; if ambiguous, the lines to choose from."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shipment_etl.ingest.currencies import CURRENCY_NAMES, SIGNS, find_codes
from shipment_etl.ingest.mapping import INSTANTS, UNITS, ColumnMapping, Numbers
from shipment_etl.ingest.patterns import SPECIAL
from shipment_etl.mapping_draft.date_fit import DateFit
from shipment_etl.mapping_draft.evidence import Evidence
from shipment_etl.mapping_draft.number_fit import UNITS_OF_CELLS, NumberFit
from shipment_etl.mapping_draft.synonyms import Match, letters, normalize, other_names, unit_in_name

__all__ = ["Line", "date_line", "id_line", "measure_line", "text_line", "time_lines"]

MAX_NULLS = 10
"""Distinct words of a column that are read as "not known"; if there are more, they are only reported."""
MAX_SPELLINGS = 3
CURRENCY_COLUMNS = frozenset(map(normalize, CURRENCY_NAMES))


@dataclass(frozen=True, slots=True)
class Line:
    """What a draft says about a column.

    Attributes:
        name: the column of a shipment.
        mapping: where its values come from; None if open.
        evidence: the reasons; those that begin with CHECK are guesses.
        choices: mappings to choose from, if open.
    """

    name: str
    mapping: ColumnMapping | None
    evidence: tuple[str, ...]
    choices: tuple[ColumnMapping, ...] = ()


def id_line(found: Evidence | None, match: Match | None, every: Sequence[Evidence], others: tuple[str, ...]) -> Line:
    """Return the line of the id: a column with unique values, else with a line number, else file and row."""
    if found is None or match is None:
        unique = [each.name for each in every if each.is_unique and len(each.columns) == 1]
        hint = f"; columns with unique values: {_name(unique)}" if unique else "; no column has unique values"
        return Line("shipment_id", ColumnMapping(from_row=True), (f"CHECK: no column is named like an id{hint}",))
    evidence = _name_evidence(match, others)
    if found.is_unique:
        return Line("shipment_id", _source(found), (*evidence, f"no value repeats in {len(found.values):,} records"))
    charges = other_names("lines", "charges")
    for each in every:
        words = set(map(normalize, each.labels))
        if words & (other_names("lines") | charges) and each is not found:
            both = [None if None in pair else pair for pair in zip(found.values, each.values, strict=True)]
            if None not in both and len(set(both)) == len(both):
                mapping = ColumnMapping(columns=(found.name, each.name))
                evidence = (*evidence, f"{found.name!r} repeats, but not together with {each.name!r}")
                if words & charges:
                    counted = f"CHECK: each row of {each.name!r} would count as a shipment, with its weight"
                    evidence = (*evidence, f"{counted}; add the rows of one shipment up first")
                return Line("shipment_id", mapping, evidence)
    repeated = found.counts.total() - len(found.counts)
    why = f"CHECK: {repeated:,} of {len(found.values):,} records repeat a value, {found.unknown:,} have none"
    return Line("shipment_id", _source(found), (*evidence, why))


def text_line(name: str, found: Evidence | None, match: Match | None, others: tuple[str, ...]) -> Line:
    """Return the line of a name, such as a carrier or a city."""
    if found is None or match is None:
        return Line(name, None, ("not found: name a column, or a constant",), (ColumnMapping(constant="…"),))
    spellings: dict[str, list[str]] = {}
    for value in found.counts:
        spellings.setdefault(letters(value) or value, []).append(value)
    several = [" = ".join(each) for each in spellings.values() if len(each) > 1][:MAX_SPELLINGS]
    said = (f"CHECK: perhaps the same: {'; '.join(several)}; see values and fold_case",) if several else ()
    return Line(name, _source(found), (*_name_evidence(match, others), *_share(found), *said))


def date_line(
    name: str, found: Evidence | None, match: Match | None, others: tuple[str, ...], every: Sequence[Evidence]
) -> Line:
    """Return the line of a date; open if no column is named like it, or its values are ambiguous."""
    if found is None or match is None:
        choices = [
            _date_column(each, each.dates, each.dates.patterns) for each in every if each.dates and not each.dates.is_digits
        ]
        known = [each for each in choices if each.dates]
        hint = "not found: columns of the file that hold dates" if known else "not found: name a column of dates"
        return Line(name, None, (hint,), tuple(known) or (ColumnMapping(column="…", dates=("…",)),))
    evidence = _name_evidence(match, others)
    fit = found.dates
    if fit is None:
        why = f"CHECK: its values, such as {found.example!r}, fit no pattern; names of months must be English"
        return Line(name, None, (*evidence, why), (replace(_source(found), dates=("…",)),))
    if fit.alternatives:
        why = f"AMBIGUOUS: all values, such as {found.example!r}, fit {' and '.join(fit.alternatives)}; choose one line"
        choices = [_date_column(found, fit, (each,)) for each in fit.alternatives]
        return Line(name, None, (*evidence, why), tuple(choices))
    said = [f"{' or '.join(fit.patterns)} fits all values, {fit.first} to {fit.last}"]
    if fit.unread:
        said = [f"{' or '.join(fit.patterns)} fits {fit.share:.0%} of different values, {fit.first} to {fit.last}"]
    if any("yyyy" not in each and "yy" in each for each in fit.patterns):
        said.append("two-digit years start at 2000; see first_year")
    if fit.timezone:
        said.append(f"CHECK: points in time; which zone decides the day? {fit.timezone} is a guess, Europe/Berlin another")
    mapping, more = _add_nulls(_date_column(found, fit, fit.patterns), fit.unread, found)
    return Line(name, mapping, (*evidence, *said, *_share(found), *more))


def time_lines(promised: Line, delivered: Line, fits: Sequence[DateFit | None]) -> tuple[Line, ...]:
    """Return the lines for the times of day in two date columns; none unless both have them."""
    lines = tuple(
        _time_line(name, day.name, day.mapping, fit)
        for name, day, fit in zip(INSTANTS, (promised, delivered), fits, strict=True)
        if day.mapping is not None and fit is not None and fit.has_times
    )
    return lines if len(lines) == len(INSTANTS) else ()


def _time_line(name: str, day: str, mapping: ColumnMapping, fit: DateFit) -> Line:
    said = [f"{day} also has times of day"]
    zone = None if fit.has_offsets else "UTC"
    if zone:
        said.append("CHECK: in which time zone? UTC takes the time as it is; Europe/Berlin, for example, has summer time")
    return Line(name, replace(mapping, timezone=zone), tuple(said))


def measure_line(
    name: str,
    found: Evidence | None,
    match: Match | None,
    others: tuple[str, ...],
    every: Sequence[Evidence],
    numbers: Numbers,
    proven: dict[str, str],
) -> Line:
    """Return the line of a measure; open if its numbers or its currency are ambiguous."""
    if found is None or match is None or found.numbers is None:
        return Line(name, None, ("not found: unknown in all rows",))
    fit, evidence = found.numbers, _name_evidence(match, others)
    mapping, said = _unit(name, found, fit, every) if name in UNITS else _currency(found, fit, every)
    choices: tuple[ColumnMapping, ...] = ()
    if mapping is None:
        return Line(name, None, (*evidence, *said[0]), said[1])
    style, why = _style(fit, proven)
    if style is None:
        choices = tuple(
            replace(mapping, decimal=each.decimal, thousands=each.thousands or None) for each in fit.alternatives
        )
        return Line(name, None, (*evidence, *said[0], why), choices)
    if numbers not in fit.styles and style != numbers:
        mapping = replace(mapping, decimal=style.decimal, thousands=style.thousands)
    mapping = replace(mapping, accounting=fit.is_accounting)
    mapping, more = _add_nulls(mapping, fit.unread, found)
    if found.unknown or mapping.nulls or mapping.null_patterns:
        mapping = replace(mapping, optional=True)
    if name == "shipping_cost" and fit.lowest < 0:
        mapping = replace(mapping, credit_notes=True)
        why_credit = f"CHECK: costs below 0, down to {fit.lowest}, are read as credit notes; if not, remove credit_notes"
        more = (*more, why_credit)
    if name != "shipping_cost" and fit.lowest <= 0:
        more = (*more, f'CHECK: {fit.lowest} is not a {name.split("_")[1]}; if it means "not known", add it to nulls')
    return Line(name, mapping, tuple(each for each in (*evidence, *said[0], why, *_share(found), *more) if each))


def _style(fit: NumberFit, proven: dict[str, str]) -> tuple[Numbers | None, str]:
    """Return the style of a column, and the reason; no style if two styles give different values."""
    if not fit.alternatives:
        return fit.styles[0], ""
    both = " or ".join(f"decimal {each.decimal!r} thousands {each.thousands!r}" for each in fit.alternatives)
    if len(proven) == 1:
        sign, example = next(iter(proven.items()))
        known = [each for each in fit.alternatives if each.decimal == sign]
        if len(known) == 1:
            why = f"CHECK: values such as {fit.example!r} fit {both}; another column has {example!r}, so {sign!r} is used"
            return known[0], why
    return None, f"AMBIGUOUS: values such as {fit.example!r} fit {both}; choose one line"


def _unit(name: str, found: Evidence, fit: NumberFit, every: Sequence[Evidence]) -> tuple[ColumnMapping, Any]:
    source, units = _source(found), UNITS[name]
    if fit.units:
        seen = ", ".join(f"{unit} {count}" for unit, count in fit.units.most_common())
        return replace(source, unit="cell"), ((f"units in its cells: {seen}",), ())
    for each in every:
        words = {UNITS_OF_CELLS.get(value.lower()) for value in each.counts}
        if each is not found and _is_unit_column(each, found, name) and words <= set(units):
            return replace(source, unit_column=each.name), ((f"units in {each.name!r}: {_name(each.counts)}",), ())
    unit = unit_in_name(found.name, name)
    if unit is not None:
        return replace(source, unit=unit), ((f"its name says {unit}",), ())
    own = next(iter(units))
    return replace(source, unit=own), (
        (f"CHECK: no unit found; {own} is a guess; others: {', '.join(list(units)[1:])}",),
        (),
    )


def _is_unit_column(each: Evidence, found: Evidence, name: str) -> bool:
    words, noun = normalize(each.name), name.split("_")[1]
    is_named = words in other_names("units") or _is_beside(found.name, each.name, other_names("units"))
    return is_named and (noun in words or not any(other in words for other in ("weight", "volume", "distance")))


def _currency(found: Evidence, fit: NumberFit, every: Sequence[Evidence]) -> tuple[ColumnMapping | None, Any]:
    source = _source(found)
    columns = {each.name: each for each in every if _is_beside(found.name, each.name, CURRENCY_COLUMNS)}
    for name in find_codes({name: each.counts for name, each in columns.items()}):
        counts = Counter({value.upper(): count for value, count in columns[name].counts.items()})
        code = counts.most_common(1)[0][0]
        said = [f"currencies in {name!r}: {_name(counts)}"]
        if len(counts) > 1:
            said.append(f"CHECK: costs are converted to {code}; the network must have rates for the others")
        return replace(source, currency=code, currency_column=name), (tuple(said), ())
    named = next((code for code in SIGNS if re.search(rf"(?<![A-Za-z]){code}(?![A-Za-z])", found.name.upper())), None)
    meant = [{code for code, signs in SIGNS.items() if sign in signs} or {sign} for sign in fit.currencies]
    codes = set.intersection(*meant) if meant else ({named} if named else set())
    if not meant and not codes:
        return source, (("no currency found",), ())
    if named in codes or len(codes) == 1:
        code = named if named in codes else next(iter(codes))
        why = f"its name says {code}" if code == named else f"its values say {', '.join(fit.currencies)}"
        return replace(source, currency=code), ((why,), ())
    signs = " and ".join(map(repr, fit.currencies))
    known = sorted(codes) or sorted(set().union(*meant))
    why = f"AMBIGUOUS: its values have {signs}, which may be {', '.join(known)}; choose one line"
    return None, ((why,), tuple(replace(source, currency=code) for code in known))


def _is_beside(measure: str, name: str, known: frozenset[str]) -> bool:
    """Whether a column has one of the known names; in nested records, one beside the measure or above it."""
    path, _, last = name.rpartition(".")
    return normalize(last) in known and (not path or measure.startswith(f"{path}."))


def _add_nulls(mapping: ColumnMapping, unread: Sequence[str], found: Evidence) -> tuple[ColumnMapping, tuple[str, ...]]:
    """Add unreadable values as nulls: those without digits as words, those with digits as patterns of their first word."""
    if not unread:
        return mapping, ()
    words = [each for each in unread if not re.search("[0-9]", each)]
    heads = Counter(each.split()[0] for each in unread if re.match(r"[^\W\d_]+ .*[0-9]", each))
    patterns = [f"^{_escape(head)} " for head, count in heads.items() if count > 1]
    said: list[str] = []
    if 0 < len(words) <= MAX_NULLS:
        rows = sum(found.counts[each] for each in words)
        said.append(f'CHECK: {_name(words)} in {rows:,} records are read as "not known"')
        mapping = replace(mapping, nulls=tuple(words))
    if patterns:
        shown = next(each for each in unread if each.startswith(next(iter(heads)) + " "))
        said.append(f'CHECK: values such as {shown!r} are read as "not known"')
        mapping = replace(mapping, null_patterns=tuple(patterns))
    left = [each for each in unread if each not in mapping.nulls and not any(re.match(one, each) for one in patterns)]
    if left:
        said.append(
            f"CHECK: {len(left):,} different values cannot be read, such as {left[0]!r}; their rows will be rejected"
        )
    return mapping, tuple(said)


def _escape(word: str) -> str:
    return "".join(f"\\{each}" if each in SPECIAL else each for each in word)


def _source(found: Evidence) -> ColumnMapping:
    return ColumnMapping(column=found.name) if len(found.columns) == 1 else ColumnMapping(columns=found.columns)


def _date_column(found: Evidence, fit: DateFit | None, patterns: tuple[str, ...]) -> ColumnMapping:
    return replace(_source(found), dates=patterns, timezone=fit.timezone if fit else None)


def _name_evidence(match: Match, others: tuple[str, ...]) -> tuple[str, ...]:
    said = [f"CHECK: {match.synonym!r} may mean something else"] if match.is_weak else [f"named like {match.synonym!r}"]
    if others:
        said.append(f"CHECK: {_name(others)} would fit as well")
    return tuple(said)


def _share(found: Evidence) -> tuple[str, ...]:
    return (f"{found.unknown:,} of {len(found.values):,} records have no value",) if found.unknown else ()


def _name(names: Iterable[str]) -> str:
    listed = list(names)
    shown = ", ".join(map(repr, listed[:5]))
    return shown if len(listed) <= 5 else f"{shown} and {len(listed) - 5} more"
