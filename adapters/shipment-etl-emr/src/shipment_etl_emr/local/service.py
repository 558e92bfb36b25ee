"""The service on local AWS: with its own default settings and short timeouts."""

import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from shipment_etl_emr.calls import Calls
from shipment_etl_emr.local.background import reach, status_of
from shipment_etl_emr.local.client import CODE, LAKE, LOGS, LocalAws, redirect_process
from shipment_etl_emr.local.engines import EngineName
from shipment_etl_emr.logs import Logs
from shipment_etl_emr.service import Service
from shipment_etl_emr.settings import Settings
from shipment_etl_emr.timing import Timing

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LocalService", "local_service"]

PATIENCE_SECONDS = 15.0
HASTE, MAX_PAUSE = 10, 1.0
QUICK = Timing(sleep=lambda seconds: time.sleep(min(seconds / HASTE, MAX_PAUSE)))


@dataclass
class LocalService(Service):
    """All that a run needs from AWS, on this machine.

    Attributes:
        nodes: whether clusters have nodes, which need a package; otherwise steps run in this environment.
    """

    lake: str | None = LAKE
    nodes: bool = False

    @cached_property
    def calls(self) -> Calls:
        """Calls with few retries: a server here that does not answer has ended."""
        return Calls(self.timing, PATIENCE_SECONDS)

    @cached_property
    def logs(self) -> Logs:
        """The logs of steps, which exist as soon as a step is over."""
        return Logs(self.client("s3"), self.calls, PATIENCE_SECONDS)

    def upload_bootstrap(self) -> str:
        """Upload the bootstrap action if there are nodes, and return its URI; otherwise return an empty text."""
        return super().upload_bootstrap() if self.nodes else ""

    def package(self, given: str | None) -> str:
        """Return the package's URI if there are nodes or a package was given; otherwise return an empty text."""
        return super().package(given) if given or self.nodes else ""


def local_service(settings: Settings | None, tell: "Callable[[LocalAws], None]") -> LocalService:
    """Return the service of the running local AWS, or start one; this process stays pointed to it.

    Args:
        settings: where and on what jobs run; None uses the buckets that exist from the start.
        tell: called with the local AWS if it was started now.

    Raises:
        LocalAwsMissing, LocalAwsFailed: none is running, and none can be started.
    """
    aws, new = reach()
    if new:
        tell(aws)
    redirect_process(aws.environment)
    nodes = (status_of(aws.endpoint) or {}).get("engine") == EngineName.spark
    settings = settings or Settings(code=CODE, logs=LOGS, region=aws.region)
    return LocalService(settings, aws.endpoint, timing=QUICK, nodes=nodes)
