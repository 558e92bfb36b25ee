"""Options that the commands `shipment-etl emr …` share."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shipment_etl_emr.errors import SettingsClash
from shipment_etl_emr.settings import SETTINGS_FILE, Settings

if TYPE_CHECKING:
    from shipment_etl_emr.service import Service

__all__ = [
    "ClusterArgument",
    "JobArgument",
    "JobName",
    "MoreArgument",
    "PackageOption",
    "RunOption",
    "ScriptOption",
    "ServiceOptions",
    "StepArgument",
    "TimeoutOption",
]


class JobName(StrEnum):
    """The jobs that a cluster runs."""

    generate = "generate"
    process = "process"


SettingsOption = Annotated[
    Path | None,
    typer.Option(
        "--settings", metavar="FILE.toml", help="EMR settings: where jobs run, and on what.", show_default=SETTINGS_FILE
    ),
]
LocalOption = Annotated[
    bool, typer.Option("--local", help="Use local AWS, started if it is not running; settings are then optional.")
]
EndpointOption = Annotated[
    str | None, typer.Option("--endpoint-url", metavar="URL", help="AWS endpoint to use instead, such as a local one.")
]
RunOption = Annotated[
    str | None, typer.Option("--run", metavar="ID", help="ID of the run; a new attempt with the same ID resumes it.")
]
PackageOption = Annotated[
    str | None,
    typer.Option("--package", metavar="S3-URI", help="A package made by `emr package`; by default one is built now."),
]
ScriptOption = Annotated[
    str | None,
    typer.Option("--script", metavar="FILE", help="Script of the step: a file, or an s3:// URI.", show_default=False),
]
TimeoutOption = Annotated[
    float, typer.Option("--timeout", metavar="MINUTES", help="Terminate the run after this time.", min=1)
]
JobArgument = Annotated[JobName, typer.Argument(metavar="JOB", help="generate or process.")]
MoreArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[ARGUMENTS]...", help="More options for the job, passed on unchanged.")
]
ClusterArgument = Annotated[
    str, typer.Argument(metavar="CLUSTER", help="ID of the cluster; of the application, if serverless.")
]
StepArgument = Annotated[str, typer.Argument(metavar="STEP", help="ID of the step; of the job run, if serverless.")]


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """Which AWS a command uses, and with which settings."""

    settings: SettingsOption = None
    endpoint_url: EndpointOption = None
    local: LocalOption = False

    def open(self) -> "Service":
        """Return the service; local AWS is started if it is not running.

        Raises:
            SettingsClash: both --local and --endpoint-url were given.
            SettingsError: the settings file is missing or invalid.
        """
        # boto3 and moto are imported where they are used, so that --help and usage errors answer at once.
        if self.local:
            if self.endpoint_url is not None:
                raise SettingsClash("--local", "--endpoint-url", "they name two places")
            from shipment_etl_emr.local.cli import print_started
            from shipment_etl_emr.local.service import local_service

            return local_service(None if self.settings is None else self.read_settings(), print_started)
        from shipment_etl_emr.service import Service

        return Service(self.read_settings(), self.endpoint_url)

    def read_settings(self) -> Settings:
        """Return the settings from the file."""
        return Settings.from_toml(self.settings or SETTINGS_FILE)
