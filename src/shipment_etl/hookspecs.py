"""Hooks: what a plugin can add, and what it can hear of a run. All of them, on one screen.

A plugin is a module or object with functions of these names, marked with `hookimpl`; an installed one is found by an entry
point of the group `shipment_etl`. A function may take fewer arguments than stand here. Built-ins are called first, then
plugins by name, then listeners; `hookimpl(tryfirst=True)` and `trylast=True` move one. Wrappers are refused.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import typer
    from pyspark.sql import SparkSession

    from shipment_etl.contracts.models import RowRule
    from shipment_etl.lake.runs import Run, RunStart
    from shipment_etl.scenario import Scenario
    from shipment_etl.transform.mart import Mart

__all__ = ["ADDING", "GROUP", "HEARING", "hookimpl", "hookspec"]

GROUP = "shipment_etl"
ADDING = ("commands", "engines", "marts", "rules", "scenarios")
HEARING = ("before_run", "before_stage", "after_table_written", "after_run", "run_failed")

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


# What a plugin adds. One that fails here stops the caller, and is named.


@hookspec
def commands() -> "Mapping[str, typer.Typer]":  # type: ignore[empty-body]
    """Add commands to the command line: name → app; an app of several commands becomes a group."""


@hookspec
def engines() -> "Mapping[str, Callable[[], SparkSession]]":  # type: ignore[empty-body]
    """Add engines: name → what makes a session."""


@hookspec
def marts() -> "Iterable[Mart]":  # type: ignore[empty-body]
    """Add marts, which every process job keeps up to date."""


@hookspec
def rules() -> "Iterable[RowRule]":  # type: ignore[empty-body]
    """Add rules to the contract of every source."""


@hookspec
def scenarios() -> "Iterable[Scenario]":  # type: ignore[empty-body]
    """Add scenarios to generate by."""


# What a plugin hears. One that fails here is logged, and changes nothing.


@hookspec
def before_run(start: "RunStart") -> None:
    """A job is about to start on a batch."""


@hookspec
def before_stage(start: "RunStart", stage: str) -> None:
    """A stage of the job begins."""


@hookspec
def after_table_written(start: "RunStart", table: str) -> None:
    """A table was committed; the run goes on, and may yet be rolled back."""


@hookspec
def after_run(start: "RunStart", run: "Run") -> None:
    """A run is logged: it has succeeded, or its batch is held."""


@hookspec
def run_failed(start: "RunStart", error: BaseException) -> None:
    """A run has failed; its tables are back as they were."""
