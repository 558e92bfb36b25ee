"""Commands that run jobs: each parses, calls its job, prints."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import date as Date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shipment_etl.cli.options import (
    DateOption,
    DebugOption,
    EngineOption,
    FromOption,
    JsonOption,
    KeepReportOption,
    LakeOption,
    LineageOption,
    Log,
    LogOption,
    MaxRejectedOption,
    NetworkOption,
    SourceOption,
    ToOption,
    WaitOption,
    dates_given,
)
from shipment_etl.cli.output import OutputClosed
from shipment_etl.cli.terminal import echo
from shipment_etl.ingest.formats import describe_formats

if TYPE_CHECKING:
    from shipment_etl.lake.lake import Lake
    from shipment_etl.lake.landed import Backlog, LandedBatch
    from shipment_etl.lake.runs import Run

__all__ = ["generate", "ingest", "maintain", "process", "rollback"]

# Heavy packages are imported where they are used, so that --help and mistakes answer at once.


def generate(
    lake: LakeOption,
    date: DateOption = None,
    first: FromOption = None,
    last: ToOption = None,
    rows: Annotated[int, typer.Option(help="Shipments a batch.")] = 100_000,
    seed: Annotated[int, typer.Option(help="Any whole number.")] = 7,
    scenario: Annotated[str, typer.Option(help="baseline, swiftship, peak, strike or storm.")] = "baseline",
    defects: Annotated[float, typer.Option(help="Share of rows that are wrong on purpose.")] = 0.0,
    network: NetworkOption = None,
    since: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="First day whose shipments are reported on again.")
    ] = None,
    truth: Annotated[bool, typer.Option("--truth", help="Write what was planted into truth/troubles.")] = False,
    engine: EngineOption = "auto",
    log: LogOption = Log.text,
    lineage: LineageOption = False,
    as_json: JsonOption = False,
    keep_report: KeepReportOption = False,
    wait: WaitOption = 0,
    debug: DebugOption = False,
) -> None:
    """Generate synthetic shipments into raw/shipments; today's batch by default."""
    from shipment_etl.jobs.generate import run_generate
    from shipment_etl.lake.lake import Lake
    from shipment_etl.network import Network
    from shipment_etl.s3 import is_s3
    from shipment_etl.sessions import session

    home, batch_dates = Lake(lake, wait=wait), dates_given(date, first, last) or [Date.today()]
    known = Network.from_toml(network) if network else None
    _run_each(
        batch_dates,
        lambda day, listeners: run_generate(
            home,
            date=day,
            rows=rows,
            seed=seed,
            scenario=scenario,
            defects=defects,
            network=known,
            since=since,
            truth=truth,
            spark=session(engine, s3=is_s3(home.uri)),
            listeners=listeners,
        ),
        as_json,
        log,
        lineage,
        home if keep_report else None,
    )


def ingest(
    file: Annotated[
        list[str],
        typer.Argument(help=f"{describe_formats()}, also packed; a folder, a pattern, a zip, s3://…, or - for stdin."),
    ],
    lake: LakeOption,
    source: SourceOption,
    mapping: Annotated[Path, typer.Option(metavar="FILE.toml", help="What the columns mean.", show_default=False)],
    date: DateOption = None,
    max_rejected: Annotated[
        float | None,
        typer.Option(help="Share of records that may be broken; above it nothing lands, exit 3. Without it: if all are."),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Put the files in place of a batch of the same date.")] = False,
    add: Annotated[bool, typer.Option("--add", help="Add the files to a batch of the same date.")] = False,
    engine: EngineOption = "auto",
    log: LogOption = Log.text,
    lineage: LineageOption = False,
    as_json: JsonOption = False,
    keep_report: KeepReportOption = False,
    wait: WaitOption = 0,
    debug: DebugOption = False,
) -> None:
    """Land files of your own in raw/SOURCE, as they are; as today's batch by default.

    Where the source has a batch of this date, --replace or --add says what becomes of it.
    """
    from shipment_etl.errors import InvalidValue
    from shipment_etl.ingest.mapping import Mapping
    from shipment_etl.jobs.ingest import run_ingest
    from shipment_etl.lake.lake import Lake
    from shipment_etl.s3 import is_s3
    from shipment_etl.sessions import session

    if replace and add:
        raise InvalidValue("--add", "given", "left out where --replace is given")
    home, means = Lake(lake, wait=wait), Mapping.from_toml(mapping)
    _run_each(
        dates_given(date, None, None) or [Date.today()],
        lambda day, listeners: run_ingest(
            home,
            file,
            source=source,
            mapping=means,
            date=day,
            if_exists="replace" if replace else "add" if add else "fail",
            max_rejected=max_rejected,
            spark=session(engine, s3=is_s3(home.uri)),
            listeners=listeners,
        ),
        as_json,
        log,
        lineage,
        home if keep_report else None,
    )


def process(
    lake: LakeOption,
    source: Annotated[str | None, typer.Option("--source", help="Name of the source; all if not given.")] = None,
    date: DateOption = None,
    first: FromOption = None,
    last: ToOption = None,
    waiting: Annotated[bool, typer.Option("--waiting", help="With a date: before it, also all batches that wait.")] = False,
    max_rejected: MaxRejectedOption = 0.1,
    accept_rejected: Annotated[
        bool, typer.Option("--accept-rejected", help="Take the batch, however many rows were rejected.")
    ] = False,
    network: NetworkOption = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write a report of the lake as well.")] = None,
    engine: EngineOption = "auto",
    log: LogOption = Log.text,
    lineage: LineageOption = False,
    as_json: JsonOption = False,
    keep_report: KeepReportOption = False,
    wait: WaitOption = 0,
    debug: DebugOption = False,
) -> None:
    """Turn raw batches into clean shipments, quarantine and marts; without a date, all batches that wait.

    A batch waits from when it is landed, or landed again, until it is processed.
    """
    from shipment_etl.errors import DataRejected
    from shipment_etl.jobs.process import run_process
    from shipment_etl.lake.lake import Lake
    from shipment_etl.network import Network
    from shipment_etl.s3 import is_s3
    from shipment_etl.sessions import session

    home = Lake(lake, wait=wait)
    known = Network.from_toml(network) if network else None
    dates = dates_given(date, first, last)
    batches = _choose(home, source, dates, log, waiting=waiting, held=accept_rejected)
    if report is not None:
        from shipment_etl.reporting.report import require_extra

        # Before the work, not after it.
        require_extra()
    rejected = None
    for batch in batches:
        try:
            job = partial(
                run_process,
                home,
                date=batch.batch_date,
                source=batch.source,
                network=known,
                max_rejected=1.0 if accept_rejected else max_rejected,
                spark=session(engine, s3=is_s3(home.uri)),
            )
            _run_one(job, as_json, log, lineage, home if keep_report else None)
        except DataRejected as problem:
            # The batch is held, which does not stop those after it, and a report shows what was rejected.
            rejected = rejected or problem
    if report is not None:
        _write_report(home, report)
    if rejected is not None:
        raise rejected


def maintain(
    lake: LakeOption,
    retention_days: Annotated[int, typer.Option(help="How far back versions stay readable, 0 to 30.")] = 7,
    engine: EngineOption = "auto",
    log: LogOption = Log.text,
    lineage: LineageOption = False,
    as_json: JsonOption = False,
    wait: WaitOption = 0,
    debug: DebugOption = False,
) -> None:
    """Compact small files, vacuum old ones, shorten the logs; no row changes."""
    from shipment_etl.cli.listening import listening
    from shipment_etl.cli.rendering import print_json_lines
    from shipment_etl.cli.tables import show_maintenance
    from shipment_etl.jobs.maintain import run_maintain
    from shipment_etl.lake.lake import Lake
    from shipment_etl.s3 import is_s3
    from shipment_etl.sessions import session

    home = Lake(lake, wait=wait)
    with listening(log, lineage) as listeners:
        spark = session(engine, s3=is_s3(home.uri))
        done = run_maintain(home, retention_days=retention_days, spark=spark, listeners=listeners)
    if as_json:
        print_json_lines([done.to_json()])
    else:
        show_maintenance(done)


def rollback(
    run: Annotated[str, typer.Argument(help="Id of the run, or how it begins; `runs --json` has them.")],
    lake: LakeOption,
    engine: EngineOption = "auto",
    log: LogOption = Log.text,
    lineage: LineageOption = False,
    as_json: JsonOption = False,
    wait: WaitOption = 0,
    debug: DebugOption = False,
) -> None:
    """Bring the lake back to what it was before a run; refused where later runs stand on it."""
    from shipment_etl.jobs.rollback import run_rollback
    from shipment_etl.lake.lake import Lake
    from shipment_etl.s3 import is_s3
    from shipment_etl.sessions import session

    home = Lake(lake, wait=wait)
    job = partial(run_rollback, home, run, spark=session(engine, s3=is_s3(home.uri)))
    _run_one(job, as_json, log, lineage, None)


def _choose(
    lake: "Lake", source: str | None, dates: list[Date], log: Log, *, waiting: bool, held: bool
) -> "list[LandedBatch]":
    """Return the batches of the dates, after those that wait if they are wanted, too; only those if there are no dates.

    Raises:
        BatchMissing: no source has a batch of the dates.
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
        echo("no batch waits: all landed batches are processed", err=True)
    if left.held:
        taken = "" if held else "; --accept-rejected takes them"
        echo(f"{describe_batches(left.held, 'held')}{taken}", err=True)


def _run_each(
    batch_dates: Iterable[Date],
    job: "Callable[..., Run]",
    as_json: bool,
    log: Log,
    lineage: bool,
    reports_in: "Lake | None",
) -> None:
    for day in batch_dates:
        _run_one(partial(job, day), as_json, log, lineage, reports_in)


def _run_one(job: "Callable[..., Run]", as_json: bool, log: Log, lineage: bool, reports_in: "Lake | None") -> None:
    from shipment_etl.cli.listening import listening
    from shipment_etl.cli.progress import ReportKeeper
    from shipment_etl.cli.rendering import print_json_lines, print_run

    keepers = [ReportKeeper(reports_in)] if reports_in else []
    with listening(log, lineage) as listeners:
        run = job(listeners=[*listeners, *keepers])
    for warning in run.settings.get("warnings", ()):
        echo(f"warning: {warning}", err=True)
    # Where nobody reads the reports any more, the batches that are left are to be done all the same.
    with suppress(OutputClosed):
        if as_json:
            print_json_lines([run.to_json()])
        else:
            print_run(run)


def _write_report(lake: "Lake", file: Path) -> None:
    from shipment_etl.reporting.report import write_report

    echo(f"report: {write_report(lake, file)}", err=True)
