"""Commands that read a lake and change nothing in it."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from shipment_etl.cli.option_groups import OutputOptions, session_for
from shipment_etl.cli.options import DebugOption, EngineOption, LakeOption
from shipment_etl.cli.terminal import echo, echo_json

__all__ = ["compare", "fingerprint", "report", "runs", "show", "snapshot"]

# Heavy packages are imported where they are used, so that --help and usage errors are fast.


COMPARED = "Folder of a lake, or s3://bucket/prefix; LAKE@RUN is its state after that run."


class Format(StrEnum):
    """How `show` prints."""

    table = "table"
    csv = "csv"
    json = "json"


def report(
    *,
    lake: LakeOption,
    out: Annotated[Path, typer.Option(metavar="FILE.html", help="File to write.")] = Path("report.html"),
    options: OutputOptions,
) -> None:
    """Write a report of a lake: one HTML page that works offline."""
    from shipment_etl.lake.lake import Lake
    from shipment_etl.reporting.report import write_report

    path = write_report(Lake(lake), out)
    if options.as_json:
        echo_json({"file": str(path), "bytes": path.stat().st_size})
    else:
        echo(path)


def compare(
    *,
    lake_a: Annotated[str, typer.Argument(metavar="LAKE_A", help=COMPARED)],
    lake_b: Annotated[str, typer.Argument(metavar="LAKE_B", help="The same.")],
    mart: Annotated[
        list[str] | None, typer.Option("--mart", metavar="NAME", help="Only this mart; can be repeated.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="Maximum differences per mart; 5 in the terminal, 20 on a page, else all.", min=1)
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Also write an HTML page.")] = None,
    options: OutputOptions,
) -> None:
    """Compare the marts of two lakes, or of one lake after two runs: what differs, by how much, and what is significant."""
    from shipment_etl.cli.comparison import find_lake, show_comparison
    from shipment_etl.reporting.comparison.compare import compare as compare_lakes
    from shipment_etl.reporting.comparison.page import write_comparison
    from shipment_etl.reporting.report import require_extra

    if out is not None:
        require_extra()
    found = compare_lakes(find_lake(lake_a), find_lake(lake_b), mart or ())
    page = None if out is None else write_comparison(found, out, limit)
    if options.as_json:
        echo_json(found.to_json(limit))
    else:
        show_comparison(found, limit)
        if page is not None:
            echo(page)


def show(
    table: Annotated[str, typer.Argument(help="For example processed/carrier_performance; for a mart, its name is enough.")],
    lake: LakeOption,
    shipment_id: Annotated[str | None, typer.Option("--id", metavar="ID", help="Only rows of this shipment.")] = None,
    limit: Annotated[int | None, typer.Option(help="Maximum rows; 20 in a table, else all.", min=1)] = None,
    format: Annotated[Format, typer.Option(help="table, csv or json (one object per line).")] = Format.table,
    raw: Annotated[
        bool, typer.Option("--raw", help="CSV with unchanged texts, for programs; a spreadsheet may run them as formulas.")
    ] = False,
    newest: Annotated[
        bool, typer.Option("--newest", help="The newest version, even if no logged run has confirmed it yet.")
    ] = False,
    debug: DebugOption = False,
) -> None:
    """Show a table of the lake, as of the newest logged run.

    CSV is safe for spreadsheets and terminals: a text that a spreadsheet would run as a formula gets an apostrophe
    before it, and control characters are escaped. For programs, use JSON, or CSV with --raw.
    """
    from shipment_etl.cli.tables import show_table
    from shipment_etl.errors import InvalidValue
    from shipment_etl.lake.lake import Lake

    if raw and format is not Format.csv:
        raise InvalidValue("--format", format.value, "csv with --raw")
    style = "raw csv" if raw else format.value
    show_table(Lake(lake), table, limit, style, newest=newest, shipment_id=shipment_id)


def snapshot(
    *,
    lake: LakeOption,
    out: Annotated[Path, typer.Option(metavar="FILE.sql", help="File to write.")] = Path("snapshot.sql"),
    options: OutputOptions,
) -> None:
    """Write DuckDB views of all tables, as of the newest logged run: a consistent set of versions."""
    from shipment_etl.files import write_file
    from shipment_etl.lake.lake import Lake

    pinned = Lake(lake).snapshot()
    write_file(out, pinned.views())
    if options.as_json:
        echo_json({"file": str(out), "tables": dict(pinned.tables)})
    else:
        echo(out)


def runs(
    *,
    lake: LakeOption,
    limit: Annotated[int, typer.Option(help="Maximum runs.", min=1)] = 20,
    options: OutputOptions,
) -> None:
    """Show the newest runs: how many rows were read, accepted, quarantined."""
    from shipment_etl.cli.tables import show_runs
    from shipment_etl.lake.lake import Lake

    show_runs(Lake(lake), limit, options.as_json)


def fingerprint(
    *,
    table: Annotated[str, typer.Argument(help="For example processed/shipments.")],
    lake: LakeOption,
    engine: EngineOption = "auto",
    options: OutputOptions,
) -> None:
    """Print a checksum of a table's rows: the same for the same rows, regardless of order, files or engine."""
    from shipment_etl.lake.damage import explain_errors
    from shipment_etl.lake.fingerprint import fingerprint as fingerprint_of
    from shipment_etl.lake.lake import Lake

    home = Lake(lake)
    version = home.snapshot().tables.get(table, None) if home.has(table) else None
    version = home.version(table) if version is None else version
    with explain_errors(home, {table: version}):
        word = fingerprint_of(home.read(session_for(home, engine), table, version))
    if options.as_json:
        echo_json({"table": table, "version": version, "fingerprint": word})
    else:
        echo(f"{table} version {version} {word}")
