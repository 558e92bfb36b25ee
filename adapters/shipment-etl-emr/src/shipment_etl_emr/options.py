"""Options that the commands `shipment-etl emr …` share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from shipment_etl_emr.settings import SETTINGS_FILE

__all__ = [
    "ClusterArgument",
    "EndpointOption",
    "JobArgument",
    "JobName",
    "LocalOption",
    "MoreArgument",
    "PackageOption",
    "RunOption",
    "ScriptOption",
    "SettingsOption",
    "StepArgument",
    "TimeoutOption",
]


class JobName(StrEnum):
    """The jobs that a cluster runs."""

    generate = "generate"
    process = "process"


SettingsOption = Annotated[
    Path | None,
    typer.Option("--settings", metavar="FILE.toml", help="Where and on what jobs run.", show_default=SETTINGS_FILE),
]
LocalOption = Annotated[
    bool, typer.Option("--local", help="AWS on this machine, started if none runs; with settings of its own if none given.")
]
EndpointOption = Annotated[
    str | None, typer.Option("--endpoint-url", metavar="URL", help="Another AWS, as one on this machine.")
]
RunOption = Annotated[
    str | None, typer.Option("--run", metavar="ID", help="Names the run; the same again takes up what is there of it.")
]
PackageOption = Annotated[
    str | None, typer.Option("--package", metavar="S3-URI", help="A package that `emr package` made; else one is made now.")
]
ScriptOption = Annotated[
    str | None,
    typer.Option("--script", metavar="FILE", help="Script of the step: a file, or an s3:// URI.", show_default=False),
]
TimeoutOption = Annotated[float, typer.Option("--timeout", metavar="MINUTES", help="Then it is ended.", min=1)]
JobArgument = Annotated[JobName, typer.Argument(metavar="JOB", help="generate or process.")]
MoreArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[ARGUMENTS]...", help="More options of the job, passed on as they are.")
]
ClusterArgument = Annotated[
    str, typer.Argument(metavar="CLUSTER", help="ID of the cluster; of the application, if serverless.")
]
StepArgument = Annotated[str, typer.Argument(metavar="STEP", help="ID of the step; of the job run, if serverless.")]
