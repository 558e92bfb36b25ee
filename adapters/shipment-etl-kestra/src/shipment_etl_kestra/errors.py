"""Every error of this adapter; each message says what is wrong, where, and what to do.

ShipmentEtlError
├── UsageError
│   └── KestraRefused               refused before Kestra was asked (exit code 2)
│       ├── AccountUnset
│       ├── FlowUnreadable
│       ├── NothingToDeploy
│       └── OutcomeUnreadable
└── JobError
    └── KestraError                 the work on Kestra could not be done (exit code 1)
        ├── KestraUnreachable
        ├── AccountRefused
        ├── FlowRejected
        ├── KestraFailed
        └── ReportDisagrees
"""

from collections.abc import Iterable

from shipment_etl.errors import JobError, UsageError, listed, shorten

__all__ = [
    "AccountRefused",
    "AccountUnset",
    "FlowRejected",
    "FlowUnreadable",
    "KestraError",
    "KestraFailed",
    "KestraRefused",
    "KestraUnreachable",
    "NothingToDeploy",
    "OutcomeUnreadable",
    "ReportDisagrees",
]

LONGEST = 600


class KestraRefused(UsageError):
    """What was asked for cannot work; Kestra was not asked."""


class OutcomeUnreadable(KestraRefused):
    """A file is not the outcome of one run."""

    def __init__(self, name: str, why: Exception) -> None:
        super().__init__(
            f"{name} is not the outcome of one run ({type(why).__name__}: {str(why)[:200]}). "
            "Give what shipment-etl emr wait --reports 1 --json printed."
        )


class AccountUnset(KestraRefused):
    """The environment names no account of Kestra."""

    def __init__(self, missing: Iterable[str]) -> None:
        super().__init__(
            f"Not set: {listed(missing)}. Set the account that Kestra was started with in the environment; "
            "a password is taken from nowhere else."
        )


class FlowUnreadable(KestraRefused):
    """A file is no flow of Kestra."""

    def __init__(self, file: str, why: str) -> None:
        super().__init__(f"{file} is no flow: {why[:LONGEST]}. Mend the file, or install shipment-etl-kestra anew.")


class NothingToDeploy(KestraRefused):
    """No flow is there."""

    def __init__(self, folder: str) -> None:
        super().__init__(f"There is no flow in {folder}. Install shipment-etl-kestra anew.")


class KestraError(JobError):
    """The work on Kestra could not be done."""


class ReportDisagrees(KestraError):
    """A run's report is not what was asked for."""

    def __init__(self, run_id: str, said: str, remedy: str) -> None:
        super().__init__(f"The report of the run {shorten(run_id)} is not what was asked for: {said}. {remedy}")


class KestraUnreachable(KestraError):
    """Nothing that is Kestra answers at the URL."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"No Kestra answers at {shorten(url)}: {why[:LONGEST]}. Start it (docker compose up --detach --wait), "
            "open the tunnel to it, or name its address with --url."
        )


class AccountRefused(KestraError):
    """Kestra does not let this account in."""

    def __init__(self, url: str, username: str, status: int) -> None:
        super().__init__(
            f"Kestra at {shorten(url)} refuses the account {shorten(username)} ({status}). Set KESTRA_USERNAME and "
            "KESTRA_PASSWORD to what Kestra was started with."
        )


class FlowRejected(KestraError):
    """Kestra does not take a flow as it is. `said` is its reason; `written` are flows that were stored before it."""

    def __init__(self, flow: str, said: str, written: Iterable[str] = ()) -> None:
        self.said = said
        before = listed(written)
        state = f"Deployed before it: {before}." if before else "Nothing was changed."
        super().__init__(
            f"Kestra rejects the flow {flow}: {said[:LONGEST]} {state} Deploy the flows of the release that runs there, "
            "or upgrade Kestra to one that knows them."
        )


class KestraFailed(KestraError):
    """Kestra gave an answer that helps nobody."""

    def __init__(self, url: str, doing: str, status: int, said: str) -> None:
        super().__init__(
            f"Kestra at {shorten(url)} answered {status} when asked to {doing}: {said[:LONGEST]} "
            "Look into its log (docker compose logs kestra), and whether it is Kestra that answers there; then deploy again."
        )
