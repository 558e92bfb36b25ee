"""Target: what every place that runs jobs can do, and the plain values that pass between it and the runner."""

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
    """What is to run.

    Attributes:
        run: names this run; whoever asks for the same run again gets what is there of it.
        name: the job, as its report calls it: generate or process.
        script: s3:// URI of the script.
        arguments: of the script; they arrive as they are, whatever is in them.
        package: s3:// URI of the package for the cluster.
        bootstrap: s3:// URI of the bootstrap action.
        reports: how many reports of runs prove it; None is at least one.
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
            raise InvalidValue("--run", self.run, "1 to 120 letters, digits, spaces or any of . _ : + @ = -")


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
        place: where it is.
        cluster: state of the cluster or application, as AWS calls it.
        step: state of the step, in the words of EMR on EC2; empty while there is none.
        reason: why it is in this state, if AWS says so.
        message: more of it.
        over: whether nothing more will happen.
    """

    place: Place
    cluster: str
    step: str = ""
    reason: str = ""
    message: str = ""
    over: bool = False

    @property
    def well(self) -> bool:
        """Whether the step says that it completed; a report has yet to prove it."""
        return self.step == ENDED_WELL

    def __str__(self) -> str:
        step = f" · step {self.place.step or '–'} {self.step}" if self.step else ""
        return f"cluster {self.place.cluster} {self.cluster}{step}"


class Target(Protocol):
    """A place that runs jobs."""

    def start(self, job: Job) -> Place:
        """Find the run, or start it; at most once, whatever gets lost on the way."""

    def look(self, place: Place) -> Progress:
        """Tell how far it is."""

    def cancel(self, place: Place) -> None:
        """Ask the step to stop; what it runs on stays."""

    def end(self, run: str, place: Place | None, *, unsure: bool = False) -> None:
        """End all that costs money for this run, and see it end; `unsure` is whether more of it may yet show up."""

    def logs_at(self, place: Place) -> str:
        """Return the s3:// folder of the step's logs, with a slash at its end."""

    def ui(self, place: Place) -> str:
        """Return a link to the Spark UI. It lets in whoever has it: keep it out of logs."""


def lookback_seconds(max_age_minutes: int) -> float:
    """Return how far back a run is looked for: two days, and as long as one may be at work; an older one is another's."""
    return max(2 * DAY_SECONDS, 60 * max_age_minutes + DAY_SECONDS)
