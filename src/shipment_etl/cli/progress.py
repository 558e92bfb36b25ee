"""Progress: a line that moves on a terminal, plain lines elsewhere. A listener like any other."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.markup import escape
from rich.status import Status

from shipment_etl.cli.terminal import SafeConsole, console
from shipment_etl.hookspecs import hookimpl
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.runs import ROLLBACK, Run, RunStart, keep_report
from shipment_etl.printable import printable

__all__ = ["Progress", "ReportKeeper", "progress"]


class Progress:
    """Tells on stderr which stage of which batch is under way, and what each run did."""

    def __init__(self, console: SafeConsole, status: Status | None) -> None:
        self._console = console
        self._status = status
        self._batch = ""

    @hookimpl
    def before_run(self, start: RunStart) -> None:
        """Note the batch."""
        self._batch = f"{start.job} {start.source} {start.batch_date}"
        self._show("starting")

    @hookimpl
    def before_stage(self, stage: str) -> None:
        """Show the stage, on a terminal."""
        self._show(stage)

    @hookimpl
    def after_run(self, run: Run) -> None:
        """Print one line of what was done."""
        counts = run.counts
        told = f"{self._batch}: {counts.read:,} read"
        if run.job in ("maintain", ROLLBACK):
            told = f"{run.job}: done"
        if run.job == "process":
            told += "".join(f", {rows:,} {name}" for name, rows in counts.parts.items())
        self._console.print(f"{told} in {run.total_seconds:.1f} s", style="dim", markup=False)

    def _show(self, what: str) -> None:
        if self._status is not None:
            self._status.update(escape(printable(f"{self._batch}: {what}")))


class ReportKeeper:
    """Writes the report of each run beside the tables, for who cannot see what a cluster prints."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    @hookimpl
    def after_run(self, run: Run) -> None:
        """Write it."""
        keep_report(self._lake, run)


@contextmanager
def progress() -> Iterator[Progress]:
    """Show progress while the body runs."""
    shown = console(stderr=True)
    if not shown.is_terminal:
        yield Progress(shown, None)
        return
    with shown.status("starting the engine") as status:
        yield Progress(shown, status)
