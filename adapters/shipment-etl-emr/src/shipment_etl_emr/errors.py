"""Every error of this adapter; each message says what is wrong, where, and what to do.

ShipmentEtlError
├── UsageError
│   └── EmrRefused                  refused before money is spent (exit code 2)
│       ├── SettingsError
│       ├── ReleaseUnfit
│       ├── MachinesUnfit
│       ├── StepTooLong
│       ├── BucketMissing
│       ├── BucketDenied
│       ├── RegionMismatch
│       ├── ObjectMissing
│       ├── PackageFailed
│       ├── LocalAwsMissing
│       ├── LocalAwsRuns
│       ├── NoLocalAws
│       ├── PortTaken
│       └── ProgramMissing
└── JobError
    └── EmrError                    the work on EMR could not be done (exit code 1)
        ├── CredentialsRefused
        ├── NotAllowed
        ├── RequestRefused
        ├── ServiceUnavailable
        ├── StepFailed
        ├── ClusterFailed
        ├── ReportMissing
        ├── ReportFailed
        ├── RunTimedOut
        ├── ClusterMayLive
        ├── LocalAwsFailed
        ├── RunStopped              a signal asked to stop (exit code 130 or 143)
        ├── HostKeyChanged
        ├── HostKeyUnknown
        ├── LoginRefused
        └── TunnelDown              what to open again may mend
            ├── HostUnreachable
            ├── PortClosed
            ├── PageSilent
            └── TunnelBroken
"""

from collections.abc import Iterable

from shipment_etl.errors import JobError, UsageError, listed, shorten

__all__ = [
    "BucketDenied",
    "BucketMissing",
    "ClusterFailed",
    "ClusterMayLive",
    "CredentialsRefused",
    "EmrError",
    "EmrRefused",
    "HostKeyChanged",
    "HostKeyUnknown",
    "HostUnreachable",
    "LocalAwsFailed",
    "LocalAwsMissing",
    "LocalAwsRuns",
    "LoginRefused",
    "MachinesUnfit",
    "NoLocalAws",
    "NotAllowed",
    "ObjectMissing",
    "PackageFailed",
    "PageSilent",
    "PortClosed",
    "PortTaken",
    "ProgramMissing",
    "RegionMismatch",
    "ReleaseUnfit",
    "ReportFailed",
    "ReportMissing",
    "RequestRefused",
    "RunStopped",
    "RunTimedOut",
    "ServiceUnavailable",
    "SettingsError",
    "StepFailed",
    "StepTooLong",
    "TunnelBroken",
    "TunnelDown",
]


class EmrRefused(UsageError):
    """What was asked for cannot work on EMR; nothing was started."""


class SettingsError(EmrRefused):
    """The settings of EMR cannot be used."""


class ReleaseUnfit(EmrRefused):
    """A release label cannot run the package."""

    def __init__(self, label: str, why: str, known: Iterable[str]) -> None:
        super().__init__(f"The release {shorten(label)} cannot run shipment-etl: {why}. Use one of: {listed(known)}.")


class MachinesUnfit(EmrRefused):
    """The instance types cannot make this cluster."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}. {remedy}")


class StepTooLong(EmrRefused):
    """The arguments of a step are longer than EMR takes."""

    def __init__(self, size: int, most: int) -> None:
        super().__init__(
            f"The arguments of the step have {size:,} characters, but EMR takes {most:,}. Give fewer or shorter ones."
        )


class BucketMissing(EmrRefused):
    """There is no such bucket."""

    def __init__(self, bucket: str, use: str) -> None:
        super().__init__(f"There is no bucket {shorten(bucket)}, which is to hold {use}. Create it, or name another.")


class BucketDenied(EmrRefused):
    """A bucket is there, but not for these credentials."""

    def __init__(self, bucket: str, use: str) -> None:
        super().__init__(
            f"Access to the bucket {shorten(bucket)}, which is to hold {use}, is denied. "
            "Let this role list it (s3:ListBucket), or use credentials that may."
        )


class RegionMismatch(EmrRefused):
    """A bucket lies in another region than the cluster."""

    def __init__(self, bucket: str, lies: str, region: str) -> None:
        super().__init__(
            f"The bucket {shorten(bucket)} lies in {lies}, but the cluster would run in {region}: every byte would cross "
            f"regions. Set region = {lies!r}, or use a bucket in {region}."
        )


class ObjectMissing(EmrRefused):
    """An object that a run needs is not there."""

    def __init__(self, uri: str, what: str, remedy: str) -> None:
        super().__init__(f"There is no {what} at {uri}. {remedy}")


class LocalAwsMissing(EmrRefused):
    """What local AWS is made of is not installed."""

    def __init__(self, package: str) -> None:
        super().__init__(
            f"Local AWS needs {package}, which is not installed. Install it with: pip install 'shipment-etl-emr[local]'"
        )


class LocalAwsRuns(EmrRefused):
    """There is one already."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(f"Local AWS runs already, at {endpoint}. Use it, or end it first: shipment-etl local-aws down")


class NoLocalAws(EmrRefused):
    """There is none."""

    def __init__(self) -> None:
        super().__init__("No local AWS runs. Start one with: shipment-etl local-aws up")


class PortTaken(EmrRefused):
    """Another program listens at a port of this machine; `owner` is which, or empty if that cannot be told."""

    def __init__(self, port: int, owner: str, remedy: str) -> None:
        by = owner or "a program of another user"
        super().__init__(f"The port {port} of this machine is taken by {by}. End that program, or {remedy}.")


class ProgramMissing(EmrRefused):
    """A program that a tunnel needs is not installed."""

    def __init__(self, program: str, remedy: str) -> None:
        super().__init__(f"There is no program {program} on the path. {remedy}")


class PackageFailed(EmrRefused):
    """The package for the cluster cannot be built here; trying again changes nothing."""

    def __init__(self, doing: str, said: str) -> None:
        super().__init__(
            f"The package for the cluster could not be built: {doing} failed: {said.strip()[-600:]} "
            "A host without internet needs one that was built elsewhere with: shipment-etl emr package. Name it with "
            "--package, or in SHIPMENTS_PACKAGE for an orchestrator."
        )


class EmrError(JobError):
    """The work on EMR could not be done."""


class CredentialsRefused(EmrError):
    """AWS does not know, or no longer takes, these credentials."""

    def __init__(self, code: str) -> None:
        super().__init__(
            f"AWS refuses the credentials ({code}). Log in again, as with: aws sso login; then run the same again."
        )


class NotAllowed(EmrError):
    """The credentials lack a right."""

    def __init__(self, doing: str, said: str) -> None:
        super().__init__(
            f"AWS does not let this role {doing.removeprefix('to ')}: {said[:400]} Give it that right, or use another."
        )


class RequestRefused(EmrError):
    """AWS does not take a request as it is."""

    def __init__(self, doing: str, said: str) -> None:
        super().__init__(f"AWS refused a call {doing}: {said[:400]} Mend the settings, then run the same again.")


class ServiceUnavailable(EmrError):
    """AWS gave no usable answer for a long time."""

    def __init__(self, doing: str, seconds: float, said: str) -> None:
        super().__init__(
            f"AWS gave no usable answer to a call {doing} for {seconds:,.0f} s; at last: {said[:300]} "
            "Run the same again later: with the same --run it takes up what is there."
        )


class StepFailed(EmrError):
    """A step ended, and not well. `tail` are the last lines of its log; `ui` is a link, or empty."""

    def __init__(self, where: str, state: str, reason: str, message: str, tail: str, ui: str, logs: str) -> None:
        self.state, self.reason, self.message, self.tail, self.ui = state, reason, message, tail, ui
        told = [f"The step {where} is {state}: {reason or 'no reason given'}. {message}".rstrip()]
        told.append(f"Its log ends with:\n{tail}" if tail else f"Its log has not arrived at {logs}; look there later.")
        if ui:
            told.append(f"Spark UI: {ui}")
        super().__init__("\n".join(told))


class ClusterFailed(EmrError):
    """A cluster ended before its step began."""

    def __init__(self, cluster: str, state: str, reason: str, message: str) -> None:
        super().__init__(
            f"The cluster {cluster} is {state} and never ran its step: {reason or 'no reason given'}. {message} "
            "Its node logs are in the log bucket, below this name; then run the same again."
        )


class ReportMissing(EmrError):
    """A step says that it completed, but no report of a run proves it."""

    def __init__(self, where: str, found: int, expected: int | None, logs: str) -> None:
        super().__init__(
            f"The step {where} completed, but {found} reports of runs are in {logs}stdout.gz where "
            f"{expected or 'at least one'} must be. It does not count as done: see whether the script prints its report, "
            "then run the same again."
        )


class ReportFailed(EmrError):
    """A step says that it completed, but a report in it says something else."""

    def __init__(self, where: str, run_id: str, said: str) -> None:
        super().__init__(f"The step {where} completed, but its run {run_id} reports {said}. It does not count as done.")


class RunTimedOut(EmrError):
    """A run took longer than it may."""

    def __init__(self, run: str, seconds: float, state: str) -> None:
        super().__init__(
            f"The run {run} was not done after {seconds:,.0f} s; its last state was {state}. "
            "It was ended. Give it more with --timeout, or larger machines."
        )


class ClusterMayLive(EmrError):
    """A cluster could not be ended, or not be seen to end."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(
            f"{what} may be alive still: {why} Ended it must be: shipment-etl emr reap --run RUN, or terminate; "
            "else it ends at its maximum age."
        )


class LocalAwsFailed(EmrError):
    """Local AWS did not start, or ended when it should not."""

    def __init__(self, said: str) -> None:
        super().__init__(f"Local AWS does not run: {said[-600:] or 'it said nothing.'} Mend that, then start it again.")


class RunStopped(EmrError):
    """A signal asked to stop."""

    def __init__(self, run: str, signal: int) -> None:
        super().__init__(f"Stopped. The run {run} was ended; nothing of it is left running.")
        self.exit_code = 128 + signal


class HostKeyChanged(EmrError):
    """A host shows another key than the one it is known by."""

    def __init__(self, host: str, fingerprint: str, place: str) -> None:
        super().__init__(
            f"The host key of {host} is not the one it is known by{f' ({place})' if place else ''}: the host was made anew, "
            f"or somebody stands between. It shows {fingerprint or 'another'}. Ask who runs the host whether that is its "
            f"key; only if it is, forget the old one with: ssh-keygen -R '{host}'; then connect once by hand."
        )


class HostKeyUnknown(EmrError):
    """A host was never connected to before."""

    def __init__(self, host: str, target: str) -> None:
        super().__init__(
            f"The host key of {host} is not known here, so nobody can tell whether it is the right host. Connect once by "
            f"hand, as with: ssh {target}; compare the fingerprint it shows with the host's own, and say yes."
        )


class LoginRefused(EmrError):
    """A host takes none of the keys."""

    def __init__(self, target: str, ways: str) -> None:
        super().__init__(
            f"{target} takes no key that was offered (it asks for {ways}). Name the user, as in user@host, and have the key "
            "in the agent (ssh-add) or in the ssh configuration (IdentityFile): nobody is asked for a password here."
        )


class TunnelDown(EmrError):
    """A tunnel is not open; to open it again may mend that."""


class HostUnreachable(TunnelDown):
    """A host cannot be reached."""

    def __init__(self, target: str, why: str) -> None:
        super().__init__(f"{target} cannot be reached: {why[:400]}")


class PortClosed(TunnelDown):
    """A host is reached, but takes no connection at a port."""

    def __init__(self, target: str, port: int, why: str) -> None:
        super().__init__(
            f"{target} is reached, but not its port {port}: {why[:200]}. See whether what makes the page runs there, and "
            "name its port with --port."
        )


class PageSilent(TunnelDown):
    """The tunnel is open as far as can be seen, but no page comes through."""

    def __init__(self, target: str, port: int, seconds: float) -> None:
        super().__init__(
            f"No page came from port {port} of {target} within {seconds:,.0f} s. See whether what makes it runs there; it "
            "may be starting still."
        )


class TunnelBroken(TunnelDown):
    """What held a tunnel open ended."""

    def __init__(self, target: str, said: str) -> None:
        super().__init__(f"The tunnel to {target} ended: {said.strip()[-400:] or 'nothing was said of why'}")
