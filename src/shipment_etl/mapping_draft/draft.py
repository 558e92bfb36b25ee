"""Draft: the likely source of each shipment column, with the evidence for it; ambiguous columns are left open."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pyspark.sql.types import DateType, DecimalType, StringType

from shipment_etl.contracts.columns import COLUMNS, MEASURES, TYPES
from shipment_etl.ingest.mapping import DATES_OPEN, MAY_BE_LEFT_OUT, ColumnMapping, FileFormat, Numbers, SourceMapping
from shipment_etl.mapping_draft.evidence import Evidence, find_evidence
from shipment_etl.mapping_draft.lines import Line, date_line, id_line, measure_line, text_line, time_lines
from shipment_etl.mapping_draft.number_fit import STYLES, NumberFit, decimal_of
from shipment_etl.mapping_draft.sample import Sample
from shipment_etl.mapping_draft.synonyms import Match, known_values, match_name, normalize

__all__ = ["Draft", "draft_mapping"]

MIN_SCORE = 0.42
"""Minimum score of a name; below it, the match is too weak."""
VALUES_SCORE = 0.55
MIN_KNOWN_VALUES = 0.5
OUTSIDE_SHARE = 0.75
"""Share of its score that a column keeps outside of the object that most are in: there, an id is that of an event."""
MAX_SCORE_GAP = 0.12
"""Other columns whose scores are this close are mentioned in the evidence."""
DERIVED = frozenset(("delay", "delay days", "status", "delivery status", "days late", "delivery performance"))
"""Names of columns that follow from the dates."""
REQUIRED = tuple(name for name in COLUMNS if name not in (*MEASURES, *MAY_BE_LEFT_OUT))


@dataclass(frozen=True)
class Draft:
    """A draft of a mapping.

    Attributes:
        file, file_evidence: the layout of the file, and the evidence by key.
        numbers, numbers_evidence: how its numbers are written, and the evidence.
        nulls: words that mean "not known" → number of values.
        lines: one for each column of a shipment that was found or is required.
        unused: columns of the file that no line uses.
        notes: additional notes for the reader.
    """

    file: FileFormat
    file_evidence: dict[str, str]
    numbers: Numbers
    numbers_evidence: str
    nulls: dict[str, int]
    lines: tuple[Line, ...]
    unused: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def open(self) -> tuple[str, ...]:
        """The required columns that the draft leaves open."""
        return tuple(line.name for line in self.lines if line.mapping is None and line.name in REQUIRED)

    @property
    def found(self) -> dict[str, ColumnMapping]:
        """The columns that it maps."""
        return {line.name: line.mapping for line in self.lines if line.mapping is not None}

    def preview(self) -> SourceMapping:
        """Return a mapping to preview rows with: open columns have a placeholder value."""
        spare = {name: ColumnMapping(constant="2000-01-01" if _is_date(name) else "?") for name in self.open}
        return SourceMapping(
            columns=spare | self.found,
            nulls=tuple(sorted(self.nulls)),
            file=self.file,
            numbers=self.numbers,
            name="The draft",
        )


def _is_date(name: str) -> bool:
    return isinstance(TYPES[name], DateType)


def draft_mapping(sample: Sample) -> Draft:
    """Return the draft for a sample of a file."""
    every = [each for each in find_evidence(sample.columns) if not each.is_empty]
    chosen = _choose(every)
    matches = {name: _fit(name, each) for name, each in chosen.items()}
    measures = {name: chosen[name] for name in MEASURES if name in chosen}
    numbers, why = _numbers(measures)
    lines = []
    for name in COLUMNS:
        if name in MAY_BE_LEFT_OUT:
            continue
        others = _find_close(name, chosen.get(name), every)
        found, match = chosen.get(name), matches.get(name)
        if name == "shipment_id":
            lines.append(id_line(found, match, every, others))
        elif isinstance(TYPES[name], StringType):
            lines.append(text_line(name, found, match, others))
        elif isinstance(TYPES[name], DateType):
            lines.append(date_line(name, found, match, others, every))
        elif isinstance(TYPES[name], DecimalType):
            lines.append(measure_line(name, found, match, others, every, numbers, decimal_of(_fits(measures.values()))))
    days = {line.name: line for line in lines if line.name in DATES_OPEN}
    promised, delivered = (days[name] for name in DATES_OPEN)
    lines += time_lines(promised, delivered, [chosen[name].dates if name in chosen else None for name in DATES_OPEN])
    used = {column for line in lines if line.mapping is not None for column in line.mapping.names}
    nulls = {
        word: sum(each.nothing[word] for each in every if each.columns[0] in used)
        for word in sorted({word for each in every if set(each.columns) & used for word in each.nothing})
    }
    unused = tuple(name for name in sample.columns if name not in used)
    return Draft(
        sample.file, sample.evidence, numbers, why, nulls, tuple(lines), unused, (*sample.notes, *_notes(sample, every))
    )


def _notes(sample: Sample, every: Sequence[Evidence]) -> Iterable[str]:
    if sample.problems:
        yield f"CHECK: {len(sample.problems):,} records of the sample cannot be parsed: {sample.problems[0]}"
    twice = [name.removesuffix(" (2)") for name in sample.columns if name.endswith(" (2)")]
    if twice:
        yield f"CHECK: the header names {', '.join(map(repr, twice))} twice; to map one of them, set header and skip_rows"
    for each in every:
        if DERIVED & set(map(normalize, each.labels)):
            yield f"column {each.name!r} was left out: delay_days and delivery_status follow from the dates"


def _choose(every: Sequence[Evidence]) -> dict[str, Evidence]:
    """Return the best column of the file for each column of a shipment, best matches first; no column is used twice."""
    names = [name for name in COLUMNS if name not in MAY_BE_LEFT_OUT]
    scored = [(_fit(name, each).score, name, each) for name in names for each in every]
    chosen: dict[str, Evidence] = {}
    taken: set[str] = set()
    for score, name, each in sorted(scored, key=lambda found: -found[0]):
        if score >= MIN_SCORE and name not in chosen and not taken & set(each.columns):
            chosen[name] = each
            taken |= set(each.columns)
    return chosen


def _fit(name: str, each: Evidence) -> Match:
    """Return how well a column fits, by its name and its values."""
    match = max((match_name(label, name) for label in each.labels), key=lambda found: found.score)
    if each.is_outside:
        match = replace(match, score=match.score * OUTSIDE_SHARE)
    if isinstance(TYPES[name], DateType):
        # A date in a language without patterns is still matched by name, and left open.
        return match if each.dates is not None or (match.score > 0.8 and each.numbers is None) else replace(match, score=0.0)
    if isinstance(TYPES[name], DecimalType):
        return match if each.numbers is not None else replace(match, score=0.0)
    if len(each.columns) > 1 or (each.dates is not None and not each.dates.is_digits):
        return replace(match, score=0.0)
    if name == "shipment_id":
        return match if each.is_unique else replace(match, score=match.score * 0.8)
    if each.numbers is not None:
        match = replace(match, score=match.score * 0.7)
    known = sum(count for value, count in each.counts.items() if normalize(value) in known_values(name))
    if match.score < VALUES_SCORE and known > MIN_KNOWN_VALUES * each.counts.total():
        return Match(VALUES_SCORE, f"values such as {each.example}", True)
    return match


def _find_close(name: str, chosen: Evidence | None, every: Sequence[Evidence]) -> tuple[str, ...]:
    if chosen is None:
        return ()
    score = _fit(name, chosen).score
    return tuple(
        each.name
        for each in every
        if each is not chosen and _fit(name, each).score > score - MAX_SCORE_GAP and _fit(name, each).score >= MIN_SCORE
    )


def _fits(columns: Iterable[Evidence]) -> list[NumberFit]:
    return [each.numbers for each in columns if each.numbers is not None]


def _numbers(measures: dict[str, Evidence]) -> tuple[Numbers, str]:
    """Return the number style of most measures, and an example as evidence."""
    fits = _fits(measures.values())
    style = max(STYLES, key=lambda each: sum(each in fit.styles for fit in fits))
    shown = next(
        (fit.example for fit in fits if style in fit.styles and style != STYLES[0] and not fit.example.isdigit()), ""
    )
    return style, f"as in {shown!r}" if shown else ""
