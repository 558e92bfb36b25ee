"""The commands `shipment-etl local-aws …`: start, inspect and stop AWS on this machine."""

import os
import select
import shlex
from typing import Annotated

import typer

from shipment_etl.cli.option_groups import OutputOptions, expand_options
from shipment_etl.cli.options import DebugOption
from shipment_etl.cli.terminal import echo, echo_json
from shipment_etl_emr.local.background import PORT, find, home, keep_state_file, status_of, stop
from shipment_etl_emr.local.client import LAKE, LocalAws, require_moto
from shipment_etl_emr.local.engines import EngineName
from shipment_etl_emr.local.errors import LocalAwsRuns, NoLocalAws
from shipment_etl_emr.ports import LOOPBACK, require_free

__all__ = ["app", "print_started"]

app = typer.Typer(
    help="AWS on this machine: S3, and EMR that really runs each step.", no_args_is_help=True, add_completion=False
)

NONE_RUNS = "local AWS is not running"


@app.command()
def up(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 picks a free one.", min=0, max=65_535)] = PORT,
    host: Annotated[
        str, typer.Option(help="Address to listen on; change it only inside the private network of a container.")
    ] = LOOPBACK,
    engine: Annotated[EngineName, typer.Option(help="Engine that runs Spark scripts.")] = EngineName.sail,
    debug: DebugOption = False,
) -> None:
    """Run local AWS until Ctrl-C or `local-aws down`; its buckets are then deleted."""
    require_moto()
    if aws := find({}):
        raise LocalAwsRuns(aws.endpoint)
    require_free(port, "choose another port: shipment-etl local-aws up --port PORT")
    from shipment_etl_emr.local.server import catch_stop_signals, serve

    signals = catch_stop_signals()
    with serve(port, engine.value, home(), host) as aws, keep_state_file(aws):
        echo(f"Local AWS is running at {aws.endpoint}, with steps on {engine.value}, until Ctrl-C.", err=True)
        echo('Point programs to it: eval "$(shipment-etl local-aws env)"', err=True)
        select.select([signals], [], [])


@app.command()
def down(debug: DebugOption = False) -> None:
    """Stop local AWS and everything it runs; its buckets are deleted."""
    echo("stopped" if stop() else NONE_RUNS)


@app.command()
@expand_options
def status(options: OutputOptions) -> None:
    """Show whether local AWS is running, and where."""
    aws = find(os.environ)
    told = (status_of(aws.endpoint) if aws else None) or {}
    if options.as_json:
        echo_json({"running": bool(told), "endpoint": aws.endpoint if aws else None, **told})
    elif aws:
        echo(f"local AWS is running at {aws.endpoint}: process {told.get('pid')}, steps on {told.get('engine')}")
    else:
        echo(NONE_RUNS)


@app.command()
def env(debug: DebugOption = False) -> None:
    """Print the variables that point a shell to local AWS and its lake: eval "$(shipment-etl local-aws env)"."""
    aws = find(os.environ)
    if aws is None:
        raise NoLocalAws()
    others = sorted(name for name in os.environ if name.startswith("AWS_") and name not in aws.environment)
    if others:
        echo(f"unset {shlex.join(others)}")
    for name, value in {**aws.environment, "SHIPMENT_ETL_LAKE": LAKE}.items():
        echo(f"export {name}={shlex.quote(value)}")


def print_started(aws: LocalAws) -> None:
    """Print that a command has started local AWS."""
    echo(
        f"Started AWS on this machine, at {aws.endpoint}. It keeps running, with all its buckets, until you run:\n"
        "  shipment-etl local-aws down\n"
        "Point other commands and programs to it and its lake with:\n"
        '  eval "$(shipment-etl local-aws env)"',
        err=True,
    )
