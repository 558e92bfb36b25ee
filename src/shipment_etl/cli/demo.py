"""The demo: a week of generated shipments, summarised on one screen."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date as Date
from datetime import timedelta
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from shipment_etl.cli.option_groups import JobOptions, session_for
from shipment_etl.cli.options import DefectsOption, RowsOption, ScenarioOption, SeedOption
from shipment_etl.cli.terminal import console, echo
from shipment_etl.files import write_file

if TYPE_CHECKING:
    from shipment_etl.lake.lake import Lake
    from shipment_etl.lake.runs import Run
    from shipment_etl.reporting.render import Page

__all__ = ["demo"]

FROM = Date(2026, 11, 16)
"""A Monday; fixed, so that the demo's numbers are the same everywhere."""
SCORES = ("carrier", "shipments", "on_time_pct", "late_2plus_pct", "avg_cost")
ROWS_OF_A_MART = 8
MAX_REASONS = 3


def demo(
    *,
    days: Annotated[int, typer.Option(help="Days to generate and process.", min=1, max=3660)] = 7,
    rows: RowsOption = 100_000,
    seed: SeedOption = 7,
    scenario: ScenarioOption = "swiftship",
    defects: DefectsOption = 0.02,
    # Not named `lake`: synthetic shipments must not end up in a configured lake.
    folder: Annotated[str, typer.Option("--lake", metavar="URI", help="Folder of the lake.")] = "./demo-lake",
    verbose: Annotated[bool, typer.Option("--verbose", help="Also print the first rows of every mart.")] = False,
    options: JobOptions,
) -> None:
    """Generate and process a week of shipments, print a summary, and write a report to the lake's folder."""
    from shipment_etl.cli.rendering import print_json_lines
    from shipment_etl.jobs.generate import run_generate
    from shipment_etl.jobs.process import run_process
    from shipment_etl.reporting.report import prepare

    home = options.open_lake(folder)
    # The report's libraries are loaded while the jobs run, which leave Python idle most of the time.
    with ThreadPoolExecutor(1) as aside, options.listeners(home) as listeners:
        aside.submit(prepare)
        spark = session_for(home, options.engine)
        runs = []
        for day in (FROM + timedelta(days=n) for n in range(days)):
            run_generate(
                home,
                date=day,
                rows=rows,
                seed=seed,
                scenario=scenario,
                defects=defects,
                since=FROM,
                truth=True,
                spark=spark,
                listeners=listeners,
            )
            runs.append(run_process(home, date=day, spark=spark, listeners=listeners))
    if options.as_json:
        print_json_lines(run.to_json() for run in runs)
        page = _draw(home)
    else:
        page = _print_story(home, runs, verbose=verbose)
    if page is not None:
        # In the lake's folder, with everything else that the demo writes; in the current folder if the lake is not local.
        file = Path("demo-report.html") if "://" in home.uri else Path(home.uri) / "report.html"
        echo(f"  {'report:':21}{write_file(file, page.html)}")


def _print_story(lake: "Lake", runs: Sequence["Run"], *, verbose: bool) -> "Page | None":
    """Print the row counts, the main findings of the report, one mart, and the next commands; return the report."""
    from shipment_etl.cli.tables import show_table
    from shipment_etl.plugins import plugins

    if verbose:
        for mart in plugins().marts():
            show_table(lake, mart.name, ROWS_OF_A_MART, "table")
    _print_accounting(lake, runs)
    page = _draw(lake)
    shown = console()
    for sentence in page.sentences if page else ():
        shown.print(f"\n{sentence.text}", markup=False, soft_wrap=False)
    if not verbose:
        show_table(lake, "carrier_performance", ROWS_OF_A_MART, "table", columns=SCORES)
    for what, command in (
        ("costs by route", f"shipment-etl show route_efficiency --lake {quote(lake.uri)}"),
        ("rejected rows", f"shipment-etl show quarantine --lake {quote(lake.uri)}"),
        ("planted troubles", f"shipment-etl show truth/troubles --lake {quote(lake.uri)}"),
        ("your own file", "shipment-etl map FILE"),
    ):
        echo(f"  {what + ':':21}{command}")
    return page


def _print_accounting(lake: "Lake", runs: Sequence["Run"]) -> None:
    """Print where the rows of all runs went, and the most frequent reasons for rejecting them."""
    from shipment_etl.lake.runs import sum_by_name, sum_counts
    from shipment_etl.lake.tables import SHIPMENTS

    counts = sum_counts(runs, lake.dataset(SHIPMENTS.name).count_rows())
    first, last = runs[0].batch_date, runs[-1].batch_date
    shown = console()
    shown.print(f"[bold]{first} to {last}[/]: {len(runs)} batches, {counts.read:,} rows read")
    shown.print(f"  = {' + '.join(f'{rows:,} {name}' for name, rows in counts.parts.items())}")
    reasons = sum_by_name(run.reasons for run in runs)
    for name, rows in list(reasons.items())[:MAX_REASONS]:
        shown.print(f"    {rows:>9,}  {name}", markup=False)
    if len(reasons) > MAX_REASONS:
        shown.print(f"    {'':9}  and {len(reasons) - MAX_REASONS} more reasons")


def _draw(lake: "Lake") -> "Page | None":
    """Draw the report; without the packages for it, the demo goes on without a report."""
    from shipment_etl.errors import ExtraMissing
    from shipment_etl.reporting.report import draw_report

    try:
        return draw_report(lake)
    except ExtraMissing as problem:
        echo(f"no report: {problem}", err=True)
        return None
