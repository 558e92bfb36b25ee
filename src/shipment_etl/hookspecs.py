"""Hooks: what a plugin can add, and the events of a run that it can receive.

A plugin is a module or object with functions of these names, marked with `hookimpl`; an installed one is found by an entry
point in the group `shipment_etl`. A function may take fewer arguments than declared here. Built-ins are called first, then
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


# What a plugin adds. If a plugin fails here, the caller stops with an error that names it.


@hookspec
def commands() -> "Mapping[str, typer.Typer]":  # type: ignore[empty-body]
    """Add commands to the command line: name → app; an app of several commands becomes a group."""


@hookspec
def engines() -> "Mapping[str, Callable[[], SparkSession]]":  # type: ignore[empty-body]
    """Add engines: name → a function that returns a session."""


@hookspec
def marts() -> "Iterable[Mart]":  # type: ignore[empty-body]
    """Add marts, which every process job updates."""


@hookspec
def rules() -> "Iterable[RowRule]":  # type: ignore[empty-body]
    """Add rules to the contract of every source."""


@hookspec
def scenarios() -> "Iterable[Scenario]":  # type: ignore[empty-body]
    """Add scenarios for the generator."""


# Events of a run. If a plugin fails here, this is logged, and the run goes on.


@hookspec
def before_run(start: "RunStart") -> None:
    """A job is about to start on a batch."""


@hookspec
def before_stage(start: "RunStart", stage: str) -> None:
    """A stage of the job begins."""


@hookspec
def after_table_written(start: "RunStart", table: str) -> None:
    """A table was committed; the run goes on, and may still be rolled back."""


@hookspec
def after_run(start: "RunStart", run: "Run") -> None:
    """A run was logged: it succeeded, or its batch is held."""


@hookspec
def run_failed(start: "RunStart", error: BaseException) -> None:
    """A run failed; its tables were rolled back."""
