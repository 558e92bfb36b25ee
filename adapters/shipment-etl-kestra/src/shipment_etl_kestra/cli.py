"""The commands `shipment-etl kestra …`: each parses, calls one function, prints."""

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shipment_etl.cli.option_groups import OutputOptions, expand_options
from shipment_etl.cli.options import DebugOption
from shipment_etl.cli.terminal import echo, echo_json
from shipment_etl_kestra.shipped import NAMESPACE, shipped_flows

if TYPE_CHECKING:
    from shipment_etl_kestra.deploy import Deployed

__all__ = ["app"]

# Modules that import Kestra's client are imported where they are used, so that --help and usage errors are fast.

app = typer.Typer(help="Run jobs from Kestra.", no_args_is_help=True, add_completion=False)


@app.callback()
def kestra() -> None:
    """Run jobs from Kestra."""


@app.command()
@expand_options
def deploy(
    *,
    url: Annotated[
        str, typer.Option("--url", metavar="URL", help="Address of Kestra.", envvar="KESTRA_URL")
    ] = "http://127.0.0.1:8080",
    namespace: Annotated[str, typer.Option("--namespace", metavar="NAME", help="Namespace of the flows.")] = NAMESPACE,
    dry: Annotated[bool, typer.Option("--dry-run", help="Only check the flows, and print what would change.")] = False,
    options: OutputOptions,
) -> None:
    """Deploy the flows of this package to Kestra; unchanged flows are left alone.

    The account comes from the environment variables KESTRA_USERNAME and KESTRA_PASSWORD; the password can also come from the
    file that KESTRA_PASSWORD_FILE names.
    """
    flows = shipped_flows(namespace)
    from shipment_etl_kestra.deploy import deploy as deploy_flows
    from shipment_etl_kestra.service import Kestra

    _print(deploy_flows(Kestra(url, os.environ), namespace, flows, dry=dry), dry, options.as_json)


@app.command()
def report(
    outcome: Annotated[
        Path,
        typer.Argument(metavar="FILE.json", exists=True, dir_okay=False, help="Output of shipment-etl emr wait --json."),
    ],
    date: Annotated[str, typer.Option("--date", metavar="YYYY-MM-DD", help="The requested batch date.")],
    out: Annotated[Path | None, typer.Option(metavar="FILE.json", help="Write the run's report to this file.")] = None,
    debug: DebugOption = False,
) -> None:
    """Check that a run's report is for the requested day, and print it as Kestra's outputs, counters and timers."""
    from shipment_etl.dates import as_date
    from shipment_etl_kestra.events import print_run
    from shipment_etl_kestra.reports import run_of_outcome

    run = run_of_outcome(outcome.read_text("utf-8", "replace"), str(outcome), as_date(date, "--date"))
    if out is not None:
        out.write_text(json.dumps(run.to_json(), indent=2, ensure_ascii=False) + "\n", "utf-8")
    print_run(run, sys.stdout)


def _print(done: "Iterable[Deployed]", dry: bool, as_json: bool) -> None:
    for each in done:
        if as_json:
            line = {"kind": each.kind, "name": each.name, "change": each.change, "revision": each.revision, "dry_run": dry}
            echo_json(line)
        else:
            would = "would be " if dry else ""
            echo(f"{each.kind} {each.name}: {would}{each.change}")
