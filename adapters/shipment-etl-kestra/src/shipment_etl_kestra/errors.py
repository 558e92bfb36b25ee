"""Every error of this adapter; each message says what is wrong, where, and what to do.

ShipmentEtlError
├── UsageError
│   └── KestraRefused               refused before Kestra was called (exit code 2)
│       ├── AccountUnset
│       ├── FlowUnreadable
│       ├── NothingToDeploy
│       ├── OutcomeUnreadable
│       └── PasswordUnreadable
└── JobError
    └── KestraError                 the work could not be done on Kestra (exit code 1)
        ├── KestraUnreachable       retryable
        ├── AccountRefused
        ├── FlowRejected
        ├── KestraFailed            retryable if it is a server error
        ├── NotKestra
        ├── ReportDisagrees
        └── StepFailed
"""

from collections.abc import Iterable

from shipment_etl.errors import TRY_AGAIN, JobError, UsageError, join_names

__all__ = [
    "AccountRefused",
    "AccountUnset",
    "FlowRejected",
    "FlowUnreadable",
    "KestraError",
    "KestraFailed",
    "KestraRefused",
    "KestraUnreachable",
    "NotKestra",
    "NothingToDeploy",
    "OutcomeUnreadable",
    "PasswordUnreadable",
    "ReportDisagrees",
    "StepFailed",
]


class KestraRefused(UsageError):
    """The request cannot work; Kestra was not called."""


class OutcomeUnreadable(KestraRefused):
    """A file is not the outcome of one run."""

    template = "{name} is not the outcome of one run ({why:.200})."
    remedy = "Pass the output of shipment-etl emr wait --reports 1 --json."

    def __init__(self, name: str, why: Exception) -> None:
        super().__init__(name=name, why=f"{type(why).__name__}: {why}")


class AccountUnset(KestraRefused):
    """The environment names no account of Kestra."""

    template = "Not set: {missing}."
    remedy = (
        "Set the account that Kestra was started with in the environment; KESTRA_PASSWORD_FILE can name a file with the "
        "password. There is no option for a password."
    )

    def __init__(self, missing: Iterable[str]) -> None:
        super().__init__(missing=missing)


class PasswordUnreadable(KestraRefused):
    """The file with the password cannot be read."""

    template = "The file {file} of KESTRA_PASSWORD_FILE cannot be read: {why:.200}."
    remedy = "Name a file with the password that you can read, or set KESTRA_PASSWORD."

    def __init__(self, file: str, why: str) -> None:
        super().__init__(file=file, why=why)


class FlowUnreadable(KestraRefused):
    """A file is not a flow of Kestra."""

    template = "{file} is not a flow: {why:.600}."
    remedy = "Fix the file, or install shipment-etl-kestra again."

    def __init__(self, file: str, why: str) -> None:
        super().__init__(file=file, why=why)


class NothingToDeploy(KestraRefused):
    """A folder has no flow."""

    template = "There is no flow in {folder}."
    remedy = "Install shipment-etl-kestra again."

    def __init__(self, folder: str) -> None:
        super().__init__(folder=folder)


class KestraError(JobError):
    """The work could not be done on Kestra."""


class ReportDisagrees(KestraError):
    """A run's report does not match the request."""

    template = "The report of the run {run_id!r} does not match the request: {said}."

    def __init__(self, run_id: str, said: str, remedy: str) -> None:
        super().__init__(remedy=remedy, run_id=run_id, said=said)


class StepFailed(KestraError):
    """The step of an outcome failed; its error is passed on."""

    template = "{message:.4000}"

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(remedy=remedy, message=message)


class NotKestra(KestraError):
    """Something other than Kestra answers at the URL."""

    template = "The server at {url!r} is not Kestra: {why:.200}."
    remedy = "Pass the address of Kestra with --url; another service may be using its port."

    def __init__(self, url: str, why: str) -> None:
        super().__init__(url=url, why=why)


class KestraUnreachable(KestraError):
    """Nothing answers at the URL."""

    template = "Kestra does not answer at {url!r}: {why:.600}."
    remedy = "Start it (docker compose up --detach --wait), open the tunnel to it, or pass its address with --url."
    retryable, exit_code = True, TRY_AGAIN

    def __init__(self, url: str, why: str) -> None:
        super().__init__(url=url, why=why)


class AccountRefused(KestraError):
    """Kestra refuses this account."""

    template = "Kestra at {url!r} refuses the account {username!r} ({status})."
    remedy = "Set KESTRA_USERNAME and KESTRA_PASSWORD to what Kestra was started with."

    def __init__(self, url: str, username: str, status: int) -> None:
        super().__init__(url=url, username=username, status=status)


class FlowRejected(KestraError):
    """Kestra rejects a flow. `said` is its reason; `written` are flows that were stored before it."""

    template = "Kestra rejects the flow {flow}: {said:.600} {state}"
    remedy = "Deploy the flows of a release that supports this Kestra, or upgrade Kestra."

    def __init__(self, flow: str, said: str, written: Iterable[str] = ()) -> None:
        self.said = said
        before = join_names(written)
        state = f"Deployed before it: {before}." if before else "Nothing was changed."
        super().__init__(flow=flow, said=said, state=state)


class KestraFailed(KestraError):
    """Kestra gave an answer that cannot be used. It is retryable for server errors (status 500 and above)."""

    template = "Kestra at {url!r} answered {status} when asked to {doing}: {said:.600}"
    remedy = "Read its log (docker compose logs kestra), and check that Kestra is what answers there; then deploy again."

    def __init__(self, url: str, doing: str, status: int, said: str) -> None:
        super().__init__(url=url, doing=doing, status=status, said=said)
        if status >= 500:
            self.retryable, self.exit_code = True, TRY_AGAIN
