"""What this adapter plugs into shipment_etl: its commands, and what it tells Kestra of runs."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from shipment_etl.hookspecs import hookimpl

if TYPE_CHECKING:
    import typer

    from shipment_etl.lake.runs import Run, RunStart

__all__ = ["after_run", "commands", "run_failed"]

# What a hook needs is imported where it is called: --help asks for commands only, and loads no engine.


@hookimpl
def commands() -> "Mapping[str, typer.Typer]":
    """Add the group kestra."""
    from shipment_etl_kestra.cli import app

    return {"kestra": app}


@hookimpl
def after_run(run: "Run") -> None:
    """Tell Kestra of a run that succeeded."""
    from shipment_etl_kestra import events

    events.succeeded(run)


@hookimpl
def run_failed(start: "RunStart") -> None:
    """Tell Kestra of a run that failed."""
    from shipment_etl_kestra import events

    events.failed(start)
