"""Account: how checks call AWS, and the findings they return."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from shipment_etl.aws import code_of
from shipment_etl_emr.calls import Calls
from shipment_etl_emr.errors import EmrError, NotAllowed
from shipment_etl_emr.settings import Settings

__all__ = [
    "Account",
    "Caller",
    "Check",
    "Finding",
    "MissingRight",
    "NotChecked",
    "State",
    "green",
    "red",
    "right_of",
    "yellow",
]

State = Literal["green", "yellow", "red"]
PREFIXES = {"emr": "elasticmapreduce", "service-quotas": "servicequotas"}
"""Names of services in rights, where they differ from boto3's."""
RIGHTS = {
    ("s3", "HeadBucket"): "s3:ListBucket",
    ("s3", "HeadObject"): "s3:GetObject",
    ("s3", "GetBucketEncryption"): "s3:GetEncryptionConfiguration",
    ("s3", "GetPublicAccessBlock"): "s3:GetBucketPublicAccessBlock",
}
"""Rights whose names differ from those of their calls."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check: green is fine, yellow may matter or could not be checked, red would make a run fail.

    Attributes:
        state: green, yellow or red.
        found: what was found.
        fix: command or setting that fixes it; empty if green.
    """

    state: State
    found: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A finding with the name of what was checked."""

    name: str
    state: State
    found: str
    fix: str = ""


class NotChecked(Exception):
    """Something could not be checked; the message says why."""


class MissingRight(NotChecked):
    """The caller lacks a right that a check needs; `right` names it, such as iam:GetRole."""

    def __init__(self, right: str) -> None:
        super().__init__(f"missing right {right}")
        self.right = right


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller's identity: the ARN of the session, and its parts."""

    arn: str

    @property
    def partition(self) -> str:
        """The AWS partition, such as aws or aws-cn."""
        return self.arn.split(":")[1]

    @property
    def number(self) -> str:
        """Account number."""
        return self.arn.split(":")[4]

    @property
    def kind(self) -> str:
        """Kind of caller: root, user, assumed-role or federated-user."""
        return self.arn.split(":", 5)[5].split("/")[0]

    @property
    def name(self) -> str:
        """Name of the user or of the role."""
        parts = self.arn.split(":", 5)[5].split("/")
        return parts[1] if self.kind == "assumed-role" else parts[-1]


@dataclass
class Account:
    """An account as checks see it; each call is made once.

    Attributes:
        settings: EMR settings with a region.
        client: returns a boto3 client for a service.
        calls: calls with few retries: a service that does not answer is a finding.
        lake: s3:// URI of the lake; None if none is given.
        package: s3:// URI of the package; None if each run builds one.
        scripts: scripts of steps: files or s3:// URIs.
        packaged: whether steps need a package at all.
    """

    settings: Settings
    client: Callable[[str], Any]
    calls: Calls
    lake: str | None = None
    package: str | None = None
    scripts: tuple[str, ...] = ()
    packaged: bool = True
    _answers: dict[str, Any] = field(default_factory=dict)

    @property
    def region(self) -> str:
        """Region that clusters run in."""
        return self.settings.region or ""

    @cached_property
    def caller(self) -> Caller:
        """The caller's identity."""
        return Caller(self.ask("sts", "get_caller_identity")["Arn"])

    def ask(self, service: str, method: str, **arguments: Any) -> Any:
        """Call AWS, or return the answer of an earlier identical call.

        Args:
            service: as boto3 names it, such as service-quotas.
            method: of its client, such as get_service_quota.
            arguments: of the method.

        Raises:
            MissingRight: the caller lacks the right to this call.
            EmrError: AWS refuses the call, or does not answer.
        """
        key = repr((service, method, arguments))
        if key not in self._answers:
            client = self.client(service)
            right = right_of(service, client.meta.method_to_api_mapping[method])
            try:
                self._answers[key] = self.calls(f"to {method.replace('_', ' ')}", getattr(client, method), **arguments)
            except NotAllowed as problem:
                raise MissingRight(right) from problem
        return self._answers[key]

    def find(self, missing: str, service: str, method: str, **arguments: Any) -> Any:
        """Call AWS as `ask` does; return None if AWS answers that there is no such thing.

        Args:
            missing: part of the error code of that answer, such as NoSuchEntity.
            service: as boto3 names it.
            method: of its client.
            arguments: of the method.
        """
        try:
            return self.ask(service, method, **arguments)
        except EmrError as problem:
            if missing in code_of(problem):
                return None
            raise


def right_of(service: str, operation: str) -> str:
    """Return the right that a call needs, such as s3:ListBucket for HeadBucket."""
    return RIGHTS.get((service, operation), f"{PREFIXES.get(service, service)}:{operation}")


def green(found: str) -> Finding:
    """Return a finding that something works."""
    return Finding("green", found)


def yellow(found: str, fix: str) -> Finding:
    """Return a finding that something may matter."""
    return Finding("yellow", found, fix)


def red(found: str, fix: str) -> Finding:
    """Return a finding that a run would fail."""
    return Finding("red", found, fix)
