"""The adapter on local AWS: the same service, with settings of its own, and no patience with what is near."""

import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from shipment_etl_emr.calls import Calls
from shipment_etl_emr.local.background import reach, status_of
from shipment_etl_emr.local.client import CODE, LAKE, LOGS, LocalAws, lead_process
from shipment_etl_emr.logs import Logs
from shipment_etl_emr.service import Service
from shipment_etl_emr.settings import Settings
from shipment_etl_emr.timing import Timing

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LocalService", "local_service"]

PATIENCE_SECONDS = 15.0
SPARK = "spark"
HASTE, MAX_PAUSE = 10, 1.0
QUICK = Timing(sleep=lambda seconds: time.sleep(min(seconds / HASTE, MAX_PAUSE)))


@dataclass
class LocalService(Service):
    """All that a run needs, on this machine.

    Attributes:
        nodes: whether clusters have nodes, which need a package; else steps run on what is installed here.
    """

    lake: str | None = LAKE
    nodes: bool = False

    @cached_property
    def calls(self) -> Calls:
        """Calls with little patience: what does not answer here has ended."""
        return Calls(self.timing, PATIENCE_SECONDS)

    @cached_property
    def logs(self) -> Logs:
        """The logs of steps, which are there when a step is over."""
        return Logs(self.client("s3"), self.calls, PATIENCE_SECONDS)

    def upload_bootstrap(self) -> str:
        """Upload the bootstrap action where there are nodes; else return that there is none."""
        return super().upload_bootstrap() if self.nodes else ""

    def package(self, given: str | None) -> str:
        """Return the package where there are nodes, or where one was given; else that there is none."""
        return super().package(given) if given or self.nodes else ""


def local_service(settings: Settings | None, tell: "Callable[[LocalAws], None]") -> LocalService:
    """Return the service of the local AWS that runs, which is started if none does; this process is led to it for good.

    Args:
        settings: where and on what; None takes the buckets that are there from the start.
        tell: is told of one that was started now.

    Raises:
        LocalAwsMissing, LocalAwsFailed: there is none, and none can be started.
    """
    aws, new = reach()
    if new:
        tell(aws)
    lead_process(aws.environment)
    nodes = (status_of(aws.endpoint) or {}).get("engine") == SPARK
    settings = settings or Settings(code=CODE, logs=LOGS, region=aws.region)
    return LocalService(settings, aws.endpoint, timing=QUICK, nodes=nodes)
