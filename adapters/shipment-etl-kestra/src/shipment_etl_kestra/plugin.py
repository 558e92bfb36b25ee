"""The hooks of this adapter: its commands, and the reports of runs to Kestra."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from shipment_etl.hookspecs import hookimpl

if TYPE_CHECKING:
    import typer

    from shipment_etl.lake.runs import Run, RunStart

__all__ = ["after_run", "commands", "run_failed"]

# Imports are inside the hooks: --help needs only the commands, and must not load an engine.


@hookimpl
def commands() -> "Mapping[str, typer.Typer]":
    """Add the group kestra."""
    from shipment_etl_kestra.cli import app

    return {"kestra": app}


@hookimpl
def after_run(run: "Run") -> None:
    """Report to Kestra a run that succeeded."""
    from shipment_etl_kestra import events

    events.report_success(run)


@hookimpl
def run_failed(start: "RunStart") -> None:
    """Report to Kestra a run that failed."""
    from shipment_etl_kestra import events

    events.report_failure(start)
