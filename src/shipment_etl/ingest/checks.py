"""Checks of a mapping against the contract: all mistakes are reported at once, each with a fix."""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pyspark.sql.types import DateType, DecimalType, StringType, TimestampType

from shipment_etl.contracts.columns import COLUMNS, MEASURES, TYPES
from shipment_etl.errors import join_names, shorten, suggest
from shipment_etl.ingest.currencies import CODE
from shipment_etl.ingest.dates import ISO, WRITTEN, date_pattern
from shipment_etl.ingest.formats import FORMATS
from shipment_etl.ingest.mapping import (
    DATES_OPEN,
    INSTANTS,
    MAY_BE_LEFT_OUT,
    UNITS,
    ColumnMapping,
    Numbers,
    SourceMapping,
)
from shipment_etl.ingest.patterns import portable_regex

if TYPE_CHECKING:
    from pyspark.sql.types import DataType

__all__ = ["problems_of"]

THOUSANDS = ",.'’_ \u00a0\u202f"
NOT_DELIMITERS = '"\r\n\0'
IN_CELL = "cell"


def problems_of(mapping: SourceMapping) -> list[str]:
    """Return everything that is wrong with a mapping, each as a sentence with a fix."""
    problems = [*_shape_problems(mapping), *_file_problems(mapping)]
    problems += [f"numbers{problem}" for problem in _number_problems(mapping.numbers)]
    for name, column in mapping.columns.items():
        if name in COLUMNS:
            problems += [f"{name} {problem}" for problem in _column_problems(name, column, mapping)]
    return problems


def _shape_problems(mapping: SourceMapping) -> Iterator[str]:
    for name in mapping.columns:
        if name not in COLUMNS:
            yield f"columns.{name} is not a shipment column. {suggest(name, COLUMNS)}"
    missing = [name for name in COLUMNS if name not in (*mapping.columns, *MEASURES, *MAY_BE_LEFT_OUT)]
    if missing:
        yield f"these columns are not mapped: {join_names(missing)}. Give each a column of the file, or a constant."
        if "promised_date" in missing:
            yield "promised_date is not mapped. If the source has no promises, say so: promised_date = { optional = true }."
    yield from (f"the mapping {problem}" for problem in _zone_problems(mapping.timezone))
    for name, values in mapping.where.items():
        if not values:
            yield f"where.{name} has no values, so no record would be kept. Add values, or remove it."


def _file_problems(mapping: SourceMapping) -> Iterator[str]:
    file = mapping.file
    if file.format is not None and file.format not in FORMATS:
        yield f"file.format is {shorten(file.format)}. {suggest(file.format, FORMATS)}"
    delimiter = file.delimiter
    if delimiter is not None and (len(delimiter) != 1 or delimiter in NOT_DELIMITERS):
        yield f"file.delimiter is {shorten(delimiter)}, but must be one character other than a quote or a line end."
    for name, value in (("quote", file.quote), ("escape", file.escape)):
        if len(value) > 1 or value in ("\r", "\n", "\0") or (value and value == delimiter):
            yield f"file.{name} is {shorten(value)}, but must be one character, or empty for none."
    if file.escape and file.escape == file.quote:
        yield "file.escape is the same as file.quote. Remove it: doubled quotes are always read."
    if file.skip_rows < 0:
        yield f"file.skip_rows is {file.skip_rows}, but must be 0 or more."
    if len(set(file.header)) < len(file.header):
        yield "file.header names a column twice."
    yield from (f"file.ignore_lines has {shorten(each)}: {problem}." for each, problem in _regex_problems(file.ignore_lines))
    try:
        "a".encode(file.encoding)
    except (LookupError, ValueError):
        yield f"file.encoding is {shorten(file.encoding)}, which Python does not know. Try utf-8, cp1252 or latin-1."
    if file.format in FORMATS:
        known = FORMATS[file.format].options
        for option in ("delimiter", "escape", "multiline", "skip_rows", "header", "ignore_lines", "records", "sheet"):
            if getattr(file, option) not in (None, "", 0, ()) and option not in known:
                yield f"file.{option} is not an option of {FORMATS[file.format].title}. Remove it."


def _number_problems(numbers: Numbers) -> Iterator[str]:
    decimal, thousands = numbers.decimal, numbers.thousands
    if decimal not in (".", ","):
        yield f".decimal is {shorten(decimal)}, but must be '.' or ','."
    if len(thousands) > 1 or thousands not in THOUSANDS or thousands == decimal:
        yield (
            f".thousands is {shorten(thousands)}, but must be empty, or one of , . ' ’ _ or a space, and not the decimal "
            "sign."
        )


def _column_problems(name: str, column: ColumnMapping, mapping: SourceMapping) -> Iterator[str]:
    kind = TYPES[name]
    sources = (column.column is not None, bool(column.columns), column.constant is not None, column.from_row)
    if sum(sources) != 1 and not (sum(sources) == 0 and column.optional and name in DATES_OPEN):
        yield "needs exactly one of column, columns, constant and from_row."
    if column.from_row and name != "shipment_id":
        yield "has from_row, but only shipment_id may have it."
    if column.constant is not None and not column.constant.strip():
        yield "has an empty constant. Set a value, or map a column."
    yield from _date_problems(name, column, kind, mapping)
    yield from _measure_problems(name, column, kind)
    yield from (f"has the null pattern {each!r}: {problem}." for each, problem in _regex_problems(column.null_patterns))
    if column.optional and name not in (*DATES_OPEN, *MEASURES):
        yield f"is optional, but only {join_names((*DATES_OPEN, *MEASURES))} may be unknown."
    if (column.values or column.fold_case) and not isinstance(kind, StringType):
        yield "has values or fold_case, but is not text."
    if isinstance(kind, DecimalType):
        yield from (problem.lstrip(".") for problem in _number_problems(mapping.numbers_of(name)))


def _date_problems(name: str, column: ColumnMapping, kind: "DataType", mapping: SourceMapping) -> Iterator[str]:
    if column.timezone and isinstance(kind, TimestampType) and name not in INSTANTS:
        yield "has a time zone, but its times are only compared with each other. Remove it."
        return
    if (column.dates or column.timezone) and not isinstance(kind, DateType | TimestampType):
        yield f"has dates or a time zone, but is not a date. Only {join_names(_dates())} may have them."
        return
    yield from _zone_problems(column.timezone)
    if not 1 <= column.first_year <= 2900:
        yield f"has first_year = {column.first_year}, but it must be a year, such as 1970."
    for text in column.dates:
        try:
            pattern = date_pattern(text)
        except ValueError as problem:
            yield f"has the date pattern {text!r}: {problem}."
            continue
        zone = column.timezone or mapping.timezone
        if name in INSTANTS:
            yield from _instant_problems(text, zone)
        if pattern.is_instant and zone is None and isinstance(kind, DateType):
            yield (
                f"has the date pattern {text!r}, which is a point in time: its day depends on the time zone. Set one, such "
                'as timezone = "Europe/Berlin"; timezone = "written" takes the day as it is written.'
            )


def _instant_problems(text: str, zone: str | None) -> Iterator[str]:
    pattern = date_pattern(text, with_time=True)
    if text == ISO or pattern.is_instant:
        return
    if not pattern.kind and "hour" not in pattern.groups:
        yield f"has the date pattern {text!r}, which has no time of day. Add it, or map only the date."
    elif zone in (None, WRITTEN):
        yield (
            f"has the date pattern {text!r}, which has no offset: what it means depends on the time zone. Set one, such as "
            'timezone = "Europe/Berlin".'
        )


def _measure_problems(name: str, column: ColumnMapping, kind: "DataType") -> Iterator[str]:
    if (column.unit is not None or column.unit_column is not None) and name not in UNITS:
        yield f"has a unit, but only {join_names(UNITS)} may have one."
    elif column.unit is not None and column.unit not in (*UNITS[name], IN_CELL):
        yield f"has the unit {shorten(column.unit)}, but must have one of {join_names((*UNITS[name], IN_CELL))}."
    if column.unit is not None and column.unit_column is not None:
        yield "has both unit and unit_column. Remove one."
    if (column.currency or column.currency_column) and name != "shipping_cost":
        yield "has a currency, but only shipping_cost may have one."
    if column.credit_notes and name != "shipping_cost":
        yield "has credit_notes, but only shipping_cost may have them."
    if column.currency is not None and not CODE.fullmatch(column.currency):
        yield f"has the currency {shorten(column.currency)}, but must have a code such as EUR."
    if column.currency_column is not None and column.currency is None:
        yield 'has a currency_column, but does not say what costs are converted to. Add currency = "EUR", or another code.'
    if (column.decimal is not None or column.thousands is not None or column.accounting) and not isinstance(
        kind, DecimalType
    ):
        yield "has decimal, thousands or accounting, but is not a measure."


def _zone_problems(zone: str | None) -> Iterator[str]:
    if zone in (None, WRITTEN):
        return
    try:
        ZoneInfo(str(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield f"has timezone = {shorten(zone)}, which is not a time zone. Use a name such as Europe/Berlin, or UTC."


def _regex_problems(patterns: Iterable[str]) -> Iterator[tuple[str, str]]:
    for each in patterns:
        try:
            re.compile(portable_regex(each))
        except (ValueError, re.error) as problem:
            yield each, str(problem)


def _dates() -> list[str]:
    return [name for name, kind in TYPES.items() if isinstance(kind, DateType | TimestampType)]
