"""The commands `shipment-etl tunnel …`: each defines a forward, and keeps it open until stopped."""

from pathlib import Path
from typing import Annotated

import typer

from shipment_etl.cli.option_groups import OutputOptions, expand_options
from shipment_etl.cli.terminal import echo, echo_json
from shipment_etl.errors import ShipmentEtlError
from shipment_etl_emr.signals import catch_stop
from shipment_etl_emr.tunnel.forward import Forward
from shipment_etl_emr.tunnel.forward import ssh as through_ssh
from shipment_etl_emr.tunnel.forward import ssm as through_ssm

__all__ = ["app"]

app = typer.Typer(
    help="Open the page of Airflow or Kestra on this machine through a tunnel: no port of their host is public.",
    no_args_is_help=True,
    add_completion=False,
)

PortOption = Annotated[int, typer.Option("--port", metavar="PORT", help="Port of the page on its host.", min=1, max=65535)]
LocalPortOption = Annotated[
    int | None,
    typer.Option(
        "--local-port",
        metavar="PORT",
        help="Port on this machine; the same by default.",
        min=1,
        max=65535,
        show_default=False,
    ),
]


@app.command()
@expand_options
def ssm(
    *,
    target: Annotated[str, typer.Argument(metavar="INSTANCE", help="ID of the instance, as i-0123456789abcdef0.")],
    port: PortOption = 8080,
    local_port: LocalPortOption = None,
    region: Annotated[
        str | None,
        typer.Option("--region", metavar="REGION", help="Region of the instance; by default that of the AWS CLI."),
    ] = None,
    options: OutputOptions,
) -> None:
    """Through AWS Systems Manager: no key and no open port; IAM decides who may start a session."""
    _hold(through_ssm(target, port, local_port or port, region), options.as_json)


@app.command()
@expand_options
def ssh(
    *,
    target: Annotated[
        str,
        typer.Argument(metavar="HOST", help="[USER@]HOST, a name of your ssh configuration, or ssh://[USER@]HOST[:PORT]."),
    ],
    port: PortOption = 8080,
    local_port: LocalPortOption = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="ssh configuration to use instead of your own.")
    ] = None,
    options: OutputOptions,
) -> None:
    """Through SSH with a key; the host must be in known_hosts."""
    _hold(through_ssh(target, port, local_port or port, config), options.as_json)


def _hold(forward: Forward, as_json: bool) -> None:
    from shipment_etl_emr.tunnel.holding import hold

    place = {"target": forward.target, "port": forward.port, "local_port": forward.local_port, "url": forward.url}

    def ready() -> None:
        text = f"{forward.url} is port {forward.port} of {forward.target}, until Ctrl-C."
        if as_json:
            echo_json({"event": "ready", **place})
        else:
            echo(text)

    def lost(why: ShipmentEtlError) -> None:
        if as_json:
            echo_json({"event": "lost", "reason": str(why)})
        echo(f"{why} Opening it again.", err=True)

    with catch_stop() as stop:
        hold(forward, stop, ready, lost)
    echo("The tunnel is closed.", err=True)
    raise typer.Exit(128 + stop.number)
