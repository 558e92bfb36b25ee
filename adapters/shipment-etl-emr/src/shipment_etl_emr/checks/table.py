"""Table: findings for people, with their fixes below; colours on a terminal, words everywhere."""

from collections.abc import Sequence
from dataclasses import asdict

from rich.table import Table
from rich.text import Text

from shipment_etl.cli.rendering import print_json_lines
from shipment_etl.cli.terminal import console, echo
from shipment_etl_emr.checks.account import Check

__all__ = ["print_checks"]


def print_checks(checks: Sequence[Check], as_json: bool) -> None:
    """Print findings as a table, followed by the commands that fix them, ready to copy; or as JSON lines."""
    if as_json:
        print_json_lines(map(asdict, checks))
        return
    shown = console(soft_wrap=False)
    if shown.is_terminal:
        shown.print(_table(checks))
    else:
        # One line for each finding, for programs that read this.
        width = max(len(check.name) for check in checks)
        for check in checks:
            echo(f"{check.state:<7} {check.name:<{width}} {check.found}")
    for check in checks:
        if check.fix:
            shown.print(Text(f"\n{check.name}:", style=check.state), Text(check.fix), sep="\n  ", soft_wrap=True)
    counts = ", ".join(f"{sum(check.state == state for check in checks)} {state}" for state in ("green", "yellow", "red"))
    shown.print(Text(f"\n{counts}"))


def _table(checks: Sequence[Check]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("state", "check", "found"):
        table.add_column(name, overflow="fold", no_wrap=name != "found")
    for check in checks:
        table.add_row(Text(check.state, style=check.state), Text(check.name), Text(check.found))
    return table
