"""Steps on a kept cluster: added only once, although AWS accepts no token for them."""

from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ReadTimeoutError

from emr.test_requests import JOB, SETTINGS, valid
from emr.test_runner import Clock
from emr.world import _error
from shipment_etl_emr.calls import Calls
from shipment_etl_emr.claims import Claims
from shipment_etl_emr.clusters import Clusters
from shipment_etl_emr.target import Place


class Kept:
    """A cluster with steps, and S3 for claims. `lost` says of each add without an answer whether it was carried out."""

    def __init__(self, *lost: bool) -> None:
        self.lost = list(lost)
        self.steps: list[dict[str, Any]] = []
        self.cancelled: list[str] = []
        self.objects: dict[str, bytes] = {}
        self.written: dict[str, float] = {}
        self.clock = Clock()

    def add_job_flow_steps(self, **request: Any) -> Any:
        valid("emr", "AddJobFlowSteps", request)
        lost = self.lost.pop(0) if self.lost else None
        if lost is not False:
            created = {"CreationDateTime": datetime.fromtimestamp(len(self.steps), UTC)}
            name = {"Id": f"s-{len(self.steps)}", "Name": request["Steps"][0]["Name"]}
            self.steps.append({**name, "Status": {"State": "PENDING", "Timeline": created}})
        if lost is not None:
            raise ReadTimeoutError(endpoint_url="https://emr")
        return {"StepIds": [self.steps[-1]["Id"]]}

    def list_steps(self, ClusterId: str) -> Any:  # noqa: N803
        return {"Steps": self.steps[::-1]}

    def cancel_steps(self, **request: Any) -> None:
        valid("emr", "CancelSteps", request)
        self.cancelled += request["StepIds"]

    def put_object(self, Bucket: str, Key: str, Body: bytes, IfNoneMatch: str) -> Any:  # noqa: N803
        if Key in self.objects:
            raise _error("PreconditionFailed", 412)
        self.objects[Key] = Body
        self.written[Key] = self.clock.now
        return {"ETag": Key}

    def list_objects_v2(self, Bucket: str, Prefix: str) -> Any:  # noqa: N803
        keys = [key for key in self.objects if key.startswith(Prefix)]
        return {"Contents": [{"Key": key, "LastModified": datetime.fromtimestamp(self.written[key], UTC)} for key in keys]}

    def delete_object(self, Bucket: str, Key: str, IfMatch: str) -> None:  # noqa: N803
        del self.objects[Key]


def clusters(kept: Kept) -> Clusters:
    calls = Calls(kept.clock.timing)
    return Clusters(kept, Claims(kept, SETTINGS.logs, calls), calls, SETTINGS)


def test_a_step_whose_answer_got_lost_is_found() -> None:
    kept = Kept(True)
    assert clusters(kept).submit("j-1", JOB) == clusters(kept).submit("j-1", JOB) == Place("j-1", "s-0")
    assert len(kept.steps) == 1


def test_a_step_that_was_not_added_is_added_again() -> None:
    kept = Kept(False)
    assert clusters(kept).submit("j-1", JOB) == Place("j-1", "s-0")
    assert len(kept.steps) == 1
    assert len(kept.objects) == 2, "each attempt has its claim"


def test_after_a_failed_step_the_next_is_added() -> None:
    kept = Kept()
    clusters(kept).submit("j-1", JOB)
    kept.steps[0]["Status"]["State"] = "FAILED"
    assert clusters(kept).submit("j-1", JOB) == Place("j-1", "s-1")
    assert [step["Name"].rsplit("/", 1)[1] for step in kept.steps] == ["1", "2"]
    assert kept.cancelled == []
