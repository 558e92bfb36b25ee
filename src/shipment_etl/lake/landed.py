"""Landed batches: which are in raw/, and which of them are not in the marts yet."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from shipment_etl.dates import as_date
from shipment_etl.errors import TableMissing
from shipment_etl.lake.lake import Lake, LakeAddress, as_lake
from shipment_etl.lake.runs import FAILED, HELD, LANDING, PROCESS, Run, read_runs, standing_runs
from shipment_etl.lake.snapshot import RAW, landed_versions

__all__ = ["Backlog", "LandedBatch", "backlog", "find_backlog", "landed_batches"]


class LandedBatch(NamedTuple):
    """A batch of raw/SOURCE."""

    batch_date: date
    source: str

    def __str__(self) -> str:
        return f"{self.source} {self.batch_date}"


class Backlog(NamedTuple):
    """Batches that are not in the marts yet, the oldest first.

    Attributes:
        waiting: landed, or landed again, since they were last processed.
        held: processed, but too many rows were rejected or tied; somebody has to decide about them.
    """

    waiting: tuple[LandedBatch, ...]
    held: tuple[LandedBatch, ...]


def landed_batches(lake: Lake, source: str | None = None) -> list[LandedBatch]:
    """Return the batches of a source, or of all sources if None, the oldest first.

    Raises:
        LakeMissing, TableMissing: there is no lake, or no such source.
    """
    versions = landed_versions(lake)
    if source is not None and RAW + source not in versions:
        raise TableMissing(RAW + source, lake.uri, lake.tables())
    found = {
        LandedBatch(as_date(file.partition["batch_date"]), name.removeprefix(RAW))
        for name, version in versions.items()
        if source in (None, name.removeprefix(RAW))
        for file in lake.files(name, version)
    }
    return sorted(found)


def backlog(lake: LakeAddress, source: str | None = None) -> Backlog:
    """Return the batches of a source, or of all sources if None, that are not in the marts yet.

    A batch that another program changed after it was processed is not detected: process it by its date.

    Raises:
        LakeMissing, TableMissing: there is no lake, or no such source.
    """
    lake = as_lake(lake)
    landed = landed_batches(lake, source)
    return find_backlog(landed, read_runs(lake)) if landed else Backlog((), ())


def find_backlog(landed: Iterable[LandedBatch], runs: Iterable[Run]) -> Backlog:
    """Return which of the landed batches wait, and which are held.

    Args:
        landed: batches.
        runs: the whole log, newest first, as `read_runs` yields it.
    """
    newest: dict[LandedBatch, Run] = {}
    for run in standing_runs(runs):
        if run.status != FAILED and run.job in (*LANDING, PROCESS):
            newest.setdefault(LandedBatch(run.batch_date, run.source), run)
    landed = sorted(landed)
    waiting = tuple(batch for batch in landed if batch not in newest or newest[batch].job in LANDING)
    return Backlog(waiting, tuple(batch for batch in landed if batch in newest and newest[batch].status == HELD))
