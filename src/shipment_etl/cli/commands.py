"""All commands of the package, in the order that --help shows."""

from typing import Annotated

import typer

from shipment_etl.cli.about import config, doctor, list_plugins, show_version
from shipment_etl.cli.demo import demo
from shipment_etl.cli.group import Commands
from shipment_etl.cli.learning import learn
from shipment_etl.cli.looking import compare, fingerprint, report, runs, show, snapshot
from shipment_etl.cli.mapping import map_file
from shipment_etl.cli.option_groups import expand_options
from shipment_etl.cli.working import generate, ingest, maintain, process, rollback

__all__ = ["app"]

app = typer.Typer(
    cls=Commands,
    help="Shipment data, from raw rows to trusted daily numbers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Shipment data, from raw rows to trusted daily numbers."""


for command in (
    demo,
    generate,
    map_file,
    ingest,
    process,
    report,
    compare,
    learn,
    maintain,
    rollback,
    show,
    snapshot,
    runs,
    fingerprint,
    list_plugins,
    config,
    doctor,
):
    app.command(command.__name__.removeprefix("list_").removesuffix("_file"))(expand_options(command))
