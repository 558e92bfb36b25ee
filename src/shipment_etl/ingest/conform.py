"""Conform: landed records become shipments; what cannot be read becomes a reason, never a null in silence."""

from dataclasses import dataclass
from decimal import Decimal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DateType, DecimalType, IntegerType

from shipment_etl.contracts.compile import REASONS_TYPE, quoted, reason
from shipment_etl.contracts.models import COLUMNS
from shipment_etl.ingest.mapping import TYPES, UNITS, ColumnMapping, Mapping
from shipment_etl.ingest.patterns import MONTHS, DatePattern, date_pattern, number_regex, portable_regex

__all__ = ["conform"]

LINEAGE = ("source", "batch_date", "source_file", "source_row")
ISO_DATE = "yyyy-MM-dd"
SPACES = (
    " \t\n\u000b\u000c\r\u0085\u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
)
"""What is trimmed. Source: the property White_Space of the Unicode Character Database."""

DECIMALS = 12
EXACT = f"decimal(24,{DECIMALS})"
"""Holds every number that is read, before its unit: any decimals that count, and times any unit it fits 38 digits."""


@dataclass(frozen=True)
class _Reading:
    """How the text of one column becomes its value, in steps, for try_cast is known to SQL and takes columns by name.

    `prepared` are columns to make from the text, by suffix; `value` is SQL over them; `unread` says, of a text that has
    no value, what is wrong with it; None where every text is a value.
    """

    prepared: dict[str, Column]
    value: str
    rule: str = ""
    unread: Column | None = None


def conform(landed: DataFrame, mapping: Mapping) -> DataFrame:
    """Give landed records the columns and types of the contract.

    A value is trimmed; where it is empty, a null word or matches a null pattern, it is null. Dates must match one of
    the column's patterns; the first that gives a day of the calendar counts. Numbers are taken to twelve decimals,
    times their unit, rounded half up. A record with a problem gives no values: which is which cannot be told.

    Args:
        landed: source: string, batch_date: date, source_file: string, source_row: long, record: map<string, string>,
            problem: string.
        mapping: of the file it was landed with.

    Columns:
        the columns of the contract, in its types; delay_days and delivery_status follow from the dates where unknown.
        source, batch_date, source_file, source_row: as landed.
        original: map<string, string>, the record.
        unparsed: array<struct<rule, column, message>>, never null: record (its problem), number, whole_number or date.
    """
    readings = {name: _reading(name, column, mapping) for name, column in mapping.columns.items()}
    texts = landed.select(
        *LINEAGE,
        F.col("record").alias("original"),
        "problem",
        *(_text(column, mapping).alias(f"{name}_text") for name, column in mapping.columns.items()),
    )
    prepared = texts.withColumns(
        {f"{name}_{suffix}": value for name, each in readings.items() for suffix, value in each.prepared.items()}
    )
    values = {name: F.expr(readings[name].value) if name in readings else F.lit(None) for name in COLUMNS}
    typed = prepared.withColumns({name: value.cast(TYPES[name]) for name, value in values.items()})
    told = typed.withColumn("unparsed", _unparsed(readings))
    told = told.withColumn("delay_days", _unless_told("delay_days", _days_late(), mapping))
    told = told.withColumn("delivery_status", _unless_told("delivery_status", _status(), mapping))
    # Rows are packed and unpacked, so that what a caller asks of them is not worked into every step above by Sail's planner.
    return told.select(F.inline(F.array(F.struct(*COLUMNS, *LINEAGE, "original", "unparsed"))))


def _text(column: ColumnMapping, mapping: Mapping) -> Column:
    """The trimmed text of a value; null where it is unknown."""
    found = F.lit(column.constant) if column.column is None else _value("record", column.column)
    text = F.btrim(found, F.lit(SPACES))
    unknown = text.isin(sorted({"", *(word.strip(SPACES) for word in (*mapping.nulls, *column.nulls))}))
    for pattern in column.null_patterns:
        unknown = unknown | text.rlike(portable_regex(pattern))
    return F.when(~unknown & F.col("problem").isNull(), text)


def _value(record: str, name: str) -> Column:
    """The value of a name in a map; null where there is none.

    In two arrays, for Sail looks a key up in a map row by row, which takes twenty times as long.
    """
    place = F.array_position(F.map_keys(record), name) - 1
    return F.get(F.map_values(record), place.cast("int"))


def _reading(name: str, column: ColumnMapping, mapping: Mapping) -> _Reading:
    kind = TYPES[name]
    said = f"{name}: '", f"' in column {column.column!r} "
    if column.column is None:
        said = f"{name}: the constant '", "' "
    if isinstance(kind, DateType):
        return _date(name, column.dates or (ISO_DATE,), said)
    if isinstance(kind, IntegerType):
        return _whole_number(name, mapping, said)
    if isinstance(kind, DecimalType):
        factor = UNITS[name][column.unit] if column.unit else Decimal(1)
        return _number(name, kind, factor, mapping, said)
    return _Reading({}, f"{name}_text")


def _date(name: str, patterns: tuple[str, ...], said: tuple[str, str]) -> _Reading:
    """By way of ISO 8601, which every engine parses alike; in other patterns each has its own ways."""
    text = F.col(f"{name}_text")
    prepared = {f"iso_{n}": _iso(text, date_pattern(pattern)) for n, pattern in enumerate(patterns)}
    value = ", ".join(f"try_cast({name}_{suffix} as date)" for suffix in prepared)
    unread = _message(said, text, f"is not a date like {' or '.join(patterns)}")
    return _Reading(prepared, f"coalesce({value})", "date", unread)


def _iso(text: Column, pattern: DatePattern) -> Column:
    """Rewrite a text that matches a pattern; null for others."""
    if not pattern.month_by_name:
        iso = F.regexp_replace(text, pattern.regex, f"{pattern.year}-{pattern.month}-{pattern.day}")
    else:
        named = F.lower(F.regexp_replace(text, pattern.regex, pattern.month))
        month = (F.position(named, F.lit(".." + "".join(MONTHS))) / 3).cast("int").cast("string")
        year = F.regexp_replace(text, pattern.regex, f"{pattern.year}-")
        iso = F.concat(year, month, F.regexp_replace(text, pattern.regex, f"-{pattern.day}"))
    return F.when(text.rlike(pattern.regex), iso)


def _number(name: str, kind: DecimalType, factor: Decimal, mapping: Mapping, said: tuple[str, str]) -> _Reading:
    text, digits = F.col(f"{name}_text"), F.col(f"{name}_digits")
    whole_digits = kind.precision - kind.scale
    unread = F.when(digits.isNull(), _message(said, text, "is not a number")).otherwise(
        _message(said, text, f"is too large: {name} has {whole_digits} digits before the decimal sign")
    )
    exact = f"try_cast({name}_digits as {EXACT})"
    value = f"try_cast({exact} * {_sql(factor)} as {kind.simpleString()})"
    return _Reading({"digits": _digits(text, mapping, whole=False)}, value, "number", unread)


def _whole_number(name: str, mapping: Mapping, said: tuple[str, str]) -> _Reading:
    text = F.col(f"{name}_text")
    value = f"try_cast(try_cast({name}_digits as {EXACT}) as int)"
    unread = _message(said, text, "is not a whole number, or too large")
    return _Reading({"digits": _digits(text, mapping, whole=True)}, value, "whole_number", unread)


def _digits(text: Column, mapping: Mapping, *, whole: bool) -> Column:
    """The sign, digits and point of a number; null where the text is none."""
    decimal, thousands = mapping.numbers.decimal, mapping.numbers.thousands
    plain = F.translate(text, decimal + thousands, ".")
    # What lies beyond changes no result, but an engine may give up on too many digits.
    counted = F.regexp_extract(plain, rf"^[+-]?[0-9]*(?:[.][0-9]{{0,{DECIMALS}}})?", 0)
    return F.when(text.rlike(number_regex(decimal, thousands, whole=whole)), counted)


def _sql(factor: Decimal) -> str:
    """A decimal with its exact type: engines give literals types of their own."""
    scale = max(0, -int(factor.as_tuple().exponent))
    return f"cast('{factor}' as decimal({max(scale, factor.adjusted() + 1 + scale)},{scale}))"


def _unless_told(name: str, derived: Column, mapping: Mapping) -> Column:
    if name not in mapping.columns:
        return derived
    return F.when(F.col(f"{name}_text").isNull(), derived).otherwise(F.col(name))


def _days_late() -> Column:
    return F.unix_date("delivery_date") - F.unix_date("promised_date")


def _status() -> Column:
    return F.when(F.col("delay_days") > 0, "Delayed").when(F.col("delay_days") <= 0, "Delivered")


def _message(said: tuple[str, str], text: Column, what: str) -> Column:
    before, after = said
    return F.concat(F.lit(before), quoted(text), F.lit(after + what))


def _unparsed(readings: dict[str, _Reading]) -> Column:
    """Every reason why a record could not be read, or an empty array."""
    failed = F.col("problem").isNotNull()
    found = [F.when(failed, reason("record", "record", F.col("problem")))]
    for name, reading in readings.items():
        if reading.unread is not None:
            unread = F.col(f"{name}_text").isNotNull() & F.col(name).isNull()
            found.append(F.when(unread, reason(reading.rule, name, reading.unread)))
            failed = failed | unread
    none = F.array().cast(REASONS_TYPE)
    # Explaining costs more than deciding, and few rows fail. No lambda: Sail cannot push one down to a file it scans.
    return F.when(failed, F.array_compact(F.array(*found))).otherwise(none)
