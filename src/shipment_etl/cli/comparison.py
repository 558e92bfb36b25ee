"""Comparison: two lakes side by side in the terminal."""

import re
from collections.abc import Iterable, Sequence

from rich import box
from rich.markup import escape
from rich.table import Table

from shipment_etl.cli.terminal import console
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.snapshot import Snapshot
from shipment_etl.reporting.comparison.compare import Comparison, Side
from shipment_etl.reporting.comparison.marts import MartComparison
from shipment_etl.reporting.comparison.totals import TOTALS
from shipment_etl.reporting.comparison.wording import (
    WITHIN_CHANCE,
    say_change,
    say_comparison,
    say_days,
    say_mart,
    say_row,
    say_unit,
    say_values,
)

__all__ = ["find_lake", "show_comparison"]

RUN_ID = re.compile("[0-9a-f-]+")
"""A run id, or its first characters."""
LINES_SHOWN = 5
VALUES = ("A", "B", "difference")


def find_lake(given: str) -> Lake | Snapshot:
    """Return the lake of an argument: LAKE, or LAKE@RUN for its state after a run; a path may contain an @ itself.

    Raises:
        LakeMissing, RunMissing: there is no such lake, or it has no such run.
    """
    uri, _, run = given.rpartition("@")
    if not uri or "/" in run or Lake(given).exists():
        return Lake(given)
    # The lake me@corp.com is missing, rather than the run corp.com of the lake me.
    return Lake(uri).snapshot(run) if RUN_ID.fullmatch(run) or Lake(uri).exists() else Lake(given)


def show_comparison(found: Comparison, limit: int | None) -> None:
    """Print what differs, the largest differences of each mart first.

    Args:
        found: what to print.
        limit: maximum number of differences per mart.
    """
    shown = console()
    for name, side in (("A", found.a), ("B", found.b)):
        shown.print(f"[bold]{name}[/] {escape(_describe(side))}")
    for said in say_comparison(found):
        shown.print("".join(f"[bold]{escape(words)}[/]" if strong else escape(words) for words, strong in said.parts))
    if found.equal:
        return
    rows = []
    for name, values in found.totals.items():
        heading, unit = TOTALS[name]
        shown_unit = say_unit(unit, found.currency)
        rows.append([f"{heading}, {shown_unit}" if shown_unit else heading, *say_values(values), say_change(values, unit)])
    _print_table("Totals", ["total", *VALUES], rows)
    for name, mart in found.marts.items():
        _print_mart(name, mart, limit or LINES_SHOWN)


def _print_mart(name: str, mart: MartComparison, limit: int) -> None:
    lines = mart.lines()
    rows = []
    for line in lines[:limit]:
        change = say_change(line.values, mart.units.get(line.column, ""), line.only_in)
        rows.append([say_row(line), line.column, *say_values(line.values), change])
    notes = [f"{len(rows):,} of {len(lines):,} differences; --limit shows more"] if len(rows) < len(lines) else []
    if any(WITHIN_CHANCE in row[-1] for row in rows):
        notes.append(f"{WITHIN_CHANCE}: chance may explain the difference")
    if not rows:
        console().print(f"{escape(name)}, {escape(say_mart(mart))}")
        return
    _print_table(f"{name}, {say_mart(mart)}", [", ".join(mart.keys), "column", *VALUES], rows, "; ".join(notes))


def _print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> None:
    """Print rows whose last three columns are values; on a narrow terminal, the first column is wrapped."""
    made = Table(
        title=escape(title),
        caption=escape(caption) or None,
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
    )
    for place, name in enumerate(columns):
        is_value = place > 0 and name in VALUES
        made.add_column(escape(name), justify="right" if is_value else "left", overflow="fold", no_wrap=is_value)
    for row in rows:
        made.add_row(*map(escape, row))
    console(soft_wrap=False).print(made)


def _describe(side: Side) -> str:
    return f"{side.lake}, {say_days(side)}, run {side.run[:8]}"
