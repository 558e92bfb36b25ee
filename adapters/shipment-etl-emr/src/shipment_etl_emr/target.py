"""Target: the interface of everything that can run jobs, and the values that it exchanges with the runner."""

import re
from dataclasses import dataclass
from typing import Protocol

from shipment_etl.errors import InvalidValue

__all__ = ["ENDED_BADLY", "ENDED_WELL", "FAILED", "Job", "Place", "Progress", "Target", "lookback_seconds"]

RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:+@=-]{0,119}")
ENDED_WELL, FAILED = "COMPLETED", "FAILED"
ENDED_BADLY = (FAILED, "CANCELLED", "INTERRUPTED")
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Job:
    """A job to run.

    Attributes:
        run: name of this run; a new attempt with the same name resumes it.
        name: the job, as its report calls it: generate or process.
        script: s3:// URI of the script.
        arguments: arguments of the script, passed on unchanged.
        package: s3:// URI of the package for the cluster.
        bootstrap: s3:// URI of the bootstrap action.
        reports: number of run reports that the step must print; None means at least one.
    """

    run: str
    name: str
    script: str
    arguments: tuple[str, ...]
    package: str
    bootstrap: str = ""
    reports: int | None = 1

    def __post_init__(self) -> None:
        if not RUN.fullmatch(self.run):
            allowed = "a letter or digit, then up to 119 letters, digits, spaces or any of . _ : + @ = -"
            raise InvalidValue("--run", self.run, allowed)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run is: a cluster and its step, or an application and its job run."""

    cluster: str
    step: str = ""

    def __str__(self) -> str:
        return f"{self.cluster}/{self.step}" if self.step else self.cluster


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        place: where the run is.
        cluster: state of the cluster or application, as AWS calls it.
        step: state of the step, in the terms of EMR on EC2; empty while there is none.
        reason: reason for this state, if AWS gives one.
        message: details of the reason.
        over: whether the run has ended.
    """

    place: Place
    cluster: str
    step: str = ""
    reason: str = ""
    message: str = ""
    over: bool = False

    @property
    def well(self) -> bool:
        """Whether the step completed; the job's report must still confirm it."""
        return self.step == ENDED_WELL

    def __str__(self) -> str:
        step = f" · step {self.place.step or '–'} {self.step}" if self.step else ""
        return f"cluster {self.place.cluster} {self.cluster}{step}"


class Target(Protocol):
    """A place that runs jobs."""

    def start(self, job: Job) -> Place:
        """Find the run, or start it, at most once even if answers of AWS get lost."""

    def look(self, place: Place) -> Progress:
        """Return the progress of a run."""

    def cancel(self, place: Place) -> None:
        """Ask the step to stop; its cluster keeps running."""

    def end(self, run: str, place: Place | None, *, unsure: bool = False) -> None:
        """Terminate everything that costs money for this run, and wait; `unsure` if more of it may still show up."""

    def logs_at(self, place: Place) -> str:
        """Return the s3:// folder of the step's logs, with a trailing slash."""

    def ui(self, place: Place) -> str:
        """Return a link to the Spark UI. Anyone with the link can open it: keep it out of logs."""


def lookback_seconds(max_age_minutes: int) -> float:
    """Return how far back to search for a run: two days, or its maximum age plus one day if that is longer."""
    return max(2 * DAY_SECONDS, 60 * max_age_minutes + DAY_SECONDS)
