"""The runner: what a failure tells, when a job is green, signals; and EMR Serverless through the same door."""

import gzip
import io
import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from emr.test_requests import JOB, SETTINGS, valid
from emr.world import _error
from shipment_etl_emr.calls import Calls
from shipment_etl_emr.errors import ClusterFailed, ReportFailed, ReportMissing, RunTimedOut, StepFailed
from shipment_etl_emr.logs import Logs, reports_in
from shipment_etl_emr.runner import EmrRunner
from shipment_etl_emr.serverless import Serverless
from shipment_etl_emr.signals import Stopped
from shipment_etl_emr.target import Job, Place, Progress
from shipment_etl_emr.timing import Timing

SERVERLESS = replace(SETTINGS, target="serverless", application="00f", job_role="arn:aws:iam::123456789012:role/jobs")
GOOD = {"run_id": "1", "job": "process", "status": "succeeded"}


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.timing = Timing(lambda: self.now, self.sleep, lambda: 0.5)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Bucket:
    """Logs that arrive at their time."""

    def __init__(self, clock: Clock, **logs: tuple[float, str]) -> None:
        self.clock, self.logs = clock, logs

    def get_object(self, Bucket: str, Key: str) -> Any:  # noqa: N803
        name = Key.rsplit("/", 1)[1].removesuffix(".gz")
        if name not in self.logs or self.clock.now < self.logs[name][0]:
            raise _error("NoSuchKey", 404)
        return {"Body": io.BytesIO(gzip.compress(self.logs[name][1].encode()))}


class Scripted:
    """A target that goes through some states, and notes what it is told."""

    def __init__(self, *states: tuple[str, str], on_look: Callable[[], object] = lambda: None) -> None:
        self.states = list(states)
        self.on_look = on_look
        self.ended: list[tuple[str, Place | None]] = []

    def start(self, job: Job) -> Place:
        return Place("j-1", "s-1")

    def look(self, place: Place) -> Progress:
        self.on_look()
        cluster, step = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        over = step in ("COMPLETED", "FAILED", "CANCELLED") or cluster == "TERMINATED_WITH_ERRORS"
        return Progress(place, cluster, step, "Application error", "exit code 1", over)

    def cancel(self, place: Place) -> None: ...

    def end(self, run: str, place: Place | None, *, unsure: bool = False) -> None:
        self.ended.append((run, place))

    def logs_at(self, place: Place) -> str:
        return f"s3://acme-logs/emr/{place.cluster}/steps/{place.step}/"

    def ui(self, place: Place) -> str:
        return "https://ui"


def run(target: Any, clock: Clock, timeout: float = 3_600, **logs: tuple[float, str]) -> Any:
    return EmrRunner(target, Logs(Bucket(clock, **logs), Calls(clock.timing)), clock.timing).run(JOB, timeout)


def test_green_is_a_step_that_completed_and_a_report_that_says_so() -> None:
    clock, target = Clock(), Scripted(("STARTING", ""), ("RUNNING", "RUNNING"), ("RUNNING", "COMPLETED"))
    outcome = run(target, clock, stdout=(300, f"words\n{json.dumps(GOOD)}\n"))
    assert outcome.reports == (GOOD,)
    assert clock.now >= 300, "it waits for the log"
    assert target.ended == [(JOB.run, Place("j-1", "s-1"))]


@pytest.mark.parametrize(
    ("told", "error", "message"),
    [
        ("nothing", ReportMissing, "0 reports of runs are in s3://acme-logs/emr/j-1/steps/s-1/stdout.gz where 1 must be"),
        (json.dumps({**GOOD, "status": "failed"}), ReportFailed, "its run 1 reports process failed"),
        (json.dumps({**GOOD, "job": "generate"}), ReportFailed, "its run 1 reports generate succeeded"),
    ],
)
def test_a_step_that_completed_without_proof_is_not_green(told: str, error: type[Exception], message: str) -> None:
    target = Scripted(("RUNNING", "COMPLETED"))
    with pytest.raises(error, match=message):
        run(target, Clock(), stdout=(0, told))
    assert target.ended


def test_a_failed_step_tells_state_reason_log_and_link() -> None:
    clock, target = Clock(), Scripted(("RUNNING", "FAILED"))
    lines = "\n".join(f"line {number}" for number in range(100))
    with pytest.raises(StepFailed) as caught:
        run(target, clock, stderr=(400, f"{lines}\nValueError: a bad partition\n"))
    told = str(caught.value)
    assert told.startswith("The step j-1/s-1 is FAILED: Application error. exit code 1\nIts log ends with:\nline 61\n")
    assert told.endswith("ValueError: a bad partition\nSpark UI: https://ui")
    assert clock.now >= 400, "it waits for the log"
    assert target.ended


def test_a_log_that_never_comes_is_not_waited_for_without_end() -> None:
    clock = Clock()
    with pytest.raises(StepFailed, match="Its log has not arrived at s3://acme-logs/emr/j-1/steps/s-1/; look there later"):
        run(Scripted(("RUNNING", "FAILED")), clock)
    assert clock.now < 1_000


def test_a_cluster_that_failed_before_its_step_is_told_at_once() -> None:
    clock = Clock()
    with pytest.raises(ClusterFailed, match="The cluster j-1 is TERMINATED_WITH_ERRORS and never ran its step"):
        run(Scripted(("TERMINATED_WITH_ERRORS", "CANCELLED")), clock)
    assert clock.now < 60


def test_a_run_that_takes_too_long_is_ended() -> None:
    target = Scripted(("RUNNING", "RUNNING"))
    with pytest.raises(RunTimedOut, match=r"not done after .* s; its last state was cluster j-1 RUNNING · step s-1 RUNNING"):
        run(target, Clock(), 600)
    assert target.ended


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_real_signal_ends_the_run_and_a_second_one_does_not_disturb(number: int) -> None:
    target = Scripted(("RUNNING", "RUNNING"), on_look=lambda: os.kill(os.getpid(), number))
    ends = target.end

    def end(*given: Any, **more: Any) -> None:
        os.kill(os.getpid(), number)
        ends(*given, **more)

    target.end = end  # type: ignore[method-assign]
    before = signal.getsignal(number)
    with pytest.raises(Stopped):
        run(target, Clock())
    assert len(target.ended) == 1
    assert signal.getsignal(number) is before


def test_only_lines_that_are_reports_count() -> None:
    assert reports_in(f'{{"a": 1}}\n{{not json\n[1]\n{json.dumps(GOOD)}\n') == [GOOD]


class FakeServerless:
    """EMR Serverless as far as a run needs it: a token stands for one job run for good."""

    def __init__(self, *ends: str) -> None:
        self.ends = list(ends)
        self.runs: dict[str, dict[str, Any]] = {}
        self.cancelled: list[str] = []

    def start_job_run(self, **request: Any) -> Any:
        valid("emr-serverless", "StartJobRun", request)
        made = {"id": f"r-{len(self.runs)}", "name": request["name"], "createdAt": datetime(2026, 11, 23, tzinfo=UTC)}
        if request["clientToken"] not in self.runs:
            self.runs[request["clientToken"]] = {**made, "state": self.ends.pop(0)}
        return {"jobRunId": self.runs[request["clientToken"]]["id"]}

    def get_job_run(self, applicationId: str, jobRunId: str) -> Any:  # noqa: N803
        return {"jobRun": next(each for each in self.runs.values() if each["id"] == jobRunId)}

    def list_job_runs(self, **asked: Any) -> Any:
        return {"jobRuns": list(self.runs.values())}

    def cancel_job_run(self, applicationId: str, jobRunId: str) -> None:  # noqa: N803
        self.cancelled.append(jobRunId)


def test_serverless_goes_through_the_same_door() -> None:
    clock, client = Clock(), FakeServerless("SUCCESS")
    target = Serverless(client, Calls(clock.timing), SERVERLESS)
    outcome = run(target, clock, stdout=(0, json.dumps(GOOD)))
    assert outcome.place == Place("00f", "r-0")
    assert run(target, clock, stdout=(0, json.dumps(GOOD))).place == outcome.place, "done work is not done again"
    assert target.logs_at(outcome.place) == "s3://acme-logs/emr/applications/00f/jobs/r-0/SPARK_DRIVER/"
    assert client.cancelled == []


def test_serverless_starts_the_next_after_a_failed_one_and_cancels_what_took_too_long() -> None:
    clock, client = Clock(), FakeServerless("FAILED", "RUNNING")
    target = Serverless(client, Calls(clock.timing), SERVERLESS)
    first = target.start(JOB)
    assert first == target.start(JOB) == Place("00f", "r-1")
    with pytest.raises(RunTimedOut):
        run(target, clock, 600)
    assert client.cancelled == ["r-1"]
    target.end(JOB.run, None, unsure=True)
    assert client.cancelled == ["r-1", "r-1"]
