"""What this adapter plugs into shipment_etl: its commands."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from shipment_etl.hookspecs import hookimpl

if TYPE_CHECKING:
    import typer

__all__ = ["commands"]


@hookimpl
def commands() -> "Mapping[str, typer.Typer]":
    """Add the groups emr and local-aws."""
    from shipment_etl_emr.cli import app
    from shipment_etl_emr.local.cli import app as local

    return {"emr": app, "local-aws": local}
