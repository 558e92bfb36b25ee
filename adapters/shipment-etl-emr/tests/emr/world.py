"""A simulated EMR and S3 with its own clock, which injects all kinds of faults from a seeded random generator.

Clients see it through objects that look like boto3's. A call may be throttled, fail with 5xx or lose its answer, before or
after it was carried out. A creation may be refused, or take effect only after its client gave up. Lists lag behind. A client
may be killed, be told to stop, or be suspended while another one runs the same job.
"""

import gzip
import hashlib
import io
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from shipment_etl_emr.signals import Stopped
from shipment_etl_emr.timing import Timing

LATEST_CREATION = 60.0
"""Maximum seconds from a call until its cluster exists; a client gives up waiting for an answer after 60."""
LISTS_LAG = 20.0
ENDING_TAKES = 60.0
REFUSALS = ("AccessDeniedException", "ValidationException", "InvalidRequestException", "ExpiredTokenException")
OUTCOMES = ("good",) * 6 + ("fail", "fail", "hang", "lies", "silent", "boot")


class Killed(BaseException):
    """The client was killed: it does no cleanup."""


@dataclass
class Cluster:
    name: str
    request: dict[str, Any]
    born: float
    listed: float
    up: float
    takes: float
    outcome: str
    logs_late: float
    told_to_end: float | None = None

    @property
    def run(self) -> str:
        return self.tags.get("shipment-etl:run", "")

    @property
    def tags(self) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self.request.get("Tags", [])}

    @property
    def transient(self) -> bool:
        return not self.request["Instances"]["KeepJobFlowAliveWhenNoSteps"]

    @property
    def ends(self) -> float:
        """When it starts to end, by itself or because it was terminated."""
        by_itself = float("inf")
        if self.outcome == "boot":
            by_itself = self.up
        elif self.transient and self.outcome != "hang":
            by_itself = self.up + self.takes
        elif not self.transient:
            by_itself = self.up + self.request["AutoTerminationPolicy"]["IdleTimeout"]
        return min(by_itself, self.told_to_end if self.told_to_end is not None else float("inf"))

    @property
    def worked(self) -> tuple[float, float] | None:
        """When its step started and stopped working."""
        if self.outcome == "boot" or self.ends <= self.up or not self.request["Steps"]:
            return None
        return self.up, min(self.ends, self.up + (self.takes if self.outcome != "hang" else float("inf")))

    def state(self, now: float) -> str:
        if now >= self.ends + ENDING_TAKES:
            return "TERMINATED" if self.outcome in ("good", "lies", "silent") else "TERMINATED_WITH_ERRORS"
        if now >= self.ends:
            return "TERMINATING"
        return "STARTING" if now < self.up else "RUNNING" if self.transient else "WAITING"

    def step_state(self, now: float) -> str:
        if now >= self.ends and (self.worked is None or self.worked[1] < self.up + self.takes):
            return "CANCELLED"
        if now < self.up:
            return "PENDING"
        if self.outcome == "hang" or now < self.up + self.takes:
            return "RUNNING"
        return "FAILED" if self.outcome == "fail" else "COMPLETED"


@dataclass
class Faults:
    """The faults of one client; `rate` is the share of calls that fail, `refused` that of creations refused."""

    rate: float = 0.0
    refused: float = 0.0
    slow: float = 0.0
    kill_at: int = -1
    stop_at: int = -1
    stall_at: int = -1
    while_asleep: Callable[[], object] = lambda: None


@dataclass
class World:
    seed: int
    outcomes: tuple[str, ...] = OUTCOMES
    now: float = 1_800_000_000.0
    clusters: list[Cluster] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    written: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def alive(self, run: str | None = None) -> list[Cluster]:
        return [
            each
            for each in self.clusters
            if each.born <= self.now < each.ends and each.run and (run is None or each.run == run)
        ]

    def client(self, faults: Faults) -> "Client":
        return Client(self, faults)

    def create(self, request: dict[str, Any], late: float = 0.0) -> Cluster:
        born = self.now + late
        cluster = Cluster(
            name=f"j-{len(self.clusters)}",
            request=request,
            born=born,
            listed=born + self.random.choice((0, 0, self.random.uniform(0, LISTS_LAG))),
            up=born + self.random.uniform(120, 600),
            takes=self.random.choice((30, 300, 1_200)),
            outcome=self.random.choice(self.outcomes),
            logs_late=self.random.uniform(0, 500),
        )
        self.clusters.append(cluster)
        return cluster

    def log(self, key: str) -> bytes | None:
        cluster, _, _, file = key.removeprefix("emr/").split("/")
        found = next(each for each in self.clusters if each.name == cluster)
        if found.worked is None or self.now < found.worked[1] + found.logs_late:
            return None
        if file != "stdout.gz":
            return gzip.compress(b"INFO waitProcessCompletion ended with exit code 1 : hadoop jar\n")
        if found.outcome == "fail":
            return gzip.compress(b"Traceback (most recent call last):\nValueError: a bad partition\n")
        report = {"run_id": "1", "job": "process", "status": "failed" if found.outcome == "lies" else "succeeded"}
        told = found.outcome in ("good", "lies") and found.step_state(self.now) == "COMPLETED"
        return gzip.compress(json.dumps(report).encode() if told else b"nothing of use\n")


class Client:
    """One process: its clients of EMR and S3, its clock, and its faults."""

    def __init__(self, world: World, faults: Faults) -> None:
        self.world = world
        self.faults = faults
        self.calls = 0
        self.dead = False
        self.exceptions = ClientError
        self.timing = Timing(lambda: world.now, self._sleep, world.random.random)

    # EMR.

    def run_job_flow(self, **request: Any) -> Any:
        def run(late: float = 0.0) -> Any:
            if self.world.random.random() < self.faults.refused:
                raise _error(self.world.random.choice(REFUSALS), 400)
            return {"JobFlowId": self.world.create(request, late).name}

        return self._call(run, may_be_late=True)

    def list_clusters(self, **asked: Any) -> Any:
        def listed() -> Any:
            return {
                "Clusters": [
                    {"Id": each.name, "Name": each.request["Name"]}
                    for each in self.world.clusters
                    if each.listed <= self.world.now
                    and each.born >= asked.get("CreatedAfter", datetime.fromtimestamp(0, UTC)).timestamp()
                    and each.state(self.world.now) in asked.get("ClusterStates", [each.state(self.world.now)])
                ][::-1]
            }

        return self._call(listed)

    def describe_cluster(self, ClusterId: str) -> Any:  # noqa: N803
        def described() -> Any:
            found = self._cluster(ClusterId)
            status = {
                "State": found.state(self.world.now),
                "StateChangeReason": {"Code": "SOME_CODE", "Message": "some message"},
                "Timeline": {"CreationDateTime": datetime.fromtimestamp(found.born, UTC)},
            }
            return {"Cluster": {"Id": found.name, "Status": status, "Tags": found.request.get("Tags", [])}}

        return self._call(described)

    def list_steps(self, ClusterId: str) -> Any:  # noqa: N803
        def listed() -> Any:
            found = self._cluster(ClusterId)
            status = {"State": found.step_state(self.world.now)}
            return {"Steps": [{"Id": "s-1", "Name": step["Name"], "Status": status} for step in found.request["Steps"]]}

        return self._call(listed)

    def describe_step(self, ClusterId: str, StepId: str) -> Any:  # noqa: N803
        return self._call(lambda: {"Step": {"Status": {"State": self._cluster(ClusterId).step_state(self.world.now)}}})

    def terminate_job_flows(self, JobFlowIds: list[str]) -> Any:  # noqa: N803
        def terminated() -> Any:
            for name in JobFlowIds:
                found = self._cluster(name)
                found.told_to_end = min(found.told_to_end or float("inf"), self.world.now)
            return {}

        return self._call(terminated)

    # S3.

    def put_object(self, Bucket: str, Key: str, Body: bytes, IfNoneMatch: str) -> Any:  # noqa: N803
        def put() -> Any:
            if Key in self.world.objects:
                raise _error("PreconditionFailed", 412)
            self.world.objects[Key] = Body
            self.world.written[Key] = self.world.now
            return {"ETag": _etag(Body)}

        return self._call(put)

    def delete_object(self, Bucket: str, Key: str, IfMatch: str) -> Any:  # noqa: N803
        def delete() -> Any:
            if Key in self.world.objects and _etag(self.world.objects[Key]) != IfMatch:
                raise _error("PreconditionFailed", 412)
            self.world.objects.pop(Key, None)
            return {}

        return self._call(delete)

    def list_objects_v2(self, Bucket: str, Prefix: str) -> Any:  # noqa: N803
        def listed() -> Any:
            keys = [key for key in self.world.objects if key.startswith(Prefix)]
            found = [{"Key": key, "LastModified": datetime.fromtimestamp(self.world.written[key], UTC)} for key in keys]
            headers = {"date": format_datetime(datetime.fromtimestamp(self.world.now, UTC), usegmt=True)}
            return {"Contents": found, "ResponseMetadata": {"HTTPHeaders": headers}}

        return self._call(listed)

    def get_object(self, Bucket: str, Key: str) -> Any:  # noqa: N803
        def got() -> Any:
            data = self.world.log(Key) if Key.endswith(".gz") else self.world.objects.get(Key)
            if data is None:
                raise _error("NoSuchKey", 404)
            return {"Body": io.BytesIO(data), "ETag": _etag(data)}

        return self._call(got)

    def _cluster(self, name: str) -> Cluster:
        found = next((each for each in self.world.clusters if each.name == name and each.born <= self.world.now), None)
        if found is None:
            raise _error("InvalidRequestException", 400)
        return found

    def _call(self, effect: Callable[..., Any], *, may_be_late: bool = False) -> Any:
        self._happens()
        chance = self.world.random
        self.world.now += chance.uniform(1, 50) if chance.random() < self.faults.slow else 0.2
        if chance.random() >= self.faults.rate:
            answer = effect()
            self._happens()
            return answer
        done = chance.random() < 0.5
        if may_be_late and done:
            effect(chance.uniform(0, LATEST_CREATION))
        elif done:
            effect()
        self._happens()
        raise chance.choice(
            (
                _error("ThrottlingException", 400),
                _error("InternalServerException", 500),
                _error("ServiceUnavailable", 503),
                ReadTimeoutError(endpoint_url="https://emr"),
            )
        )

    def _sleep(self, seconds: float) -> None:
        self._happens()
        self.world.now += seconds
        self._happens()

    def _happens(self) -> None:
        """Count an event, before and after each call and sleep, and inject the faults that are due."""
        if self.dead:
            raise Killed
        self.calls += 1
        if self.calls == self.faults.stall_at:
            self.faults.while_asleep()
        if self.calls == self.faults.kill_at:
            self.dead = True
            raise Killed
        if self.calls == self.faults.stop_at:
            raise Stopped(15)


def _error(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Call")  # type: ignore[typeddict-item]


def _etag(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'
