"""Rendering: tables and runs for people, CSV and JSON for programs."""

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import takewhile
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shipment_etl.lake.runs import Run

__all__ = ["print_csv", "print_json_lines", "print_run", "print_table"]


def print_table(title: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]], caption: str = "") -> None:
    """Print rows as a table that fits the terminal.

    Numbers stand to the right, doubles with two digits. Where the columns need more width than there is, the table is cut
    into several below each other, and the leading text columns are repeated in each.
    """
    console = Console()
    listed = [{name: row[name] for name in columns} for row in rows]
    numeric = {name: any(isinstance(row[name], int | float | Decimal) for row in listed) for name in columns}
    cells = {name: [_cell(row[name]) for row in listed] for name in columns}
    headers = {name: _header(name, max((len(cell) for cell in cells[name]), default=0)) for name in columns}
    parts = _parts(columns, numeric, cells, headers, console.width)
    for number, part in enumerate(parts):
        made = Table(
            title=title if number == 0 else None,
            caption=caption if number == len(parts) - 1 else None,
            title_justify="left",
            caption_justify="left",
            box=box.SIMPLE_HEAD,
        )
        for name in part:
            made.add_column(headers[name], justify="right" if numeric[name] else "left", overflow="fold")
        for i in range(len(listed)):
            made.add_row(*(escape(cells[name][i]) for name in part))
        console.print(made)


def print_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Print rows as CSV with a header, values in full; lists as JSON."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_plain(row[name]) for name in columns] for row in rows)


def print_json_lines(rows: Iterable[Mapping[str, Any]]) -> None:
    """Print one JSON object a line; decimals as text, so that no digit is lost."""
    for row in rows:
        print(json.dumps(row, default=str, ensure_ascii=False))


def print_run(run: Run) -> None:
    """Print what a run did to its rows."""
    console = Console(highlight=False)
    counts = run.counts
    console.print(f"[bold]{run.job}[/] {run.source} {run.batch_date}: {counts.read:,} rows read")
    if run.job == "process":
        console.print(
            f"  = {counts.accepted:,} accepted + {counts.quarantined:,} quarantined + {counts.duplicates:,} duplicates"
        )
        for name, rows in run.reasons.items():
            console.print(f"    {rows:>9,}  {name}")


def _header(name: str, width: int) -> str:
    """Break a name at its underscores into lines that are no wider than the cells, if its parts allow."""
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
    """Share columns out over tables that are no wider than the terminal, each beginning with the leading text columns."""
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
    return str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, list | dict):
        return json.dumps(value, default=str, ensure_ascii=False)
    if isinstance(value, date):
        return value.isoformat()
    return value
