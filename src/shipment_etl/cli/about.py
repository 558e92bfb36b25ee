"""Commands about the installation and its settings."""

from typing import Annotated

import typer

from shipment_etl.cli.option_groups import OutputOptions
from shipment_etl.cli.options import (
    EngineOption,
    LakeOption,
    LineageOption,
    Log,
    LogOption,
    MaxRejectedOption,
    NetworkOption,
)
from shipment_etl.cli.terminal import echo
from shipment_etl.thresholds import MAX_REJECTED

__all__ = ["config", "doctor", "list_plugins", "show_version"]

# Heavy packages are imported where they are used, so that --help and usage errors are fast.


def show_version(asked: bool) -> None:
    """Print the version of the package and exit, if asked to."""
    if asked:
        from importlib.metadata import version

        echo(f"shipment-etl {version('shipment-etl')}")
        raise typer.Exit


def list_plugins(options: OutputOptions) -> None:
    """List installed plugins: name, version, hooks."""
    from shipment_etl.cli.rendering import print_json_lines, print_table
    from shipment_etl.plugins import plugins

    rows = [{"name": each.name, "version": each.version, "hooks": ", ".join(each.hooks)} for each in plugins().installed()]
    if options.as_json:
        print_json_lines(rows)
    else:
        print_table("plugins", ["name", "version", "hooks"], rows)


def config(
    *,
    context: typer.Context,
    lake: LakeOption = "",
    engine: EngineOption = "auto",
    network: NetworkOption = None,
    max_rejected: MaxRejectedOption = MAX_REJECTED,
    log: LogOption = Log.text,
    lineage: LineageOption = False,
    options: OutputOptions,
) -> None:
    """Print each setting and where its value comes from."""
    from shipment_etl.cli.rendering import print_json_lines, print_table
    from shipment_etl.config import NAMES, source_of

    rows = [
        {
            "setting": name,
            "value": str(context.params[name] if context.params[name] not in (None, "") else "–"),
            "from": source_of(name, str(context.get_parameter_source(name)).rsplit(".")[-1]),
        }
        for name in NAMES
    ]
    if options.as_json:
        print_json_lines(rows)
    else:
        print_table("settings", ["setting", "value", "from"], rows)


def doctor(
    *,
    lake: Annotated[str | None, typer.Option("--lake", metavar="URI", help="Also check this lake.")] = None,
    options: OutputOptions,
) -> None:
    """Check this machine: Python, package versions, engines, AWS, and a lake."""
    from shipment_etl.cli.doctor import examine, print_findings

    findings = examine(lake)
    print_findings(findings, options.as_json)
    if any(finding.state == "red" for finding in findings):
        raise typer.Exit(1)
