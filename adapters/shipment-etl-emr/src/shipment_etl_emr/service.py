"""Service: AWS clients and everything built from them. The only module of a run that imports boto3."""

import hashlib
import os
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from shipment_etl_emr.calls import Calls
from shipment_etl_emr.claims import Claims
from shipment_etl_emr.clusters import Clusters
from shipment_etl_emr.errors import ClientUnfit, PackageUnfit, SettingMissing
from shipment_etl_emr.logs import Logs
from shipment_etl_emr.package import Package, build, mark_of
from shipment_etl_emr.serverless import Serverless
from shipment_etl_emr.settings import Settings
from shipment_etl_emr.storage import Storage
from shipment_etl_emr.target import Target
from shipment_etl_emr.timing import Timing

__all__ = ["Service"]

CONFIG = Config(
    # A retry by boto3 could create a second cluster, so we do all retries ourselves.
    retries={"total_max_attempts": 1},
    connect_timeout=10,
    read_timeout=60,
    user_agent_extra="shipment-etl-emr",
)


@dataclass
class Service:
    """All that a run needs from AWS, created on first use.

    Attributes:
        settings: where and on what jobs run; without a region, the environment's is used.
        endpoint_url: endpoint of another AWS, such as a local one; None leaves it to the environment.
        session: boto3 session whose credentials and region are used; None makes one from the environment.
        timing: clock and sleep.
        lake: s3:// URI of the default lake, if there is one.
    """

    settings: Settings
    endpoint_url: str | None = None
    session: Any = None
    timing: Timing = field(default_factory=Timing)
    lake: str | None = None

    def __post_init__(self) -> None:
        given = self.session.region_name if self.session else None
        # boto3 alone does not read AWS_REGION, as other AWS tools do.
        region = self.settings.region or given or os.environ.get("AWS_REGION") or boto3.session.Session().region_name
        if not region:
            raise SettingMissing("region", "Set region in the settings, or AWS_REGION.")
        self.settings = self.settings.with_region(region)

    def client(self, name: str) -> Any:
        """Return a boto3 client for an AWS service, such as s3.

        Raises:
            SettingsError: the region or the endpoint cannot be used.
        """
        try:
            client = (self.session or boto3).client
            return client(name, region_name=self.settings.region, endpoint_url=self.endpoint_url, config=CONFIG)
        except (BotoCoreError, ValueError) as problem:
            raise ClientUnfit(self.settings.region, self.endpoint_url, str(problem)) from problem

    @cached_property
    def calls(self) -> Calls:
        """Calls with retries."""
        return Calls(self.timing)

    @cached_property
    def clusters(self) -> Clusters:
        """Clusters on EC2."""
        claims = Claims(self.client("s3"), self.settings.logs, self.calls)
        return Clusters(self.client("emr"), claims, self.calls, self.settings)

    @cached_property
    def target(self) -> Target:
        """The target that the settings name."""
        if self.settings.target == "cluster":
            return self.clusters
        return Serverless(self.client("emr-serverless"), self.calls, self.settings)

    @cached_property
    def storage(self) -> Storage:
        """Checks of S3 and uploads to it."""
        return Storage(self.client("s3"), self.calls)

    @cached_property
    def logs(self) -> Logs:
        """The logs of steps."""
        return Logs(self.client("s3"), self.calls)

    def check(self, lake: str | None = None) -> None:
        """Check credentials, buckets and region, before any money is spent.

        Args:
            lake: s3:// URI of the lake, if there is one.

        Raises:
            EmrRefused: something cannot work.
            CredentialsRefused: the credentials are missing or expired.
        """
        self.calls("to get the caller's identity", self.client("sts").get_caller_identity)
        buckets = {self.settings.code: "code", self.settings.logs: "logs", **({lake: "the lake"} if lake else {})}
        self.storage.check(buckets, self.settings.region or "")

    def upload_bootstrap(self) -> str:
        """Upload the bootstrap action if it is new, and return its URI."""
        data = files("shipment_etl_emr").joinpath("bootstrap.sh").read_bytes()
        return self.storage.put(self.settings.code, f"bootstrap/{hashlib.sha256(data).hexdigest()[:16]}.sh", data)[0]

    def upload_package(self, package: Package) -> tuple[str, bool]:
        """Upload a package if it is new; return its URI, and whether it was new."""
        return self.storage.put(self.settings.code, package.name, package.data)

    def package(self, given: str | None) -> str:
        """Return the URI of the package: the one given, if it fits these settings, or else a newly built one.

        Raises:
            EmrRefused: the given package does not exist, or is for another Python or processor.
            PackageFailed: the package cannot be built.
        """
        python, arch = self.settings.known_release.python, self.settings.arch
        if given is None:
            return self.upload_package(build(python, arch))[0]
        if mark_of(python, arch) not in given:
            raise PackageUnfit(given, python, arch)
        return self.storage.require(given, "package", "Build and upload one with: shipment-etl emr package")
