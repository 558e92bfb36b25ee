"""Trigger: waits for a job on EMR without holding a worker."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from shipment_etl_airflow.connected import connect
from shipment_etl_emr import Place, Progress, Service
from shipment_etl_emr.timing import next_pause

__all__ = ["EmrJobTrigger"]


class EmrJobTrigger(BaseTrigger):
    """Polls a job until it is over or its deadline has passed.

    Its event holds `over`, `cluster`, `step`, and `state` for a message.

    Args:
        settings: file emr.toml.
        connection: ID of a connection of type aws.
        run: name of the run.
        cluster: ID of its cluster.
        step: ID of its step.
        deadline: in seconds since 1970.
    """

    def __init__(self, settings: str, connection: str, run: str, cluster: str, step: str, deadline: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._arguments = {
            "settings": settings,
            "connection": connection,
            "run": run,
            "cluster": cluster,
            "step": step,
            "deadline": deadline,
        }
        self._settings, self._connection, self._run = settings, connection, run
        self._place, self._deadline = Place(cluster, step), deadline

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and arguments that the triggerer creates it from."""
        return f"{type(self).__module__}.{type(self).__qualname__}", dict(self._arguments)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event."""
        # boto3 blocks, and one thread of the triggerer serves all triggers.
        service = await asyncio.to_thread(self._service)
        place, last, pause = self._place, None, 0.0
        while True:
            progress: Progress = await asyncio.to_thread(service.target.look, place)
            if progress != last:
                self.log.info("%s", progress)
            place = progress.place
            if progress.over or time.time() >= self._deadline:
                event = {"over": progress.over, "cluster": place.cluster, "step": place.step, "state": str(progress)}
                yield TriggerEvent(event)  # type: ignore[no-untyped-call]
                return
            pause = next_pause(pause, changed=progress != last)
            last = progress
            await asyncio.sleep(max(min(pause, self._deadline - time.time()), 0))

    async def on_kill(self) -> None:
        """End the run's cluster: a user marked or cleared the task. A triggerer that restarts does not call this."""
        service = await asyncio.to_thread(self._service)
        await asyncio.to_thread(service.target.end, self._run, self._place)

    def _service(self) -> Service:
        return connect(self._settings, self._connection)
