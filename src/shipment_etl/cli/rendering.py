"""Rendering: tables and runs for people, CSV and JSON for programs."""

import csv
import json
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from rich import box
from rich.markup import escape
from rich.table import Table

from shipment_etl.cli.terminal import console
from shipment_etl.errors.wording import join_names
from shipment_etl.printable import FORMULA_STARTS, printable, printable_json

if TYPE_CHECKING:
    from shipment_etl.lake.landed import LandedBatch
    from shipment_etl.lake.runs import Run

__all__ = ["describe_batches", "print_csv", "print_json_lines", "print_run", "print_table"]


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]], caption: str = "", *, err: bool = False
) -> None:
    """Print rows as a table that fits the terminal.

    Numbers are right-aligned, doubles have two decimals. If the columns do not fit, the table is split into several below
    each other, each of which repeats the leading text columns.
    """
    shown = console(stderr=err, soft_wrap=False)
    picked = [{name: row[name] for name in columns} for row in rows]
    numeric = {name: any(isinstance(row[name], int | float | Decimal) for row in picked) for name in columns}
    cells = {name: [_cell(row[name]) for row in picked] for name in columns}
    headers = {name: _header(name, max((len(cell) for cell in cells[name]), default=0)) for name in columns}
    parts = _parts(columns, numeric, cells, headers, shown.width)
    for number, part in enumerate(parts):
        made = Table(
            title=escape(title) if number == 0 else None,
            caption=escape(caption) if number == len(parts) - 1 else None,
            title_justify="left",
            caption_justify="left",
            box=box.SIMPLE_HEAD,
        )
        for name in part:
            made.add_column(escape(headers[name]), justify="right" if numeric[name] else "left", overflow="fold")
        for i in range(len(picked)):
            made.add_row(*(escape(cells[name][i]) for name in part))
        shown.print(made)


def print_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, raw: bool = False) -> None:
    """Print rows as CSV with a header, values in full, lists as JSON.

    Args:
        columns: of the rows, in order.
        rows: what to print.
        raw: print texts unchanged and in quotes, instead of making them safe for spreadsheets and terminals.
    """
    # Without quotes, a carriage return would end a row: Python's writer only quotes its own line terminator.
    writer = csv.writer(sys.stdout, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC if raw else csv.QUOTE_MINIMAL)
    convert = _to_plain if raw else _to_safe
    writer.writerow([convert(name) for name in columns])
    writer.writerows([convert(row[name]) for name in columns] for row in rows)


def print_json_lines(rows: Iterable[Mapping[str, Any]]) -> None:
    """Print one JSON object per line; decimals as text, so that no digit is lost."""
    for row in rows:
        sys.stdout.write(printable_json(row) + "\n")


def describe_batches(batches: "Collection[LandedBatch]", state: str) -> str:
    """Return how many batches are in a state, and which, as in: 2 waiting: acme 2026-11-09, acme 2026-11-10."""
    return f"{len(batches)} {state}: {join_names(map(str, batches))}"


def print_run(run: "Run") -> None:
    """Print what a run did to its rows."""
    # Imported here: it loads an engine, which most other output does not need.
    from shipment_etl.lake.runs import PROCESS, ROLLBACK

    shown = console()
    counts = run.counts
    done = f"rolled back run {run.settings['run']}" if run.job == ROLLBACK else f"{counts.read:,} rows read"
    shown.print(f"[bold]{run.job}[/] {escape(run.source)} {run.batch_date}: {done}")
    if run.left_out:
        shown.print(f"    {run.left_out:>9,}  {escape('left out by [where]')}")
    if run.job == PROCESS:
        shown.print(f"  = {' + '.join(f'{rows:,} {name}' for name, rows in counts.parts.items())}")
        for name, rows in run.reasons.items():
            shown.print(f"    {rows:>9,}  {escape(name)}")
        for name, rows in run.warnings.items():
            shown.print(f"    {rows:>9,}  {escape(name)} (warning, accepted)")


def _header(name: str, width: int) -> str:
    """Break a name at underscores into lines that are no wider than the cells, if possible."""
    parts = [f"{part}_" for part in name.split("_")]
    parts[-1] = parts[-1][:-1]
    width = max(width, *(len(part) for part in parts))
    lines = [""]
    for part in parts:
        if len(lines[-1]) + len(part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def _parts(
    columns: Sequence[str],
    numeric: Mapping[str, bool],
    cells: Mapping[str, Sequence[str]],
    headers: Mapping[str, str],
    width: int,
) -> list[list[str]]:
    """Split columns into tables that fit the terminal, each beginning with the leading text columns."""
    wide = {name: 3 + max(map(len, [*cells[name], *headers[name].split("\n")])) for name in columns}
    keys = list(takewhile(lambda name: not numeric[name], columns))
    if len(keys) == len(columns) or sum(wide[name] for name in keys) > width // 2:
        keys = keys[:1]
    parts = [list(keys)]
    for name in columns[len(keys) :]:
        if len(parts[-1]) > len(keys) and sum(wide[each] for each in parts[-1]) + wide[name] >= width:
            parts.append(list(keys))
        parts[-1].append(name)
    return parts


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, int | Decimal):
        return f"{value:,}"
    if isinstance(value, list | dict):
        return json.dumps(value, default=str, ensure_ascii=False)
    return printable(str(value))


def _to_safe(value: Any) -> Any:
    """Return a value that is no formula for a spreadsheet, and has no effect on a terminal: OWASP, CSV Injection."""
    value = _to_plain(value)
    if not isinstance(value, str):
        return value
    mark = "'" if value.startswith(FORMULA_STARTS) else ""
    return mark + printable(value)


def _to_plain(value: Any) -> Any:
    if isinstance(value, list | dict):
        return json.dumps(value, default=str, ensure_ascii=False)
    if isinstance(value, date):
        return value.isoformat()
    return value
