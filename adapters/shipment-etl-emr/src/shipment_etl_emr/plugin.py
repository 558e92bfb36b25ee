"""Plugin of shipment_etl: adds the commands of this adapter."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from shipment_etl.hookspecs import hookimpl

if TYPE_CHECKING:
    import typer

__all__ = ["commands"]


@hookimpl
def commands() -> "Mapping[str, typer.Typer]":
    """Add the command groups emr, local-aws and tunnel."""
    from shipment_etl_emr import cli
    from shipment_etl_emr.local import cli as local
    from shipment_etl_emr.tunnel import cli as tunnel

    return {"emr": cli.app, "local-aws": local.app, "tunnel": tunnel.app}
