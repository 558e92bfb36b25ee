"""Marts: compares a mart in A and in B row by row, in memory."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

import pyarrow as pa

from shipment_etl.reporting.comparison.difference import Difference, amount, difference, is_number, rank
from shipment_etl.reporting.findings import Share, clearly_differ
from shipment_etl.transform.mart import MartColumn

__all__ = ["Line", "MartComparison", "RowDifference", "compare_mart"]

SHIPMENTS = "shipments"
Row = Mapping[str, Any]
Only = Literal["a", "b"]


@dataclass(frozen=True, slots=True)
class RowDifference:
    """A row that differs.

    Attributes:
        keys: column → value, of the key columns.
        only_in: a or b if the other has no such row, else None.
        columns: the columns that differ; all columns if only one has the row.
    """

    keys: Row
    only_in: Only | None
    columns: Mapping[str, Difference]


@dataclass(frozen=True, slots=True)
class Line:
    """One difference to show: the row, the column (empty if the row has only keys), and the values."""

    keys: Row
    only_in: Only | None
    column: str
    values: Difference


@dataclass(frozen=True, slots=True)
class MartComparison:
    """A mart in A and in B.

    Attributes:
        keys: the columns that identify a row.
        columns: the other columns that both have.
        shown: those of `columns` that people look at first.
        units: column → its unit, where one is known.
        headings: column → its heading on a page, where one is known.
        only_in_one: columns that only one of the two has; they are not compared.
        rows_a, rows_b: number of rows.
        equal_rows: number of rows that are the same in both.
        rows: the rows that differ, in the order of their keys.
    """

    keys: tuple[str, ...]
    columns: tuple[str, ...]
    shown: tuple[str, ...]
    units: Mapping[str, str]
    headings: Mapping[str, str]
    only_in_one: tuple[str, ...]
    rows_a: int
    rows_b: int
    equal_rows: int
    rows: tuple[RowDifference, ...]

    @property
    def equal(self) -> bool:
        """Whether all rows and columns are the same."""
        return not self.rows and not self.only_in_one

    def largest(self, limit: int) -> list[RowDifference]:
        """Return the rows that differ most; a row in only one of the two is ranked by its values."""
        return sorted(self.rows, key=lambda row: max(map(rank, row.columns.values()), default=0.0), reverse=True)[:limit]

    def lines(self) -> list[Line]:
        """Return the differences in the columns that people look at first, the largest first.

        A row that only one of the two has is one line. A row that differs only in other columns has a line for each of them.
        Differences of shares that are not significant come last.
        """
        found = [line for row in self.rows for line in self._lines_of(row)]
        return sorted(found, key=lambda line: rank(line.values), reverse=True)

    def _lines_of(self, row: RowDifference) -> Iterator[Line]:
        names = [name for name in self.shown if name in row.columns] or list(row.columns)
        if row.only_in:
            names = [SHIPMENTS] if SHIPMENTS in names else names[:1] or [""]
        for name in names:
            yield Line(row.keys, row.only_in, name, row.columns.get(name, difference(None, None)))


def compare_mart(a: pa.Table, b: pa.Table, declared: Sequence[MartColumn] = ()) -> MartComparison:
    """Compare the rows of two versions of a mart.

    Args:
        a: the rows of one version.
        b: the rows of the other.
        declared: the columns of the mart, if they are known. Otherwise its text and date columns are the keys, or all of its
            columns if those are not unique.
    """
    names = [name for name in a.column_names if name in b.column_names]
    only_in_one = tuple(sorted({*a.column_names, *b.column_names} - set(names)))
    a, b = a.select(names), b.select(names)
    every_a, every_b = _rows(a), _rows(b)
    keys = _keys(a.schema, declared)
    rows_a, rows_b = _index_by_key(every_a, keys), _index_by_key(every_b, keys)
    if len(rows_a) < len(every_a) or len(rows_b) < len(every_b):
        keys = names
        rows_a, rows_b = _index_by_key(_number(every_a), [*keys, ""]), _index_by_key(_number(every_b), [*keys, ""])
    columns = [name for name in names if name not in keys]
    known = {column.name: column for column in declared}
    sums = {name for name in columns if pa.types.is_int64(a.schema.field(name).type) or _is_decimal(a.schema.field(name))}
    shares = {name: known[name].share_of for name in columns if name in known and known[name].share_of in columns}
    differ = _find_differences(rows_a, rows_b, columns)
    sizes = _Sizes(rows_a, rows_b, columns, sums)
    significance = _Significance(rows_a, rows_b, shares)
    rows = [
        RowDifference(
            {name: (rows_a.get(key) or rows_b[key])[name] for name in keys},
            "b" if key not in rows_a else "a" if key not in rows_b else None,
            {
                name: difference(
                    one.get(name), other.get(name), significance.of(name, one, other), sizes.of(name, one, other)
                )
                for name in found
            },
        )
        for key, found in differ.items()
        for one, other in [(rows_a.get(key, {}), rows_b.get(key, {}))]
    ]
    headed = [name for name in columns if name in known and known[name].heading]
    return MartComparison(
        keys=tuple(keys),
        columns=tuple(columns),
        shown=tuple(headed or columns),
        units={name: known[name].unit for name in columns if name in known and known[name].unit},
        headings={name: f"{known[name].heading} {known[name].detail}".strip() for name in headed},
        only_in_one=only_in_one,
        rows_a=len(every_a),
        rows_b=len(every_b),
        equal_rows=len(rows_a.keys() & rows_b.keys()) - sum(row.only_in is None for row in rows),
        rows=tuple(rows),
    )


class _Sizes:
    """The part of a column's values, over the whole mart, that a difference makes up."""

    def __init__(self, a: Mapping[Any, Row], b: Mapping[Any, Row], columns: Sequence[str], sums: Iterable[str]) -> None:
        self._sums = frozenset(sums)
        self._totals: dict[str, float] = defaultdict(float)
        for key in a.keys() | b.keys():
            one, other = a.get(key, {}), b.get(key, {})
            weight = _weight(one, other)
            for name in columns:
                values = abs(amount(one.get(name))) + abs(amount(other.get(name)))
                self._totals[name] += values * (1.0 if name in self._sums else weight)

    def of(self, name: str, one: Row, other: Row) -> float:
        """Return the size of a difference; 0 if a ratio is unknown on one side."""
        if name not in self._sums and (one.get(name) is None or other.get(name) is None):
            return 0.0
        weight = 1.0 if name in self._sums else _weight(one, other)
        total = self._totals[name]
        return abs(amount(other.get(name)) - amount(one.get(name))) * weight / total if total else 0.0


class _Significance:
    """Which differences of shares are significant, over all that are tested."""

    def __init__(self, a: Mapping[Any, Row], b: Mapping[Any, Row], shares: Mapping[str, str]) -> None:
        self._shares = shares
        both = a.keys() & b.keys()
        self._looked_at = max(1, sum(self._pair(name, a[key], b[key]) is not None for key in both for name in shares))

    def of(self, name: str, one: Row, other: Row) -> bool | None:
        """Return whether a difference is significant; None if it is not a difference of two shares."""
        pair = self._pair(name, one, other)
        return None if pair is None else clearly_differ(*pair, self._looked_at)

    def _pair(self, name: str, one: Row, other: Row) -> tuple[Share, Share] | None:
        if name not in self._shares:
            return None
        shares = [_share(row.get(name), row.get(self._shares[name])) for row in (one, other)]
        return (shares[0], shares[1]) if shares[0] and shares[1] else None


def _share(pct: Any, whole: Any) -> Share | None:
    return Share(round(float(pct) * int(whole) / 100), int(whole)) if is_number(pct) and is_number(whole) else None


def _weight(one: Row, other: Row) -> float:
    return amount(one.get(SHIPMENTS)) + amount(other.get(SHIPMENTS)) if SHIPMENTS in one or SHIPMENTS in other else 1.0


def _find_differences(a: Mapping[Any, Row], b: Mapping[Any, Row], columns: Sequence[str]) -> dict[Any, list[str]]:
    """Return the keys of the rows that differ, in order, with the columns that differ."""
    found = {}
    for key in sorted(a.keys() | b.keys(), key=_order):
        if key not in a or key not in b:
            found[key] = list(columns)
        elif names := [name for name in columns if a[key][name] != b[key][name]]:
            found[key] = names
    return found


def _order(key: tuple[Any, ...]) -> tuple[tuple[bool, Any], ...]:
    return tuple((value is not None, "" if value is None else str(value)) for value in key)


def _keys(schema: pa.Schema, declared: Sequence[MartColumn]) -> list[str]:
    keys = [column.name for column in declared if column.is_key]
    if keys and set(keys) <= set(schema.names):
        return keys
    return [field.name for field in schema if _is_text(field) or pa.types.is_temporal(field.type)]


def _is_text(field: pa.Field) -> bool:
    return bool(pa.types.is_string(field.type) or pa.types.is_large_string(field.type))


def _is_decimal(field: pa.Field) -> bool:
    return bool(pa.types.is_decimal(field.type))


def _rows(table: pa.Table) -> list[Row]:
    return [{name: _to_plain(value) for name, value in row.items()} for row in table.to_pylist()]


def _to_plain(value: Any) -> Any:
    """Convert a value so that it can be compared by equality and used as a key."""
    if isinstance(value, float) and not isfinite(value):
        return None
    return str(value) if isinstance(value, list | dict) else value


def _index_by_key(rows: Iterable[Row], keys: Sequence[str]) -> dict[tuple[Any, ...], Row]:
    return {tuple(row[name] for name in keys): row for row in rows}


def _number(rows: Iterable[Row]) -> Iterator[Row]:
    """Number equal rows, so that each row differs from all others."""
    seen: dict[tuple[Any, ...], int] = defaultdict(int)
    for row in rows:
        values = tuple(row.values())
        yield {**row, "": seen[values]}
        seen[values] += 1
