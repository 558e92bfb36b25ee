"""The mapping: which column of a file means what in our terms, and how its values are written.

A TOML file such as

    nulls = ["N/A"]                       # words that mean "unknown" in every column; an empty value always does

    [file]                                # all of it optional
    format = "csv"                        # csv, jsonl or parquet; else told from the file's name
    delimiter = ","
    encoding = "utf-8"

    [numbers]
    decimal = "."
    thousands = ""

    [columns]
    shipment_id = { column = "ID" }
    carrier = { constant = "FedEx" }
    shipment_date = { column = "Sent", dates = ["yyyy-MM-dd", "M/d/yy"], nulls = ["not yet"], null_patterns = ["^See"] }
    shipment_weight_kg = { column = "Weight", unit = "lb", optional = true }
"""

from collections.abc import Collection, Iterator
from collections.abc import Mapping as Table
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pyspark.sql.types import DataType, DateType

from shipment_etl.contracts.models import COLUMNS, MEASURES, Shipment
from shipment_etl.declared import parse_toml, read_text, strict
from shipment_etl.errors import MappingError, UnknownColumn, listed, nearest, shorten
from shipment_etl.ingest.patterns import date_pattern, portable_regex

__all__ = ["DERIVED", "TYPES", "UNITS", "ColumnMapping", "FileFormat", "Mapping", "Numbers"]

DERIVED = ("delay_days", "delivery_status")
"""Columns that follow from the dates, and so may be left out of a mapping."""

TYPES: Table[str, DataType] = MappingProxyType(
    {name: column.dtype.type for name, column in Shipment.to_schema().columns.items()}
)
"""Column of the contract → its type."""

UNITS: Table[str, Table[str, Decimal]] = MappingProxyType(
    {
        "shipment_weight_kg": {
            "kg": Decimal(1),
            "g": Decimal("0.001"),
            "t": Decimal(1000),
            "lb": Decimal("0.45359237"),
            "oz": Decimal("0.028349523125"),
        },
        "shipment_volume_m3": {"m3": Decimal(1), "l": Decimal("0.001"), "ft3": Decimal("0.028316846592")},
        "route_distance_km": {
            "km": Decimal(1),
            "m": Decimal("0.001"),
            "mi": Decimal("1.609344"),
            "nmi": Decimal("1.852"),
        },
    }
)
"""Column → unit → how many of the contract's units it is, exactly.

Source: NIST Special Publication 811 (2008), appendix B: avoirdupois pound and ounce, international foot and mile.
"""

THOUSANDS = ",.'’_ \u00a0\u202f"
NOT_DELIMITERS = '"\r\n\0'


@strict
@dataclass(frozen=True, slots=True)
class FileFormat:
    """What a file is like: a format or delimiter of None is told from its name, `encoding` is a codec of Python."""

    format: Literal["csv", "jsonl", "parquet"] | None = None
    delimiter: str | None = None
    encoding: str = "utf-8"


@strict
@dataclass(frozen=True, slots=True)
class Numbers:
    """How numbers are written: 1.234,50 has the decimal sign "," and the thousands sign "."."""

    decimal: str = "."
    thousands: str = ""


@strict
@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Where the values of one column come from: a column of the file, or one constant for all rows.

    `dates` are the ways its dates are written, tried in order (`patterns.date_pattern` tells the letters). `nulls` are
    words, `null_patterns` regular expressions (`patterns.portable_regex` tells which), for values that mean "unknown".
    `unit` is one of `UNITS`. `optional` lets a measure be unknown.
    """

    column: str | None = None
    constant: str | None = None
    dates: tuple[str, ...] = ()
    unit: str | None = None
    nulls: tuple[str, ...] = ()
    null_patterns: tuple[str, ...] = ()
    optional: bool = False


@strict
@dataclass(frozen=True, kw_only=True)
class _Declared:
    """The keys of a mapping in TOML, not yet checked against the contract."""

    columns: dict[str, ColumnMapping]
    nulls: tuple[str, ...] = ()
    file: FileFormat = FileFormat()
    numbers: Numbers = Numbers()


@dataclass(frozen=True, kw_only=True)
class Mapping(_Declared):
    """What the columns of a file mean.

    Attributes:
        columns: column of the contract → where it comes from.
        nulls: words that mean "unknown" in every column.
        file: what the file is like.
        numbers: how its numbers are written.
        text: the declaration as it was read, to travel with a landed batch; empty for one made in Python.
        where: its name in messages.

    Raises:
        MappingError: it does not fit the contract.
    """

    text: str = ""
    where: str = "The mapping"

    def __post_init__(self) -> None:
        problems = [*_shape_problems(self)]
        for name, column in self.columns.items():
            if name in COLUMNS:
                problems += [f"{name} {problem}" for problem in _column_problems(name, column)]
        if problems:
            told = "\n".join(f"{self.where}: {problem}" for problem in problems)
            raise MappingError(told, where=self.where, problems=problems)

    @staticmethod
    def from_toml(path: str | Path) -> "Mapping":
        """Read a mapping from a TOML file.

        Raises:
            MappingError: the file is missing, not TOML, or does not fit the contract.
        """
        return Mapping.from_text(read_text(path, MappingError), str(path))

    @staticmethod
    def from_text(text: str, where: str) -> "Mapping":
        """Return the mapping that a TOML text declares; `where` names it in messages.

        Raises:
            MappingError: the text is not TOML, or does not fit the contract.
        """
        declared = parse_toml(text, _Declared, where, MappingError)
        return Mapping(
            columns=declared.columns,
            nulls=declared.nulls,
            file=declared.file,
            numbers=declared.numbers,
            text=text,
            where=where,
        )

    @property
    def unknown(self) -> frozenset[str]:
        """The measures that may be null: those not mapped, and the optional ones."""
        return frozenset(name for name in MEASURES if name not in self.columns or self.columns[name].optional)

    def check_columns(self, available: Collection[str], file: str) -> None:
        """Check that a file has every column that the mapping names.

        Raises:
            UnknownColumn: it lacks one.
        """
        for column in self.columns.values():
            if column.column is not None and column.column not in available:
                raise UnknownColumn(column.column, available, file)


def _shape_problems(mapping: Mapping) -> Iterator[str]:
    for name in mapping.columns:
        if name not in COLUMNS:
            yield f"columns.{name} is not a shipment column. {nearest(name, COLUMNS)}"
    missing = [name for name in COLUMNS if name not in (*mapping.columns, *MEASURES, *DERIVED)]
    if missing:
        yield f"these columns are not mapped: {listed(missing)}. Give each a column of the file, or a constant."
    delimiter = mapping.file.delimiter
    if delimiter is not None and (len(delimiter) != 1 or delimiter in NOT_DELIMITERS):
        yield f"file.delimiter is {shorten(delimiter)}, but must be one character, and no quote or line end."
    try:
        "a".encode(mapping.file.encoding)
    except (LookupError, ValueError):
        encoding = shorten(mapping.file.encoding)
        yield f"file.encoding is {encoding}, which Python does not know. Try utf-8, cp1252 or latin-1."
    decimal, thousands = mapping.numbers.decimal, mapping.numbers.thousands
    if decimal not in (".", ","):
        yield f"numbers.decimal is {shorten(decimal)}, but must be '.' or ','."
    if len(thousands) > 1 or thousands not in THOUSANDS or thousands == decimal:
        yield (
            f"numbers.thousands is {shorten(thousands)}, but must be empty, or one of , . ' ’ _ or a space, "
            "and not the decimal sign."
        )


def _column_problems(name: str, column: ColumnMapping) -> Iterator[str]:
    if (column.column is None) == (column.constant is None):
        yield "needs either column or constant, and not both."
    if column.constant is not None and not column.constant.strip():
        yield "has an empty constant. Say what it is, or map a column."
    if column.dates and not isinstance(TYPES[name], DateType):
        yield f"has dates, but is not a date. Only {listed(_dates())} may have them."
    for pattern in column.dates:
        try:
            date_pattern(pattern)
        except ValueError as problem:
            yield f"has the date pattern {pattern!r}: {problem}."
    if column.unit is not None and name not in UNITS:
        yield f"has a unit, but only {listed(UNITS)} may have one."
    elif column.unit is not None and column.unit not in UNITS[name]:
        yield f"has the unit {shorten(column.unit)}, but must have one of {listed(UNITS[name])}."
    for pattern in column.null_patterns:
        try:
            portable_regex(pattern)
        except ValueError as problem:
            yield f"has the null pattern {pattern!r}: {problem}."
    if column.optional and name not in MEASURES:
        yield f"is optional, but only {listed(MEASURES)} may be unknown."


def _dates() -> list[str]:
    return [name for name, kind in TYPES.items() if isinstance(kind, DateType)]
