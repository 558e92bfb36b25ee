"""Compare: reads two lakes, each in versions that belong together, and compares them without starting an engine."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from itertools import dropwhile
from typing import Any

import pyarrow as pa

from shipment_etl.errors import FileDamaged, NothingToCompare, NothingToReport, RunMissing, TableMissing, VersionMissing
from shipment_etl.lake.damage import explain_errors
from shipment_etl.lake.lake import LakeAddress, as_lake
from shipment_etl.lake.runs import PROCESS, currencies_of, newest_succeeded, read_runs, standing_runs
from shipment_etl.lake.snapshot import Snapshot
from shipment_etl.lake.tables import LANE_DAYS, NOT_MARTS
from shipment_etl.plugins import plugins
from shipment_etl.reporting.comparison.difference import Difference
from shipment_etl.reporting.comparison.marts import MartComparison, compare_mart
from shipment_etl.reporting.comparison.totals import COLUMNS, TOTALS, Sums, compare_totals, sum_up

__all__ = ["Comparison", "Side", "compare"]

PROCESSED = "processed/"


@dataclass(frozen=True, slots=True)
class Side:
    """One of two lakes, as it was compared.

    Attributes:
        lake: its address.
        run: ID of the run whose result it is.
        first, last: days of shipment; None if there are no shipments.
        tables: version of each mart, by its name.
        currency: the currency of all its costs; None if it is not known, or there are several.
    """

    lake: str
    run: str
    first: date | None
    last: date | None
    tables: Mapping[str, int]
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The marts of two lakes, A and B, side by side.

    Attributes:
        a, b: what was compared.
        totals: the totals of each lake and their differences, by name: shipments, with_delay, late_2plus_pct, days_late,
            avg_delay_days, avg_cost, total_cost.
        marts: the marts that both have, by name.
        only_in_a, only_in_b: marts that the other lake does not have.
    """

    a: Side
    b: Side
    totals: Mapping[str, Difference]
    marts: Mapping[str, MartComparison]
    only_in_a: tuple[str, ...]
    only_in_b: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        totals = all(each.a == each.b for each in self.totals.values())
        return totals and all(mart.equal for mart in self.marts.values()) and not self.only_in_a and not self.only_in_b

    @property
    def currency(self) -> str | None:
        """The currency of the costs of both; None if it is not known, or they differ."""
        return self.a.currency if self.a.currency == self.b.currency else None

    def to_json(self, limit: int | None = None) -> dict[str, Any]:
        """Return the comparison as values for JSON, with dates and decimals as text.

        Args:
            limit: maximum rows of each mart, those with the largest differences; all, in the order of their keys, if None.
        """
        return {
            "equal": self.equal,
            "a": _side_json(self.a),
            "b": _side_json(self.b),
            "totals": {name: {"unit": TOTALS[name][1], **_values_json(each)} for name, each in self.totals.items()},
            "marts": {name: _mart_json(mart, limit) for name, mart in self.marts.items()},
            "only_in_a": list(self.only_in_a),
            "only_in_b": list(self.only_in_b),
        }


def compare(a: LakeAddress | Snapshot, b: LakeAddress | Snapshot, marts: Collection[str] = ()) -> Comparison:
    """Compare the marts of two lakes, or of one lake at two moments.

    Args:
        a: a lake, or its address, as its newest run left it; or a snapshot: `lake.snapshot(run)` is the lake after that run.
        b: the same.
        marts: names of the marts to compare; all if empty.

    Raises:
        LakeMissing, NothingToReport: there is no lake, or it has no runs.
        NothingToCompare: it has no marts.
        TableMissing: neither has one of these marts.
        RunMissing: files of a snapshot have been deleted since.
    """
    one, other = (each if isinstance(each, Snapshot) else as_lake(each).snapshot() for each in (a, b))
    in_a, in_b = _marts_of(one), _marts_of(other)
    registered = {mart.name: mart.declared for mart in plugins().marts()}
    every = sorted({*in_a, *in_b}, key=lambda name: (list(registered).index(name) if name in registered else 1000, name))
    for name in marts:
        if name not in every:
            raise TableMissing(name, one.lake.uri, every)
    chosen = [name for name in every if not marts or name in marts]
    both = [name for name in chosen if name in in_a and name in in_b]
    sums_a, sums_b = _sums(one), _sums(other)
    return Comparison(
        a=_side(one, sums_a, both),
        b=_side(other, sums_b, both),
        totals=compare_totals(sums_a, sums_b),
        marts={name: compare_mart(_read(one, name), _read(other, name), registered.get(name, ())) for name in both},
        only_in_a=tuple(name for name in chosen if name not in in_b),
        only_in_b=tuple(name for name in chosen if name not in in_a),
    )


def _marts_of(snapshot: Snapshot) -> set[str]:
    if snapshot.run is None:
        raise NothingToReport(snapshot.lake.uri)
    found = {
        name.removeprefix(PROCESSED) for name in snapshot.tables if name.startswith(PROCESSED) and name not in NOT_MARTS
    }
    if not found:
        raise NothingToCompare(snapshot.lake.uri)
    return found


def _side(snapshot: Snapshot, sums: Sums, marts: Collection[str]) -> Side:
    versions = {name: snapshot.tables[PROCESSED + name] for name in marts}
    runs = dropwhile(lambda run: run.run_id != snapshot.run, read_runs(snapshot.lake))
    batches = newest_succeeded(run for run in standing_runs(runs) if run.job == PROCESS)
    currency, *others = currencies_of(batches) or [None]
    return Side(snapshot.lake.uri, snapshot.run or "", sums.first, sums.last, versions, None if others else currency)


@contextmanager
def _translate_errors(snapshot: Snapshot, table: str) -> Iterator[None]:
    version = snapshot.tables.get(table)
    try:
        with explain_errors(snapshot.lake, {table: version}):
            yield
    except (FileDamaged, VersionMissing) as problem:
        if version is None or version == snapshot.lake.version(table):
            raise
        raise RunMissing(snapshot.run or "", snapshot.lake.uri, f"files of {table} were deleted since") from problem


def _sums(snapshot: Snapshot) -> Sums:
    with _translate_errors(snapshot, LANE_DAYS.name):
        return sum_up(snapshot.dataset(LANE_DAYS.name).to_batches(columns=list(COLUMNS)))


def _read(snapshot: Snapshot, mart: str) -> pa.Table:
    with _translate_errors(snapshot, PROCESSED + mart):
        return snapshot.dataset(PROCESSED + mart).to_table()


def _side_json(side: Side) -> dict[str, Any]:
    return {**asdict(side), "first": _to_plain(side.first), "last": _to_plain(side.last)}


def _mart_json(mart: MartComparison, limit: int | None) -> dict[str, Any]:
    rows = mart.rows if limit is None else mart.largest(limit)
    return {
        "equal": mart.equal,
        "keys": list(mart.keys),
        "units": dict(mart.units),
        "only_in_one": list(mart.only_in_one),
        "rows_a": mart.rows_a,
        "rows_b": mart.rows_b,
        "equal_rows": mart.equal_rows,
        "differing_rows": len(mart.rows),
        "rows": [
            {
                "keys": {name: _to_plain(value) for name, value in row.keys.items()},
                "only_in": row.only_in,
                "columns": {name: {**_values_json(each), "size": each.size} for name, each in row.columns.items()},
            }
            for row in rows
        ],
    }


def _values_json(each: Difference) -> dict[str, Any]:
    return {
        "a": _to_plain(each.a),
        "b": _to_plain(each.b),
        "difference": _to_plain(each.difference),
        "relative_pct": each.relative_pct,
        "significant": each.significant,
    }


def _to_plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
