"""Settings: where and on what jobs run, declared in one TOML file."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from shipment_etl.declared import parse_toml, read_text, strict
from shipment_etl.s3 import parse_uri
from shipment_etl_emr.errors import SettingInvalid, SettingMissing, SettingsError
from shipment_etl_emr.machines import find_arch, machine
from shipment_etl_emr.releases import Release, release

__all__ = ["NODE_ROLE", "SERVICE_ROLE", "SETTINGS_FILE", "Settings", "s3_parts"]

SETTINGS_FILE = "emr.toml"
SERVICE_ROLE, NODE_ROLE = "EMR_DefaultRole", "EMR_EC2_DefaultRole"
"""The roles that `aws emr create-default-roles` makes; the instance profile has the name of its role."""
OWN = "shipment-etl:"
"""Prefix of the names of our own tags."""
MAX_WORKERS = 100


@strict
@dataclass(frozen=True, slots=True)
class Settings:
    """Where and on what jobs run.

    Attributes:
        code: s3:// folder of packages, scripts and the bootstrap action.
        logs: s3:// folder for EMR's logs and for the claims of runs.
        region: AWS region; None leaves it to the environment.
        target: cluster, for a cluster for each run, or serverless, for EMR Serverless.
        release: EMR release label.
        primary: instance type of the primary node, which runs Spark's driver.
        workers: instance types of the workers; of several, EMR takes those that are available.
        count: number of workers; with several types, counted in workers of the smallest.
        spot: whether workers are spot instances; the primary never is.
        subnets: subnets to start in; of several, EMR picks one with enough capacity.
        service_role: role of EMR itself.
        instance_profile: instance profile of the nodes.
        job_role: ARN of the role of jobs on EMR Serverless.
        application: ID of the EMR Serverless application.
        security_configuration: name of an EMR security configuration, which encrypts disks and S3.
        log_key: ARN of the KMS key for the logs.
        max_age_minutes: age after which anyone may terminate a cluster, and it terminates itself.
        idle_minutes: how long a kept cluster may be idle before it terminates.
        tags: additional tags, for cost allocation.
        spark: additional Spark settings; they override those sized from the machines.
    """

    code: str
    logs: str
    region: str | None = None
    target: Literal["cluster", "serverless"] = "cluster"
    release: str = "emr-7.13.0"
    primary: str = "m5.xlarge"
    workers: tuple[str, ...] = ("m5.xlarge",)
    count: int = 2
    spot: bool = False
    subnets: tuple[str, ...] = ()
    service_role: str = SERVICE_ROLE
    instance_profile: str = NODE_ROLE
    job_role: str | None = None
    application: str | None = None
    security_configuration: str | None = None
    log_key: str | None = None
    max_age_minutes: int = 360
    idle_minutes: int = 15
    tags: Mapping[str, str] = field(default_factory=dict)
    spark: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("code", "logs"):
            s3_parts(getattr(self, name), name)
        _require_between("count", self.count, 1, MAX_WORKERS)
        _require_between("max_age_minutes", self.max_age_minutes, 10, 7 * 24 * 60)
        _require_between("idle_minutes", self.idle_minutes, 1, 7 * 24 * 60)
        if not self.workers:
            raise SettingInvalid("workers", [], "at least one instance type")
        for tag in self.tags:
            if tag.startswith((OWN, "aws:")):
                raise SettingInvalid("a tag", tag, f"a name that does not begin with {OWN} or aws:, which are taken")
        if self.target == "serverless" and not (self.application and self.job_role):
            raise SettingMissing("application or job_role", "EMR Serverless needs both; the stack's outputs name them.")
        for name in (self.primary, *self.workers):
            machine(name)
        _ = self.arch, self.known_release

    @staticmethod
    def from_toml(file: str | Path) -> "Settings":
        """Return the settings that a TOML file declares.

        Raises:
            SettingsError: the file is missing, or a key or value is invalid.
            EmrRefused: the settings cannot work.
        """
        return parse_toml(read_text(file, SettingsError), Settings, str(file), SettingsError)

    def with_region(self, region: str) -> "Settings":
        """Return the settings with a region, unless they already name one."""
        return self if self.region else replace(self, region=region)

    @property
    def known_release(self) -> Release:
        """The release of the release label."""
        return release(self.release)

    @property
    def arch(self) -> str:
        """Architecture of the processors, as wheels name it."""
        return "x86_64" if self.target == "serverless" else find_arch((self.primary, *self.workers))

    @property
    def fleets(self) -> bool:
        """Whether to use instance fleets, so that EMR can choose machines, instead of plain instance groups."""
        return self.spot or len(self.workers) > 1 or len(self.subnets) > 1


def s3_parts(uri: str, name: str) -> tuple[str, str]:
    """Return the bucket and key of an S3 URI; `name` is its name in error messages.

    Raises:
        SettingsError: it is not an S3 URI.
    """
    found = parse_uri(uri) if uri.startswith("s3://") else None
    if found is None:
        raise SettingInvalid(name, uri, "a folder such as s3://my-bucket/shipments")
    return found


def _require_between(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise SettingInvalid(name, value, f"from {least} to {most}")
