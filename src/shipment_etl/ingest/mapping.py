"""The mapping: which column of a file is which column of a shipment, and how its values are written.

A TOML file such as

    nulls = ["N/A"]                       # words that mean "unknown" in every column; an empty value always does

    [file]                                # all of it optional
    format = "csv"                        # one of `formats.FORMATS`; by default from the file's name
    delimiter = ","
    encoding = "utf-8"

    [where]                               # only records with one of these values are kept
    Type = ["Shipment"]

    [numbers]
    decimal = "."
    thousands = ""

    [columns]
    shipment_id = { columns = ["Order", "Line"] }
    carrier = { column = "Carrier", values = { "U.P.S." = "UPS" } }
    shipment_date = { column = "Sent", dates = ["yyyy-MM-dd", "M/d/yy"], nulls = ["not yet"], null_patterns = ["^See"] }
    delivery_date = { column = "Arrived", dates = ["iso"], timezone = "Europe/Berlin" }
    delivered_at = { column = "Arrived", dates = ["yyyy-MM-dd HH:mm"], timezone = "Europe/Berlin" }
    reported_at = { column = "Changed", dates = ["yyyy-MM-dd HH:mm:ss"] }
    shipment_weight_kg = { column = "Weight", unit = "lb", optional = true }
    shipping_cost = { column = "Cost", currency = "EUR", currency_column = "Cur", credit_notes = true }
"""

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import tomli_w
from pyspark.sql.types import DateType, StringType, TimestampType

from shipment_etl.contracts.columns import MAY_BE_UNKNOWN, MEASURES, TYPES
from shipment_etl.declared import parse_toml, read_text, strict
from shipment_etl.errors import MappingError, UnknownColumn
from shipment_etl.ingest.dates import ISO, date_pattern
from shipment_etl.ingest.names import tidy

__all__ = ["DATES_OPEN", "INSTANTS", "MAY_BE_LEFT_OUT", "UNITS", "ColumnMapping", "FileFormat", "Numbers", "SourceMapping"]

INSTANTS = ("promised_at", "delivered_at")
"""Points in time that are compared with each other, so each needs an offset or a time zone."""
MAY_BE_LEFT_OUT = ("delay_days", "delivery_status", "outcome", "reported_at", *INSTANTS)
"""Columns that a mapping may omit, besides measures: they follow from the dates or the batch date, or only add detail."""
DATES_OPEN = ("promised_date", "delivery_date")
"""Dates that may be unknown: the promised date, if the mapping says so; the delivery date, while in transit."""

UNITS: Mapping[str, Mapping[str, Decimal]] = MappingProxyType(
    {
        "shipment_weight_kg": {
            "kg": Decimal(1),
            "g": Decimal("0.001"),
            "t": Decimal(1000),
            "lb": Decimal("0.45359237"),
            "oz": Decimal("0.028349523125"),
        },
        "shipment_volume_m3": {
            "m3": Decimal(1),
            "l": Decimal("0.001"),
            "cm3": Decimal("0.000001"),
            "ft3": Decimal("0.028316846592"),
            "in3": Decimal("0.000016387064"),
        },
        "route_distance_km": {
            "km": Decimal(1),
            "m": Decimal("0.001"),
            "mi": Decimal("1.609344"),
            "nmi": Decimal("1.852"),
        },
    }
)
"""Column → unit → how many of the contract's units it is, exactly.

Source: NIST Special Publication 811 (2008), appendix B: avoirdupois pound and ounce, international foot, inch and mile.
"""


@strict
@dataclass(frozen=True, slots=True)
class FileFormat:
    """The format and layout of a file.

    Attributes:
        format: one of `FORMATS`; if None, it is derived from the file's name.
        encoding: a Python codec.
        delimiter: of CSV; if None, a comma, a tab in .tsv, or the one given by a line `sep=;`.
        quote: the quote character of CSV; empty for none.
        escape: the escape character before a quote within quotes, in addition to doubling it; empty for none.
        multiline: whether fields of CSV may contain line breaks; if None, suspicious ones are rejected.
        skip_rows: lines, or rows of a sheet, above the header.
        header: names of the columns, for a file without a header.
        ignore_lines: regular expressions (`patterns.portable_regex`) for lines of CSV that are not records.
        records: path of names to the list of records within JSON.
        sheet: name of an Excel sheet; the first if None.
    """

    format: str | None = None
    encoding: str = "utf-8"
    delimiter: str | None = None
    quote: str = '"'
    escape: str = ""
    multiline: bool | None = None
    skip_rows: int = 0
    header: tuple[str, ...] = ()
    ignore_lines: tuple[str, ...] = ()
    records: str = ""
    sheet: str | None = None


@strict
@dataclass(frozen=True, slots=True)
class Numbers:
    """How numbers are written: 1.234,50 has the decimal sign "," and the thousands sign "."."""

    decimal: str = "."
    thousands: str = ""


@strict
@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Where the values of one column come from, and how they are written.

    Attributes:
        column: a column of the file.
        columns: several columns of the file, whose values are joined by `separator`; unknown if one of them is.
        constant: the same value for all rows.
        from_row: whether the value is made from the batch date, the file name and the row number.
        separator: between values of several columns.
        dates: date patterns, tried in order (`dates.date_pattern` lists the letters).
        timezone: the zone that decides the day of a point in time, such as Europe/Berlin; `written` takes the day as it is
            written. For `INSTANTS`: the zone of times without an offset.
        first_year: the start of the 100 years that two-digit years mean.
        unit: one of `UNITS`; `cell` if each value has its own.
        unit_column: a column of the file with the unit of each value.
        decimal, thousands: as in `Numbers`, if this column differs.
        accounting: whether (25.00) and 25.00- are negative numbers.
        credit_notes: whether negative costs are credit notes, which reduce the sums; else they are quarantined.
        currency: ISO 4217 code of the amounts; with `currency_column`, the one that they are converted to.
        currency_column: a column of the file with the currency of each amount.
        nulls, null_patterns: words, and regular expressions (`patterns.portable_regex`), for values that mean "unknown".
        values: texts and their replacements.
        fold_case: whether texts are converted to upper case; the keys of `values` then match in either case.
        optional: whether a measure, the promised date or the delivery date may be unknown; without a column, it always is.
    """

    column: str | None = None
    columns: tuple[str, ...] = ()
    constant: str | None = None
    from_row: bool = False
    separator: str = "-"
    dates: tuple[str, ...] = ()
    timezone: str | None = None
    first_year: int = 2000
    unit: str | None = None
    unit_column: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    accounting: bool = False
    credit_notes: bool = False
    currency: str | None = None
    currency_column: str | None = None
    nulls: tuple[str, ...] = ()
    null_patterns: tuple[str, ...] = ()
    values: dict[str, str] = field(default_factory=dict)
    fold_case: bool = False
    optional: bool = False

    @property
    def has_source(self) -> bool:
        """Whether it says where values come from; an optional column may have no source."""
        return self.column is not None or bool(self.columns) or self.constant is not None or self.from_row

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of the file that it reads, normalized."""
        every = (self.column, *self.columns, self.unit_column, self.currency_column)
        return tuple(tidy(name) for name in every if name is not None)

    @property
    def described(self) -> str:
        """Where its values are, for messages."""
        if self.columns:
            return f"columns {', '.join(map(repr, self.columns))}"
        return f"column {self.column!r}"


@strict
@dataclass(frozen=True, kw_only=True)
class _Declared:
    """The keys of a mapping in TOML, not yet checked against the contract."""

    columns: dict[str, ColumnMapping]
    nulls: tuple[str, ...] = ()
    timezone: str | None = None
    file: FileFormat = FileFormat()
    numbers: Numbers = Numbers()
    where: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SourceMapping(_Declared):
    """What the columns of a file mean.

    Attributes:
        columns: column of the contract → where it comes from.
        nulls: words that mean "unknown" in every column.
        timezone: of every column with dates that does not set its own.
        file: the format and layout of the file.
        numbers: how its numbers are written.
        where: column of the file → values; only records with one of these values in each column are kept.
        text: the declaration as TOML, stored with a landed batch; generated if empty.
        name: used in messages.

    Raises:
        MappingError: it does not fit the contract.
    """

    text: str = ""
    name: str = "The mapping"

    def __post_init__(self) -> None:
        from shipment_etl.ingest.checks import problems_of

        problems = problems_of(self)
        if problems:
            text = "\n".join(f"{self.name}: {problem}" for problem in problems)
            raise MappingError(text, where=self.name, problems=problems)
        if not self.text:
            object.__setattr__(self, "text", tomli_w.dumps(_drop_defaults(self, _Declared)))

    @staticmethod
    def from_toml(path: str | Path) -> "SourceMapping":
        """Read a mapping from a TOML file.

        Raises:
            MappingError: the file is missing, not TOML, or does not fit the contract.
        """
        return SourceMapping.from_text(read_text(path, MappingError), str(path))

    @staticmethod
    def from_text(text: str, name: str) -> "SourceMapping":
        """Return the mapping that a TOML text declares; `name` is used in messages.

        Raises:
            MappingError: the text is not TOML, or does not fit the contract.
        """
        declared = parse_toml(text, _Declared, name, MappingError)
        given = {each.name: getattr(declared, each.name) for each in dataclasses.fields(declared)}
        return SourceMapping(**given, text=text, name=name)

    @property
    def unknown(self) -> frozenset[str]:
        """The columns that may be null: measures that are not mapped, and optional columns."""
        left_out = {name for name in MEASURES if name not in self.columns}
        optional = {name for name in MAY_BE_UNKNOWN if name in self.columns and self.columns[name].optional}
        return frozenset(left_out | optional)

    @property
    def credit_notes(self) -> bool:
        """Whether negative costs are credit notes."""
        cost = self.columns.get("shipping_cost")
        return cost is not None and cost.credit_notes

    @cached_property
    def names(self) -> frozenset[str]:
        """All columns of the file that it names, normalized."""
        used = (name for column in self.columns.values() for name in column.names)
        return frozenset((*used, *map(tidy, self.where)))

    @property
    def all_nulls(self) -> frozenset[str]:
        """All words and values that it already declares, so that there is no warning about them."""
        known = (word for column in self.columns.values() for word in (*column.nulls, *column.values))
        return frozenset((*self.nulls, *known))

    @property
    def text_columns(self) -> dict[str, str]:
        """Column of the file that holds names → the column of the contract that it is mapped to."""
        texts = {name: column for name, column in self.columns.items() if isinstance(TYPES[name], StringType)}
        return {tidy(column.column): name for name, column in texts.items() if column.column is not None}

    @property
    def timed_columns(self) -> frozenset[str]:
        """The columns of the file that are read with a time of day, and not also as a day without one."""
        timed, days = set[str](), set[str]()
        for name, column in self.columns.items():
            if column.column is None or not isinstance(TYPES[name], DateType | TimestampType):
                continue
            if name in INSTANTS or any("hour" in date_pattern(each, with_time=True).groups for each in column.dates):
                timed.add(tidy(column.column))
            elif ISO not in column.dates and (column.dates or isinstance(TYPES[name], DateType)):
                days.add(tidy(column.column))
        return frozenset(timed - days)

    @property
    def undeclared_amounts(self) -> tuple[str, ...]:
        """The columns of the file with costs, if their currency is not declared."""
        cost = self.columns.get("shipping_cost")
        if cost is None or cost.currency is not None:
            return ()
        return cost.columns if cost.column is None else (cost.column,)

    def timezone_of(self, name: str) -> str | None:
        """Return the time zone of a column, None if none is declared."""
        return self.columns[name].timezone or self.timezone

    def numbers_of(self, name: str) -> Numbers:
        """Return how the numbers of a column are written."""
        column = self.columns[name]
        decimal = self.numbers.decimal if column.decimal is None else column.decimal
        thousands = self.numbers.thousands if column.thousands is None else column.thousands
        return Numbers(decimal, "" if column.thousands is None and thousands == decimal else thousands)

    def check_columns(self, available: Collection[str], file: str) -> None:
        """Check that a file has every column that the mapping names; names are compared after normalization.

        Raises:
            UnknownColumn: a column is missing.
        """
        known = set(available)
        for name in sorted(self.names - known, key=[*self._ordered_names()].index):
            raise UnknownColumn(name, available, file)

    def _ordered_names(self) -> tuple[str, ...]:
        return (*(name for column in self.columns.values() for name in column.names), *map(tidy, self.where))


def _drop_defaults(value: Any, kind: type) -> dict[str, Any]:
    """Return a declaration as a TOML table, without default values."""
    made: dict[str, Any] = {}
    for each in dataclasses.fields(kind):
        found = getattr(value, each.name)
        default = each.default_factory() if each.default_factory is not dataclasses.MISSING else each.default
        if found is not None and found != default:
            made[each.name] = _to_toml(found)
    return made


def _to_toml(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return _drop_defaults(value, type(value))
    if isinstance(value, dict):
        return {name: _to_toml(each) for name, each in value.items()}
    return list(value) if isinstance(value, tuple) else value
