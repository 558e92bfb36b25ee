"""Every error of this adapter, but for those of tunnels; each message says what is wrong, where, and what to do.

Where trying the same again may help, with nothing changed, `retryable` is true and the exit code is 75.

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
│       ├── LinkExposed
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
        ├── ServiceUnavailable      retryable
        ├── StepFailed
        │   └── LakeBusy            retryable
        ├── ClusterFailed           retryable
        │   └── BootstrapFailed     not retryable: the next cluster would fail the same way
        ├── ReportMissing
        ├── ReportFailed
        ├── RunTimedOut
        ├── NameTaken
        ├── ClusterMayLive          retryable
        ├── ReapIncomplete
        ├── LocalAwsFailed
        └── RunStopped              a signal asked to stop (exit code 130 or 143)
"""

from collections.abc import Iterable, Mapping

from shipment_etl.errors import TRY_AGAIN, JobError, UsageError, listed, shorten

__all__ = [
    "BootstrapFailed",
    "BucketDenied",
    "BucketMissing",
    "ClusterFailed",
    "ClusterMayLive",
    "CredentialsRefused",
    "EmrError",
    "EmrRefused",
    "LakeBusy",
    "LinkExposed",
    "LocalAwsFailed",
    "LocalAwsMissing",
    "LocalAwsRuns",
    "MachinesUnfit",
    "NameTaken",
    "NoLocalAws",
    "NotAllowed",
    "ObjectMissing",
    "PackageFailed",
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
    "SettingsError",
    "StepFailed",
    "StepTooLong",
]

MAX_SAID, MAX_NAMED = 500, 5
"""Characters of what AWS says, and clusters that a message names."""


class EmrRefused(UsageError):
    """What was asked for cannot work on EMR; nothing was started."""


class SettingsError(EmrRefused):
    """The settings of EMR cannot be used."""


class ReleaseUnfit(EmrRefused):
    """A release label cannot run the package."""

    def __init__(self, label: str, why: str, known: Iterable[str]) -> None:
        fit = listed(known)
        remedy = f"Use one of: {fit}." if fit else "No release that was tried can."
        super().__init__(f"The release {shorten(label)} cannot run shipment-etl: {why}. {remedy}")


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


class LinkExposed(EmrRefused):
    """A link that lets in whoever has it would be written to a file or a log."""

    def __init__(self) -> None:
        super().__init__(
            "The link to the Spark UI lets in whoever has it, without a login, so it is printed only to a terminal, and "
            "this output is not one. Run the same command in a terminal."
        )


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

    retryable, exit_code = True, TRY_AGAIN

    def __init__(self, doing: str, seconds: float, said: str) -> None:
        super().__init__(
            f"AWS gave no usable answer to a call {doing} for {seconds:,.0f} s; at last: {said[:300]} "
            "Run the same again later: with the same --run it takes up what is there."
        )


class StepFailed(EmrError):
    """A step ended, and not well.

    Args:
        where: cluster and step.
        state: of the step.
        reason: why, as AWS calls it; may be empty.
        message: more of it; may be empty.
        log: s3:// URI of the log that says most.
        text: what it says; empty if no log has arrived.
        ui: command that prints a link to the Spark UI.
    """

    def __init__(self, where: str, state: str, reason: str, message: str, log: str, text: str, ui: str) -> None:
        self.state, self.reason, self.message, self.log, self.text = state, reason, message, log, text
        told = [f"The step {where} is {state}: {reason or 'no reason given'}. {message[:MAX_SAID]}".rstrip()]
        told.append(f"{log} says:\n{text}" if text else f"Its log has not arrived at {log}; look there later.")
        # The link itself lets in whoever has it, so it must not be in a log.
        super().__init__("\n".join([*told, f"Spark UI: {ui}"]))


class LakeBusy(StepFailed):
    """A step found its lake locked by another job, and did nothing."""

    retryable, exit_code = True, TRY_AGAIN


class ClusterFailed(EmrError):
    """A cluster ended before its step began."""

    retryable, exit_code = True, TRY_AGAIN

    def __init__(self, cluster: str, state: str, reason: str, message: str) -> None:
        super().__init__(
            f"The cluster {cluster} is {state} and never ran its step: {reason or 'no reason given'}. {message[:MAX_SAID]} "
            "Its node logs are in the log bucket, below this name; then run the same again."
        )


class BootstrapFailed(ClusterFailed):
    """A bootstrap action failed, as on a package that cannot be imported. The next cluster would fail the same way."""

    retryable, exit_code = False, EmrError.exit_code

    def __init__(self, cluster: str, message: str, log: str, text: str) -> None:
        said = f"{log} ends with:\n{text}\n" if text else f"Its log has not arrived at {log}; look there later. "
        EmrError.__init__(
            self,
            f"The cluster {cluster} ended in its bootstrap action: {message[:MAX_SAID]}\n{said}"
            "Fix the package or the network of its nodes, then run the same again.",
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


class NameTaken(EmrError):
    """The name of a run was used before, and EMR Serverless still remembers it."""

    def __init__(self, run: str, tries: int) -> None:
        super().__init__(
            f"EMR Serverless answers with earlier job runs for each of {tries} attempts at the run {shorten(run)}. "
            "Name it otherwise, with --run."
        )


class ClusterMayLive(EmrError):
    """A cluster could not be ended, or not be seen to end."""

    retryable, exit_code = True, TRY_AGAIN

    def __init__(self, what: str, why: str) -> None:
        super().__init__(
            f"{what} may still be running: {why} End it with: shipment-etl emr reap --run RUN, or terminate; "
            "else it ends at its maximum age."
        )


class ReapIncomplete(EmrError):
    """Some clusters could not be looked at or ended; the others were. `problems` are these errors, by cluster."""

    def __init__(self, problems: Mapping[str, EmrError]) -> None:
        self.problems = problems
        told = "; ".join(f"{name}: {str(problem)[:200]}" for name, problem in list(problems.items())[:MAX_NAMED])
        super().__init__(
            f"{len(problems)} of the clusters that are named like ours could not be looked at or ended, all others were: "
            f"{told}. Look at these in the console; one that is not ours should have another name."
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
