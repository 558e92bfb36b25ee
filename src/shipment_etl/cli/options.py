"""Options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "DateOption",
    "DebugOption",
    "DefectsOption",
    "EngineOption",
    "FromOption",
    "JsonOption",
    "KeepReportOption",
    "LakeOption",
    "LineageOption",
    "Log",
    "LogOption",
    "MaxRejectedOption",
    "NetworkOption",
    "RowsOption",
    "ScenarioOption",
    "SeedOption",
    "SourceOption",
    "ToOption",
    "WaitOption",
]


class Log(StrEnum):
    """Format of the log on stderr."""

    text = "text"
    json = "json"


LakeOption = Annotated[
    str,
    typer.Option(
        "--lake",
        metavar="URI",
        help="Folder of the lake, or s3://bucket/prefix.",
        envvar="SHIPMENT_ETL_LAKE",
        show_default=False,
    ),
]
DateOption = Annotated[str | None, typer.Option("--date", metavar="YYYY-MM-DD", help="Batch date.")]
FromOption = Annotated[str | None, typer.Option("--from", metavar="YYYY-MM-DD", help="First batch date of a range.")]
ToOption = Annotated[str | None, typer.Option("--to", metavar="YYYY-MM-DD", help="Last batch date of a range.")]
EngineOption = Annotated[
    str,
    typer.Option(
        "--engine",
        help="auto, sail, spark, connect, sc://HOST:PORT, or an engine of a plugin.",
        envvar="SHIPMENT_ETL_ENGINE",
    ),
]
RowsOption = Annotated[int, typer.Option("--rows", help="New shipments per batch.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Any integer; the same seed gives the same rows.")]
ScenarioOption = Annotated[str, typer.Option("--scenario", help="baseline, swiftship, peak, strike or storm.")]
DefectsOption = Annotated[float, typer.Option("--defects", help="Share of rows with deliberate errors.")]
SourceOption = Annotated[str, typer.Option("--source", help="Name of the source.")]
NetworkOption = Annotated[
    Path | None,
    typer.Option("--network", metavar="FILE.toml", help="Warehouses, cities and carriers.", envvar="SHIPMENT_ETL_NETWORK"),
]
MaxRejectedOption = Annotated[
    float,
    typer.Option(
        "--max-rejected",
        help="Maximum share of quarantined rows; above it the batch is held, exit 3.",
        envvar="SHIPMENT_ETL_MAX_REJECTED",
    ),
]
LogOption = Annotated[
    Log, typer.Option("--log", help="Log format on stderr: text, or json for programs.", envvar="SHIPMENT_ETL_LOG")
]
LineageOption = Annotated[
    bool, typer.Option("--lineage", help="Send OpenLineage events; see OPENLINEAGE_URL.", envvar="SHIPMENT_ETL_LINEAGE")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, logs on stderr.")]
KeepReportOption = Annotated[
    bool, typer.Option("--keep-report", help="Also write the run's report to _reports/ in the lake.")
]
WaitOption = Annotated[
    float,
    typer.Option("--wait", metavar="SECONDS", help="How long to wait for another job that is writing to the lake.", min=0),
]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the full traceback of an error.")]
