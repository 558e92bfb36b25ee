"""Commands that run jobs: each parses its options, calls its job, and prints the result."""

from datetime import date as Date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shipment_etl.cli.option_groups import DateOptions, JobOptions, session_for
from shipment_etl.cli.options import (
    DateOption,
    DefectsOption,
    LakeOption,
    Log,
    MaxRejectedOption,
    NetworkOption,
    RowsOption,
    SeedOption,
    SourceOption,
)
from shipment_etl.cli.terminal import echo, echo_json
from shipment_etl.dates import as_date
from shipment_etl.errors import DataRejected, InvalidValue
from shipment_etl.ingest.formats import describe_formats
from shipment_etl.thresholds import MAX_REJECTED

if TYPE_CHECKING:
    from shipment_etl.lake.lake import Lake
    from shipment_etl.lake.landed import Backlog, LandedBatch

__all__ = ["generate", "ingest", "maintain", "process", "rollback"]

# Heavy packages are imported where they are used, so that --help and usage errors are fast.


def generate(
    *,
    lake: LakeOption,
    batch: DateOptions,
    rows: RowsOption = 100_000,
    seed: SeedOption = 7,
    scenario: Annotated[
        str | None, typer.Option(help="baseline, swiftship, peak, strike or storm; by default the network's, else baseline.")
    ] = None,
    defects: DefectsOption = 0.0,
    network: NetworkOption = None,
    since: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="First day whose shipments get new reports.")
    ] = None,
    truth: Annotated[bool, typer.Option("--truth", help="Write the planted troubles to truth/troubles.")] = False,
    options: JobOptions,
) -> None:
    """Generate synthetic shipments into raw/shipments; today's batch by default."""
    # Checked before slow imports.
    dates = batch.days() or [Date.today()]
    from shipment_etl.jobs.generate import run_generate
    from shipment_etl.network import Network

    home = options.open_lake(lake)
    known = Network.from_toml(network) if network else None
    for day in dates:
        options.run(
            home,
            run_generate,
            date=day,
            rows=rows,
            seed=seed,
            scenario=scenario,
            defects=defects,
            network=known,
            since=since,
            truth=truth,
        )


def ingest(
    *,
    file: Annotated[
        list[str],
        typer.Argument(help=f"{describe_formats()}, also packed; a folder, a pattern, a zip, s3://…, or - for stdin."),
    ],
    lake: LakeOption,
    source: SourceOption,
    mapping: Annotated[Path, typer.Option(metavar="FILE.toml", help="Mapping of the columns.", show_default=False)],
    date: DateOption = None,
    max_rejected: Annotated[
        float | None,
        typer.Option(help="Maximum share of broken records; above it nothing lands, exit 3. By default, only if all are."),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the batch of the same date with the files.")] = False,
    add: Annotated[bool, typer.Option("--add", help="Add the files to the batch of the same date.")] = False,
    options: JobOptions,
) -> None:
    """Land your own files in raw/SOURCE, unchanged; as today's batch by default.

    If the source already has a batch of this date, use --replace or --add.
    """
    if replace and add:
        raise InvalidValue("--add", "given", "left out if --replace is given")
    day = Date.today() if date is None else as_date(date, "--date")
    from shipment_etl.ingest.mapping import SourceMapping
    from shipment_etl.jobs.ingest import run_ingest

    options.run(
        options.open_lake(lake),
        run_ingest,
        file=file,
        source=source,
        mapping=SourceMapping.from_toml(mapping),
        date=day,
        if_exists="replace" if replace else "add" if add else "fail",
        max_rejected=max_rejected,
    )


def process(
    *,
    lake: LakeOption,
    batch: DateOptions,
    source: Annotated[str | None, typer.Option("--source", help="Name of the source; all by default.")] = None,
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Also process all waiting batches, whatever their date.")
    ] = False,
    max_rejected: MaxRejectedOption = MAX_REJECTED,
    accept_rejected: Annotated[
        bool, typer.Option("--accept-rejected", help="Accept the batch, no matter how many rows are rejected.")
    ] = False,
    network: NetworkOption = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Also write a report of the lake.")] = None,
    options: JobOptions,
) -> None:
    """Turn raw batches into clean shipments, quarantine and marts; without a date, all waiting batches.

    A batch is waiting from when it lands, or lands again, until it is processed.
    """
    dates = batch.days()
    from shipment_etl.jobs.process import run_process
    from shipment_etl.network import Network

    home = options.open_lake(lake)
    known = Network.from_toml(network) if network else None
    batches = _choose(home, source, dates, options.log, waiting=waiting, held=accept_rejected)
    if report is not None:
        from shipment_etl.reporting.report import require_extra

        # Fail before the work, not after it.
        require_extra()
    rejected = None
    for each in batches:
        try:
            options.run(
                home,
                run_process,
                date=each.batch_date,
                source=each.source,
                network=known,
                max_rejected=1.0 if accept_rejected else max_rejected,
            )
        except DataRejected as problem:
            # The batch is held; the next ones still run, and a report shows what was rejected.
            rejected = rejected or problem
    if report is not None:
        _write_report(home, report)
    if rejected is not None:
        raise rejected


def maintain(
    *,
    lake: LakeOption,
    retention_days: Annotated[int, typer.Option(help="How far back versions stay readable, 0 to 30.")] = 7,
    options: JobOptions,
) -> None:
    """Compact small files, vacuum old ones, shorten the logs; no row changes."""
    from shipment_etl.cli.tables import show_maintenance
    from shipment_etl.jobs.maintain import run_maintain

    home = options.open_lake(lake)
    with options.listeners(home) as listeners:
        spark = session_for(home, options.engine)
        done = run_maintain(home, retention_days=retention_days, spark=spark, listeners=listeners)
    if options.as_json:
        echo_json(done.to_json())
    else:
        show_maintenance(done)


def rollback(
    *,
    run: Annotated[str, typer.Argument(help="Run id, or its first characters; `runs --json` lists them.")],
    lake: LakeOption,
    options: JobOptions,
) -> None:
    """Restore the lake to its state before a run; refused if later runs depend on that run."""
    from shipment_etl.jobs.rollback import run_rollback

    options.run(options.open_lake(lake), run_rollback, run_id=run)


def _choose(
    lake: "Lake", source: str | None, dates: list[Date], log: Log, *, waiting: bool, held: bool
) -> "list[LandedBatch]":
    """Return the batches of the dates, with `waiting` after all waiting ones; without dates, only the waiting ones.

    Raises:
        BatchMissing: no source has a batch on any of the dates.
    """
    from shipment_etl.errors import BatchMissing
    from shipment_etl.lake.landed import backlog, landed_batches

    chosen = []
    if dates:
        landed = landed_batches(lake, source)
        chosen = [batch for batch in landed if batch.batch_date in dates]
        if not chosen:
            sources = {batch.source for batch in landed}
            known = [batch.batch_date.isoformat() if len(sources) == 1 else str(batch) for batch in landed]
            raise BatchMissing(sources.pop() if len(sources) == 1 else source or "*", dates[0], known)
    if dates and not waiting:
        return chosen
    left = backlog(lake, source)
    if log is Log.text:
        _print_backlog(left, held)
    return [*sorted({*left.waiting, *(left.held if held else ())} - {*chosen}), *chosen]


def _print_backlog(left: "Backlog", held: bool) -> None:
    from shipment_etl.cli.rendering import describe_batches

    if left.waiting:
        echo(describe_batches(left.waiting, "waiting"), err=True)
    else:
        every = "" if left.held else ": all landed batches are processed"
        echo(f"no batch is waiting{every}", err=True)
    if left.held:
        hint = "" if held else "; --accept-rejected accepts them"
        echo(f"{describe_batches(left.held, 'held')}{hint}", err=True)


def _write_report(lake: "Lake", file: Path) -> None:
    from shipment_etl.reporting.report import write_report

    echo(f"report: {write_report(lake, file)}", err=True)
