"""All errors of local AWS. Each says what is wrong, where, and what to do.

EmrRefused
├── LocalAwsMissing
├── LocalAwsRuns
└── NoLocalAws
EmrError
└── LocalAwsFailed
"""

from shipment_etl.errors.installing import install_command
from shipment_etl_emr.errors import EmrError, EmrRefused

__all__ = ["LocalAwsFailed", "LocalAwsMissing", "LocalAwsRuns", "NoLocalAws"]

MAX_SAID = 600
"""Maximum number of characters from the end of its log."""


class LocalAwsMissing(EmrRefused):
    """A package that local AWS needs is not installed."""

    template = "Local AWS needs {package}, which is not installed."
    remedy = "Install it with: {command}"

    def __init__(self, package: str) -> None:
        super().__init__(package=package, command=install_command("local", package, of="shipment-etl-emr"))


class LocalAwsRuns(EmrRefused):
    """Local AWS is already running."""

    template = "Local AWS is already running, at {endpoint}."
    remedy = "Use it, or stop it first: shipment-etl local-aws down"

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint=endpoint)


class NoLocalAws(EmrRefused):
    """Local AWS is not running."""

    template = "Local AWS is not running."
    remedy = "Start it with: shipment-etl local-aws up"

    def __init__(self) -> None:
        super().__init__()


class LocalAwsFailed(EmrError):
    """Local AWS could not be started or stopped."""

    template = "Local AWS failed: {said:.600}"
    remedy = "Fix that, then start it again."

    def __init__(self, said: str) -> None:
        super().__init__(said=said[-MAX_SAID:] or "it printed nothing.")
