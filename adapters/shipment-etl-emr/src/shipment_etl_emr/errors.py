"""All errors of this adapter except those of tunnels and local AWS. Each says what is wrong, where, and what to do.

Errors after which an unchanged retry may succeed have `retryable` true and exit code 75.

ShipmentEtlError
├── UsageError
│   └── EmrRefused                  refused before money is spent (exit code 2)
│       ├── SettingsError
│       │   ├── SettingInvalid
│       │   ├── SettingMissing
│       │   ├── SettingsClash
│       │   ├── TargetUnfit
│       │   ├── ClientUnfit
│       │   └── PackageUnfit
│       ├── ReleaseUnfit
│       ├── MachinesUnfit
│       ├── StepTooLong
│       ├── BucketMissing
│       ├── BucketDenied
│       ├── RegionMismatch
│       ├── ObjectMissing
│       ├── PackageFailed
│       ├── LinkExposed
│       ├── PortTaken
│       └── ProgramMissing
└── JobError
    └── EmrError                    the work on EMR could not be done (exit code 1)
        ├── CredentialsRefused
        ├── NotAllowed
        ├── RequestRefused
        ├── ServiceUnavailable      retryable
        ├── StepFailed              retryable if the error of its job is
        ├── ClusterFailed           retryable
        ├── BootstrapFailed
        ├── ReportMissing
        ├── ReportFailed
        ├── RunTimedOut
        ├── NameTaken
        ├── ClusterMayLive          retryable
        ├── ReapIncomplete
        └── RunStopped              a signal asked to stop (exit code 130 or 143)
"""

from collections.abc import Iterable, Mapping

from shipment_etl.errors import TRY_AGAIN, JobError, UsageError

__all__ = [
    "BootstrapFailed",
    "BucketDenied",
    "BucketMissing",
    "ClientUnfit",
    "ClusterFailed",
    "ClusterMayLive",
    "CredentialsRefused",
    "EmrError",
    "EmrRefused",
    "LinkExposed",
    "MachinesUnfit",
    "NameTaken",
    "NotAllowed",
    "ObjectMissing",
    "PackageFailed",
    "PackageUnfit",
    "PortTaken",
    "ProgramMissing",
    "ReapIncomplete",
    "RegionMismatch",
    "ReleaseUnfit",
    "ReportFailed",
    "ReportMissing",
    "RequestRefused",
    "RunStopped",
    "RunTimedOut",
    "ServiceUnavailable",
    "SettingInvalid",
    "SettingMissing",
    "SettingsClash",
    "SettingsError",
    "StepFailed",
    "StepTooLong",
    "TargetUnfit",
]

MAX_SAID, MAX_NAMED = 600, 5
"""Maximum number of characters of a program's output, and of clusters, that a message shows."""


class EmrRefused(UsageError):
    """The request cannot work on EMR; nothing was started."""


class SettingsError(EmrRefused):
    """The EMR settings cannot be used."""


class SettingInvalid(SettingsError):
    """A setting has an invalid value."""

    template = "{name} is {value!r}, but must be {expected}."
    remedy = "Change it in the EMR settings or on the command line."

    def __init__(self, name: str, value: object, expected: str) -> None:
        super().__init__(name=name, value=value, expected=expected)


class SettingMissing(SettingsError):
    """A required setting is missing."""

    template = "No {name} is given."

    def __init__(self, name: str, remedy: str) -> None:
        super().__init__(remedy=remedy, name=name)


class SettingsClash(SettingsError):
    """Two settings or options cannot be used together."""

    template = "{one} and {other} cannot be used together: {why}."
    remedy = "Use one of them."

    def __init__(self, one: str, other: str, why: str) -> None:
        super().__init__(one=one, other=other, why=why)


class TargetUnfit(SettingsError):
    """A command does not exist for this target."""

    template = "{target} has no {what}."
    remedy = "Use {instead}."

    def __init__(self, target: str, what: str, instead: str) -> None:
        super().__init__(target=target, what=what, instead=instead)


class ClientUnfit(SettingsError):
    """An AWS client cannot be created with these settings."""

    template = "AWS cannot be reached with the region {region!r} and the endpoint {endpoint!r}: {said:.200}."
    remedy = "Fix the region or the endpoint."

    def __init__(self, region: str | None, endpoint: str | None, said: str) -> None:
        super().__init__(region=region, endpoint=endpoint, said=said)


class PackageUnfit(SettingsError):
    """A package is for another Python or processor."""

    template = "The package {package} is not for Python {python} on {arch}."
    remedy = "Build one: shipment-etl emr package"

    def __init__(self, package: str, python: str, arch: str) -> None:
        super().__init__(package=package, python=python, arch=arch)


class ReleaseUnfit(EmrRefused):
    """A release label cannot run the package."""

    template = "The release {label!r} cannot run shipment-etl: {why}."
    remedy = "Use one of: {known}."

    def __init__(self, label: str, why: str, known: Iterable[str]) -> None:
        fit = list(known)
        super().__init__(remedy=None if fit else "None of the tested releases can.", label=label, why=why, known=fit)


class MachinesUnfit(EmrRefused):
    """A cluster cannot be created from these instance types."""

    template = "{what}."

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(remedy=remedy, what=what)


class StepTooLong(EmrRefused):
    """The arguments of a step are longer than EMR allows."""

    template = "The arguments of the step have {size:,} characters, but EMR allows {most:,}."
    remedy = "Use fewer or shorter arguments."

    def __init__(self, size: int, most: int) -> None:
        super().__init__(size=size, most=most)


class BucketMissing(EmrRefused):
    """A bucket does not exist."""

    template = "There is no bucket {bucket!r} for {use}."
    remedy = "Create it, or name another."

    def __init__(self, bucket: str, use: str) -> None:
        super().__init__(bucket=bucket, use=use)


class BucketDenied(EmrRefused):
    """A bucket exists, but these credentials have no access to it."""

    template = "Access to the bucket {bucket!r} for {use} is denied."
    remedy = "Grant s3:ListBucket to this role, or use other credentials."

    def __init__(self, bucket: str, use: str) -> None:
        super().__init__(bucket=bucket, use=use)


class RegionMismatch(EmrRefused):
    """A bucket is in another region than the cluster."""

    template = "The bucket {bucket!r} is in {lies}, but the cluster would run in {region}: every byte would cross regions."
    remedy = "Set region = {lies!r}, or use a bucket in {region}."

    def __init__(self, bucket: str, lies: str, region: str) -> None:
        super().__init__(bucket=bucket, lies=lies, region=region)


class ObjectMissing(EmrRefused):
    """An object that a run needs does not exist."""

    template = "There is no {what} at {uri}."

    def __init__(self, uri: str, what: str, remedy: str) -> None:
        super().__init__(remedy=remedy, uri=uri, what=what)


class LinkExposed(EmrRefused):
    """A link that needs no login would be written to a file or a log."""

    template = (
        "Anyone with the link to the Spark UI can open it without a login, so it is printed only to a terminal, and this "
        "output is not a terminal."
    )
    remedy = "Run the same command in a terminal."

    def __init__(self) -> None:
        super().__init__()


class PortTaken(EmrRefused):
    """Another program listens on a port of this machine; `owner` names it, empty if unknown."""

    template = "The port {port} of this machine is already used by {owner}."

    def __init__(self, port: int, owner: str, remedy: str) -> None:
        super().__init__(remedy=f"Stop that program, or {remedy}.", port=port, owner=owner or "a program of another user")


class ProgramMissing(EmrRefused):
    """A program that a tunnel needs is not installed."""

    template = "The program {program} is not on the PATH."

    def __init__(self, program: str, remedy: str) -> None:
        super().__init__(remedy=remedy, program=program)


class PackageFailed(EmrRefused):
    """The package for the cluster cannot be built here; a retry would fail the same way."""

    template = "The package for the cluster could not be built: {doing} failed: {said:.600}"
    remedy = (
        "If this host has no internet, build the package elsewhere with: shipment-etl emr package. Pass it with "
        "--package, or in SHIPMENTS_PACKAGE for an orchestrator."
    )

    def __init__(self, doing: str, said: str) -> None:
        super().__init__(doing=doing, said=said.strip()[-MAX_SAID:])


class EmrError(JobError):
    """The work on EMR could not be done."""


class CredentialsRefused(EmrError):
    """AWS does not know these credentials, or no longer accepts them."""

    template = "AWS refuses the credentials ({code})."
    remedy = "Log in again, for example with: aws sso login; then run the same command again."

    def __init__(self, code: str) -> None:
        super().__init__(code=code)


class NotAllowed(EmrError):
    """The credentials lack a permission."""

    template = "AWS does not let this role {doing}: {said:.400}"
    remedy = "Give it that permission, or use another role."

    def __init__(self, doing: str, said: str) -> None:
        super().__init__(doing=doing.removeprefix("to "), said=said)


class RequestRefused(EmrError):
    """AWS rejects a request as invalid."""

    template = "AWS refused a call {doing}: {said:.400}"
    remedy = "Fix the settings, then run the same command again."

    def __init__(self, doing: str, said: str) -> None:
        super().__init__(doing=doing, said=said)


class ServiceUnavailable(EmrError):
    """AWS gave no usable answer for a long time."""

    template = "AWS gave no usable answer to a call {doing} for {seconds:,.0f} s; the last error: {said:.300}"
    remedy = "Run the same command again later: with the same --run it resumes the run."
    retryable, exit_code = True, TRY_AGAIN

    def __init__(self, doing: str, seconds: float, said: str) -> None:
        super().__init__(doing=doing, seconds=seconds, said=said)


class StepFailed(EmrError):
    """A step failed. It is retryable if the error that its job printed is.

    Args:
        where: cluster and step.
        state: state of the step.
        reason: reason code from AWS; may be empty.
        message: details from AWS; may be empty.
        log: s3:// URI of the most informative log.
        text: excerpt of that log; empty if no log has arrived.
        ui: command that prints a link to the Spark UI.
        retryable: whether a retry of the job may succeed.
    """

    template = "The step {where} is {state}: {why}\n{log} says:\n{text:.20000}"
    # Anyone with the link itself can open the UI, so it must not be in a log.
    remedy = "Spark UI: {ui}"

    def __init__(
        self, where: str, state: str, reason: str, message: str, log: str, text: str, ui: str, *, retryable: bool = False
    ) -> None:
        why = f"{reason or 'no reason given'}. {message}".rstrip()
        text = text or "nothing yet, because the log has not arrived; look there later."
        super().__init__(where=where, state=state, why=why, log=log, text=text, ui=ui)
        if retryable:
            self.retryable, self.exit_code = True, TRY_AGAIN


class ClusterFailed(EmrError):
    """A cluster ended before its step began."""

    template = "The cluster {cluster} is {state} and never ran its step: {reason}. {said}"
    remedy = "Look at its node logs, in the log bucket under this ID; then run the same command again."
    retryable, exit_code = True, TRY_AGAIN

    def __init__(self, cluster: str, state: str, reason: str, message: str) -> None:
        super().__init__(cluster=cluster, state=state, reason=reason or "no reason given", said=message)


class BootstrapFailed(EmrError):
    """A bootstrap action failed, for example because the package cannot be imported. A retry would fail the same way."""

    template = "The bootstrap action of the cluster {cluster} failed: {said}\n{log} says:\n{text:.20000}"
    remedy = "Fix the package or the network of its nodes, then run the same command again."

    def __init__(self, cluster: str, message: str, log: str, text: str) -> None:
        text = text or "nothing yet, because the log has not arrived; look there later."
        super().__init__(cluster=cluster, said=message, log=log, text=text)


class ReportMissing(EmrError):
    """A step completed, but run reports that prove it are missing."""

    template = (
        "The step {where} completed, but {logs}stdout.gz has {found:,} run reports instead of {expected}. It does not count "
        "as done."
    )
    remedy = "Check that the script prints its report, then run the same command again."

    def __init__(self, where: str, found: int, expected: int | None, logs: str) -> None:
        super().__init__(where=where, found=found, expected=expected or "at least one", logs=logs)


class ReportFailed(EmrError):
    """A step completed, but its report is of another job or not of a success."""

    template = "The step {where} completed, but its run {run_id} reports {said}. It does not count as done."
    remedy = "Look at the step's log."

    def __init__(self, where: str, run_id: str, said: str) -> None:
        super().__init__(where=where, run_id=run_id, said=said)


class RunTimedOut(EmrError):
    """A run took longer than allowed."""

    template = "The run {run} did not finish within {seconds:,.0f} s; its last state was {state}."
    remedy = "Raise --timeout, or use larger machines."

    def __init__(self, run: str, seconds: float, state: str) -> None:
        super().__init__(run=run, seconds=seconds, state=state)


class NameTaken(EmrError):
    """The name of a run was used before, and EMR Serverless still remembers it."""

    template = "EMR Serverless returned an earlier job run for each of {tries:,} attempts to start the run {run!r}."
    remedy = "Use another name, with --run."

    def __init__(self, run: str, tries: int) -> None:
        super().__init__(run=run, tries=tries)


class ClusterMayLive(EmrError):
    """A cluster could not be terminated, or its end could not be confirmed."""

    template = "{what} may still be running: {why}"
    remedy = "Terminate it with: shipment-etl emr reap --run RUN; otherwise it ends at its maximum age."
    retryable, exit_code = True, TRY_AGAIN

    def __init__(self, what: str, why: str) -> None:
        super().__init__(what=what, why=why)


class ReapIncomplete(EmrError):
    """Some clusters could not be checked or terminated; the others were. `problems` are the errors by cluster."""

    template = (
        "{count:,} of the clusters with our name prefix could not be checked or terminated (all others were handled): "
        "{some:.2000}."
    )
    remedy = "Look at them in the console; a cluster that is not ours needs a name without our prefix."

    def __init__(self, problems: Mapping[str, EmrError]) -> None:
        self.problems = problems
        some = "; ".join(f"{name}: {str(problem)[:200]}" for name, problem in list(problems.items())[:MAX_NAMED])
        super().__init__(count=len(problems), clusters=problems.keys(), some=some)


class RunStopped(EmrError):
    """A signal asked to stop."""

    template = "Stopped. The run {run} was ended; nothing of it is still running."

    def __init__(self, run: str, signal: int) -> None:
        super().__init__(run=run, signal=signal)
        self.exit_code = 128 + signal
