"""What this adapter plugs into shipment_etl: its commands."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from shipment_etl.hookspecs import hookimpl

if TYPE_CHECKING:
    import typer

__all__ = ["commands"]


@hookimpl
def commands() -> "Mapping[str, typer.Typer]":
    """Add the group kestra."""
    from shipment_etl_kestra.cli import app

    return {"kestra": app}
