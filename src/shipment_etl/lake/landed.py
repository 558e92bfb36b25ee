"""Landed: which batches are in raw/, and which of them wait to be processed."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from shipment_etl.dates import as_date
from shipment_etl.errors import TableMissing
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.runs import FAILED, HELD, Run, read_runs
from shipment_etl.lake.snapshot import RAW, landed_versions

__all__ = ["LANDING", "LandedBatch", "find_waiting", "landed_batches", "waiting_batches"]

LANDING = ("generate", "ingest")
"""Jobs that land batches."""


class LandedBatch(NamedTuple):
    """A batch of raw/SOURCE."""

    batch_date: date
    source: str

    def __str__(self) -> str:
        return f"{self.source} {self.batch_date}"


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


def waiting_batches(lake: Lake, source: str | None = None) -> list[LandedBatch]:
    """Return the batches that were landed since they were last processed, or are held; the oldest first.

    A batch that another program changed after it was processed is not noticed: process it by its date.

    Raises:
        LakeMissing, TableMissing: there is no lake, or no such source.
    """
    landed = landed_batches(lake, source)
    return find_waiting(landed, read_runs(lake)) if landed else []


def find_waiting(landed: Iterable[LandedBatch], runs: Iterable[Run]) -> list[LandedBatch]:
    """Return which batches wait, in their order.

    Args:
        landed: batches.
        runs: the whole log, newest first, as `read_runs` yields it.
    """
    newest: dict[LandedBatch, Run] = {}
    for run in runs:
        if run.status != FAILED and run.job in (*LANDING, "process"):
            newest.setdefault(LandedBatch(run.batch_date, run.source), run)
    waiting = {batch for batch, run in newest.items() if run.job in LANDING or run.status == HELD}
    return [batch for batch in landed if batch in waiting or batch not in newest]
