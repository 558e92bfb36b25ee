"""Mart: what a mart is, and how the declaration of its columns becomes its rows, its table and its docstring."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeVar

from pyspark.sql import Column, DataFrame

from shipment_etl.errors import InvalidValue
from shipment_etl.naming import NAME_RULE, is_name
from shipment_etl.network import Network

__all__ = ["SPAN_COLUMNS", "Mart", "MartColumn", "Span", "document", "summarize"]

MAX_LOOK_BACK_DAYS = 28

Span = Literal["all_time", "month", "day"]
SPAN_COLUMNS: Mapping[str, str | None] = MappingProxyType({"all_time": None, "month": "month", "day": "shipment_date"})
"""Span of a mart → the column with the time of its rows."""

Function = TypeVar("Function", bound=Callable[..., DataFrame])


@dataclass(frozen=True, slots=True)
class MartColumn:
    """A column of a mart. Its table, its documentation and its heading on a page come from here.

    Args:
        name: of the column.
        type: SQL type, as bigint.
        meaning: what its values are, as a phrase.
        value: returns its expression, an aggregate over the rows of a group; None for a key, which rows are grouped by. A
            function, because classic Spark cannot create an expression without a session.
        unit: of its values, such as km; empty for names, dates and counts.
        heading: of the column on a page, such as Cost; the report's table of carriers has the columns with a heading.
        detail: second line of the heading, such as per kg.
        across_rows: whether `value` is computed across the rows of the mart, from its other columns, after grouping.
        share_of: for a share, the column with the count that it is of, such as with_delay; without it, a difference of two
            shares cannot be told from chance.
    """

    name: str
    type: str
    meaning: str
    value: Callable[[], Column] | None = None
    unit: str = ""
    heading: str = ""
    detail: str = ""
    across_rows: bool = False
    share_of: str = ""

    @property
    def is_key(self) -> bool:
        """Whether rows are grouped by it."""
        return self.value is None

    def expression(self) -> Column:
        """Return its expression, with its type and name."""
        if self.value is None:
            raise InvalidValue("value", None, f"an expression: the column {self.name} is a key")
        return self.value().cast(self.type).alias(self.name)


@dataclass(frozen=True, slots=True)
class Mart:
    """A mart that jobs keep up to date, built in or from a plugin.

    Args:
        name: of the mart; its table is processed/NAME.
        columns: name → SQL type.
        make: returns its rows from a frame with the keys and sums of `lane_days` and as_of, the newest batch date, and the
            network. It must aggregate, and return the same rows from lane_months, if `span` is not day.
        span: which rows a changed shipment affects: all_time, every row; month, the rows of its month (by a column `month`);
            day, the rows of its day (by a column `shipment_date`).
        look_back_days: with the span `day`, how many days before its own a row depends on.
        declared: its columns with units and meanings, if they are known; `Mart.declare` fills in both.

    Raises:
        InvalidValue: the name is not a lower-case word, the span is not one of the three, its column is missing, or it looks
            back more than 28 days.
    """

    name: str
    columns: Mapping[str, str]
    make: Callable[[DataFrame, Network], DataFrame]
    span: Span = "all_time"
    look_back_days: int = 0
    declared: tuple[MartColumn, ...] = ()

    def __post_init__(self) -> None:
        if not is_name(self.name):
            raise InvalidValue("the name of a mart", self.name, NAME_RULE)
        if self.span not in SPAN_COLUMNS:
            raise InvalidValue(f"the span of the mart {self.name}", self.span, f"one of {', '.join(SPAN_COLUMNS)}")
        needed = SPAN_COLUMNS[self.span]
        if needed and needed not in self.columns:
            raise InvalidValue(f"the columns of the mart {self.name}", sorted(self.columns), f"a list with {needed}")
        if not 0 <= self.look_back_days <= MAX_LOOK_BACK_DAYS:
            raise InvalidValue(f"look_back_days of {self.name}", self.look_back_days, f"0 to {MAX_LOOK_BACK_DAYS}")

    @classmethod
    def declare(
        cls,
        name: str,
        columns: Sequence[MartColumn],
        make: Callable[[DataFrame, Network], DataFrame] | None = None,
        span: Span = "all_time",
        look_back_days: int = 0,
    ) -> "Mart":
        """Return a mart of declared columns.

        Args:
            name: as in `Mart`.
            columns: in their order.
            make: as in `Mart`; if None, its rows are summarized by `columns`.
            span: as in `Mart`.
            look_back_days: as in `Mart`.
        """
        types = {column.name: column.type for column in columns}
        return cls(name, types, make or (lambda days, _: summarize(days, columns)), span, look_back_days, tuple(columns))


def summarize(rows: DataFrame, columns: Sequence[MartColumn]) -> DataFrame:
    """Return the rows of a mart: rows grouped by the keys among its columns, one aggregate for each of the others.

    Args:
        rows: what to group; the expressions of `columns` refer to its columns.
        columns: of the mart, in their order.
    """
    keys = [column.name for column in columns if column.is_key]
    aggregates = [column.expression() for column in columns if not column.is_key and not column.across_rows]
    groups = rows.groupBy(*keys).agg(*aggregates)
    return groups.select(*(column.expression() if column.across_rows else column.name for column in columns))


def document(columns: Sequence[MartColumn]) -> Callable[[Function], Function]:
    """Return a decorator that adds the columns of a mart to the docstring of the function that returns it."""

    def complete(function: Function) -> Function:
        lines = [f"    {column.name}: {_describe(column)}" for column in columns]
        function.__doc__ = "\n".join([inspect.cleandoc(function.__doc__ or ""), "", "Columns:", *lines])
        return function

    return complete


def _describe(column: MartColumn) -> str:
    unit = f" ({column.unit})" if column.unit else ""
    return f"{column.type}{unit}, {column.meaning}."
