"""The commands `shipment-etl local-aws …`: AWS on this machine: start it, look at it, stop it."""

import os
import select
import shlex
from enum import StrEnum
from typing import Annotated

import typer

from shipment_etl.cli.option_groups import OutputOptions, expand_options
from shipment_etl.cli.options import DebugOption
from shipment_etl.cli.terminal import echo, echo_json
from shipment_etl_emr.local.background import PORT, announced, found, home, status_of, stop
from shipment_etl_emr.local.client import LAKE, LOOPBACK, LocalAws, require_moto
from shipment_etl_emr.local.errors import LocalAwsRuns, NoLocalAws
from shipment_etl_emr.ports import require_free

__all__ = ["app", "tell_started"]

app = typer.Typer(
    help="AWS on this machine: S3, and EMR that really runs each step.", no_args_is_help=True, add_completion=False
)


class EngineName(StrEnum):
    """What Spark scripts run on."""

    sail = "sail"
    spark = "spark"


NONE_RUNS = "no local AWS runs"


@app.command()
def up(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65_535)] = PORT,
    host: Annotated[
        str, typer.Option(help="Address to listen on; another than 127.0.0.1 is for the private network of a container.")
    ] = LOOPBACK,
    engine: Annotated[EngineName, typer.Option(help="What Spark scripts run on.")] = EngineName.sail,
    debug: DebugOption = False,
) -> None:
    """Run it until Ctrl-C or `local-aws down`; its buckets are gone then."""
    require_moto()
    if aws := found({}):
        raise LocalAwsRuns(aws.endpoint)
    require_free(port, "give local AWS another port: shipment-etl local-aws up --port PORT")
    from shipment_etl_emr.local.server import serving, stop_signals

    signals = stop_signals()
    with serving(port, engine.value, home(), host) as aws, announced(aws):
        echo(f"Local AWS is at {aws.endpoint}. It runs steps on {engine.value}, until Ctrl-C.", err=True)
        echo('Lead programs to it: eval "$(shipment-etl local-aws env)"', err=True)
        select.select([signals], [], [])


@app.command()
def down(debug: DebugOption = False) -> None:
    """Stop it and everything it runs; its buckets are gone then."""
    echo("ended" if stop() else NONE_RUNS)


@app.command()
@expand_options
def status(options: OutputOptions) -> None:
    """Show whether one is running, and where."""
    aws = found(os.environ)
    told = (status_of(aws.endpoint) if aws else None) or {}
    if options.as_json:
        echo_json({"running": bool(told), "endpoint": aws.endpoint if aws else None, **told})
    elif aws:
        echo(f"local AWS runs at {aws.endpoint}: process {told.get('pid')}, steps on {told.get('engine')}")
    else:
        echo(NONE_RUNS)


@app.command()
def env(debug: DebugOption = False) -> None:
    """Print the variables that point a shell to it and its lake: eval "$(shipment-etl local-aws env)"."""
    aws = found(os.environ)
    if aws is None:
        raise NoLocalAws()
    others = sorted(name for name in os.environ if name.startswith("AWS_") and name not in aws.environment)
    if others:
        echo(f"unset {shlex.join(others)}")
    for name, value in {**aws.environment, "SHIPMENT_ETL_LAKE": LAKE}.items():
        echo(f"export {name}={shlex.quote(value)}")


def tell_started(aws: LocalAws) -> None:
    """Tell of a local AWS that a command has started."""
    echo(
        f"Started AWS on this machine, at {aws.endpoint}. It stays, with all its buckets hold, until you say:\n"
        "  shipment-etl local-aws down\n"
        "Lead other commands and programs to it, and to its lake, with:\n"
        '  eval "$(shipment-etl local-aws env)"',
        err=True,
    )
