"""Progress: a live line on a terminal, plain lines elsewhere. An ordinary listener."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.markup import escape
from rich.status import Status

from shipment_etl.cli.terminal import SafeConsole, console
from shipment_etl.hookspecs import hookimpl
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.runs import MAINTAIN, PROCESS, ROLLBACK, Run, RunStart, keep_report
from shipment_etl.printable import printable

__all__ = ["Progress", "ReportKeeper", "progress"]


class Progress:
    """Shows on stderr which stage of which batch is running, and what each run did."""

    def __init__(self, console: SafeConsole, status: Status | None) -> None:
        self._console = console
        self._status = status
        self._batch = ""

    @hookimpl
    def before_run(self, start: RunStart) -> None:
        """Remember the batch."""
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
        done = f"{self._batch}: {counts.read:,} read"
        if run.job in (MAINTAIN, ROLLBACK):
            done = f"{run.job}: done"
        if run.job == PROCESS:
            done += "".join(f", {rows:,} {name}" for name, rows in counts.parts.items())
        self._console.print(f"{done} in {run.total_seconds:.1f} s", style="dim", markup=False)

    def _show(self, what: str) -> None:
        if self._status is not None:
            self._status.update(escape(printable(f"{self._batch}: {what}")))


class ReportKeeper:
    """Writes the report of each run to the lake, for users who cannot see the output of a cluster."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    @hookimpl
    def after_run(self, run: Run) -> None:
        """Write the report."""
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
