"""Hooks: what a listener can hear of a run. All of them, on one screen."""

from datetime import date

import pluggy

from shipment_etl.lake.runs import Run

__all__ = ["GROUP", "hookimpl", "hookspec"]

GROUP = "shipment_etl"
hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def before_run(job: str, source: str, batch_date: date) -> None:
    """A job is about to start on a batch."""


@hookspec
def before_stage(job: str, stage: str) -> None:
    """A stage of the job begins."""


@hookspec
def after_table_written(job: str, table: str) -> None:
    """A table was committed; the run goes on."""


@hookspec
def after_run(run: Run) -> None:
    """A run has succeeded and is logged."""


@hookspec
def run_failed(job: str, source: str, batch_date: date, error: BaseException) -> None:
    """A run has failed; its tables are back as they were."""
