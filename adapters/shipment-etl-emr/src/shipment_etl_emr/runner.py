"""The runner: starts a job on a target, waits, verifies its report, and always ends what it ran on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shipment_etl_emr.errors import (
    BootstrapFailed,
    ClusterFailed,
    EmrError,
    ReportFailed,
    ReportMissing,
    RunTimedOut,
    StepFailed,
)
from shipment_etl_emr.logs import Logs
from shipment_etl_emr.signals import Stopped, raise_on_signal
from shipment_etl_emr.target import FAILED, Job, Place, Progress, Target
from shipment_etl_emr.timing import Timing, next_pause

__all__ = ["EmrRunner", "Outcome"]

SUCCEEDED, BOOTSTRAP_FAILURE = "succeeded", "BOOTSTRAP_FAILURE"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A job that is done, with its run reports as proof."""

    run: str
    place: Place
    reports: tuple[Mapping[str, Any], ...]


def _ignore(progress: Progress) -> None:
    """Do nothing."""


class EmrRunner:
    """Runs jobs on a target. `watch` is called with each progress."""

    def __init__(self, target: Target, logs: Logs, timing: Timing, watch: Callable[[Progress], None] = _ignore) -> None:
        self._target = target
        self._logs = logs
        self._timing = timing
        self._watch = watch

    def run(self, job: Job, timeout: float) -> Outcome:
        """Run a job, and leave nothing running, also after an error, a timeout, Ctrl-C or SIGTERM.

        Args:
            job: the job to run; if this run was already started, it is resumed.
            timeout: seconds from its start.

        Raises:
            EmrError: the job failed; what it ran on was ended, unless the error is ClusterMayLive.
            Stopped: a signal came; what it ran on was ended.
        """
        ending = _Ending(self._target, job.run)
        with raise_on_signal():
            try:
                try:
                    return self.wait(job, ending.start(lambda: self._target.start(job)), timeout)
                finally:
                    ending.finish()
            except Stopped:
                # The first signal can interrupt the cleanup; later ones are ignored.
                ending.finish()
                raise

    def wait(self, job: Job, place: Place, timeout: float) -> Outcome:
        """Wait for a job that was started, and verify its reports; nothing is ended.

        Raises:
            EmrError: the job failed, or took too long.
        """
        progress = self._wait_until_over(job.run, place, timeout)
        place = progress.place
        if not progress.well:
            raise self._failure(progress)
        folder = self._target.logs_at(place)
        reports = self._logs.reports(folder, job.reports)
        for report in reports:
            if report["status"] != SUCCEEDED or report["job"] != job.name:
                raise ReportFailed(str(place), str(report["run_id"]), f"{report['job']} {report['status']}")
        if len(reports) < (job.reports or 1):
            raise ReportMissing(str(place), len(reports), job.reports, folder)
        return Outcome(job.run, place, tuple(reports))

    def _wait_until_over(self, run: str, place: Place, timeout: float) -> Progress:
        start, last, pause = self._timing.now(), None, 0.0
        while True:
            progress = self._target.look(place)
            self._watch(progress)
            if progress.over:
                return progress
            waited = self._timing.now() - start
            if waited >= timeout:
                raise RunTimedOut(run, waited, str(progress))
            pause = next_pause(pause, changed=progress != last)
            place, last = progress.place, progress
            self._timing.sleep(pause * (0.8 + 0.4 * self._timing.chance()))

    def _failure(self, progress: Progress) -> Exception:
        place, reason, message = progress.place, progress.reason, progress.message
        folder = self._target.logs_at(place)
        if progress.step != FAILED and progress.cluster.startswith("TERMINAT"):
            if reason == BOOTSTRAP_FAILURE:
                said = self._logs.bootstrap_failure(folder)
                where = said.uri if said else f"{folder.partition('/steps/')[0]}/node/"
                return BootstrapFailed(place.cluster, message, where, said.text if said else "")
            return ClusterFailed(place.cluster, progress.cluster, reason, message)
        cause = self._logs.failure(folder)
        log, text, retryable = (cause.uri, cause.text, cause.retryable) if cause else (folder, "", False)
        ui = f"shipment-etl emr ui {place.cluster} {place.step}"
        return StepFailed(str(place), progress.step, reason, message, log, text, ui, retryable=retryable)


class _Ending:
    """The cleanup of a run, which is done once."""

    def __init__(self, target: Target, run: str) -> None:
        self._target = target
        self._run = run
        self._place: Place | None = None
        self._unsure = False
        self._made = False

    def start(self, start: Callable[[], Place]) -> Place:
        """Start the run, and remember its place, or that the start has no certain outcome."""
        self._unsure = True
        try:
            self._place = start()
        except EmrError:
            # A start that failed with our own error has already waited for everything that might show up.
            self._unsure = False
            raise
        self._unsure = False
        return self._place

    def finish(self) -> None:
        """End everything that costs money for this run."""
        if not self._made:
            self._target.end(self._run, self._place, unsure=self._unsure)
            self._made = True
