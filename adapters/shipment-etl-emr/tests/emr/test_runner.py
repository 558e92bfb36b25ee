"""The runner: reports of failures, conditions of success, signals; and EMR Serverless through the same interface."""

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
from shipment_etl.errors import LakeLocked
from shipment_etl_emr.calls import Calls
from shipment_etl_emr.clusters import Clusters
from shipment_etl_emr.errors import (
    BootstrapFailed,
    ClusterFailed,
    ClusterMayLive,
    NameTaken,
    ReportFailed,
    ReportMissing,
    RunTimedOut,
    StepFailed,
)
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
    """Logs that arrive at given times."""

    def __init__(self, clock: Clock, **logs: tuple[float, str]) -> None:
        self.clock, self.logs = clock, logs
        self.more: dict[str, tuple[float, str]] = {}

    def get_object(self, Bucket: str, Key: str) -> Any:  # noqa: N803
        moment, text = self.more.get(Key) or self.logs.get(Key.rsplit("/", 1)[1].removesuffix(".gz"), (float("inf"), ""))
        if self.clock.now < moment:
            raise _error("NoSuchKey", 404)
        return {"Body": io.BytesIO(gzip.compress(text.encode()))}

    def list_objects_v2(self, Bucket: str, Prefix: str) -> Any:  # noqa: N803
        return {"Contents": [{"Key": key} for key in self.more if key.startswith(Prefix)]}


class Scripted:
    """A target that goes through given states, and records what it is asked to end."""

    def __init__(
        self, *states: tuple[str, str], on_look: Callable[[], object] = lambda: None, reason: str = "Application error"
    ) -> None:
        self.states = list(states)
        self.reason = reason
        self.on_look = on_look
        self.ended: list[tuple[str, Place | None]] = []

    def start(self, job: Job) -> Place:
        return Place("j-1", "s-1")

    def look(self, place: Place) -> Progress:
        self.on_look()
        cluster, step = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        over = step in ("COMPLETED", "FAILED", "CANCELLED") or cluster == "TERMINATED_WITH_ERRORS"
        return Progress(place, cluster, step, self.reason, "exit code 1", over)

    def cancel(self, place: Place) -> None: ...

    def end(self, run: str, place: Place | None, *, unsure: bool = False) -> None:
        self.ended.append((run, place))

    def logs_at(self, place: Place) -> str:
        return f"s3://acme-logs/emr/{place.cluster}/steps/{place.step}/"

    def ui(self, place: Place) -> str:
        raise AssertionError("the runner must not request a link to the Spark UI")


def run(target: Any, clock: Clock, timeout: float = 3_600, **logs: tuple[float, str]) -> Any:
    return EmrRunner(target, Logs(Bucket(clock, **logs), Calls(clock.timing)), clock.timing).run(JOB, timeout)


def test_success_is_a_completed_step_with_a_report_that_says_so() -> None:
    clock, target = Clock(), Scripted(("STARTING", ""), ("RUNNING", "RUNNING"), ("RUNNING", "COMPLETED"))
    outcome = run(target, clock, stdout=(300, f"words\n{json.dumps(GOOD)}\n"))
    assert outcome.reports == (GOOD,)
    assert clock.now >= 300, "it waits for the log"
    assert target.ended == [(JOB.run, Place("j-1", "s-1"))]


@pytest.mark.parametrize(
    ("told", "error", "message"),
    [
        ("nothing", ReportMissing, "s3://acme-logs/emr/j-1/steps/s-1/stdout.gz has 0 run reports instead of 1"),
        (json.dumps({**GOOD, "status": "failed"}), ReportFailed, "its run 1 reports process failed"),
        (json.dumps({**GOOD, "job": "generate"}), ReportFailed, "its run 1 reports generate succeeded"),
    ],
)
def test_a_completed_step_without_a_report_has_not_succeeded(told: str, error: type[Exception], message: str) -> None:
    target = Scripted(("RUNNING", "COMPLETED"))
    with pytest.raises(error, match=message):
        run(target, Clock(), stdout=(0, told))
    assert target.ended


def test_a_failed_step_reports_state_reason_cause_and_the_command_for_the_spark_ui() -> None:
    clock, target = Clock(), Scripted(("RUNNING", "FAILED"))
    told = "Traceback (most recent call last):\n  File app.py, line 1\nValueError: a bad partition"
    with pytest.raises(StepFailed) as caught:
        run(target, clock, stdout=(300, f"read 3 rows\n{told}\n"), stderr=(0, "26/11/26 03:37:32 ERROR Executor: noise\n"))
    assert str(caught.value) == (
        "The step j-1/s-1 is FAILED: Application error. exit code 1\n"
        f"s3://acme-logs/emr/j-1/steps/s-1/stdout.gz says:\n{told}\n"
        "Spark UI: shipment-etl emr ui j-1 s-1"
    )
    assert clock.now >= 300, "it waits for the log"
    assert target.ended
    assert not caught.value.retryable


def test_a_step_that_found_its_lake_locked_is_retryable() -> None:
    told = json.dumps({"error": LakeLocked("s3://acme-lake/a", "me", "generate", "noon", "one").to_json()})
    with pytest.raises(StepFailed, match="error: The lake s3://acme-lake/a is locked") as caught:
        run(Scripted(("RUNNING", "FAILED")), Clock(), stdout=(0, told))
    assert caught.value.retryable
    assert caught.value.exit_code == 75


def test_a_bootstrap_failure_is_final_and_shows_the_log_of_the_action() -> None:
    clock, target = Clock(), Scripted(("TERMINATED_WITH_ERRORS", "CANCELLED"), reason="BOOTSTRAP_FAILURE")
    bucket = Bucket(clock)
    folder = "emr/j-1/node/i-0abc"
    bucket.more[f"{folder}/applications/hadoop/stderr.gz"] = (0, "of no interest")
    bucket.more[f"{folder}/bootstrap-actions/1/stdout.gz"] = (0, "of no interest")
    bucket.more[f"{folder}/bootstrap-actions/1/stderr.gz"] = (90, "ImportError: libarrow.so: cannot open shared object\n")
    with pytest.raises(BootstrapFailed) as caught:
        EmrRunner(target, Logs(bucket, Calls(clock.timing)), clock.timing).run(JOB, 3_600)
    assert f"s3://acme-logs/{folder}/bootstrap-actions/1/stderr.gz says:\nImportError: libarrow.so" in str(caught.value)
    assert not caught.value.retryable
    assert ClusterFailed.retryable
    assert 90 <= clock.now < 200


def test_a_bootstrap_failure_without_a_log_is_still_reported() -> None:
    clock = Clock()
    with pytest.raises(BootstrapFailed, match="s3://acme-logs/emr/j-1/node/ says:\nnothing yet"):
        run(Scripted(("TERMINATED_WITH_ERRORS", "CANCELLED"), reason="BOOTSTRAP_FAILURE"), clock)
    assert clock.now < 400


def test_the_reason_of_a_cluster_is_reported_instead_of_its_steps() -> None:
    class Described:
        def describe_cluster(self, ClusterId: str) -> Any:  # noqa: N803
            change = {"Code": "BOOTSTRAP_FAILURE", "Message": "bootstrap action 1 returned a non-zero return code"}
            return {"Cluster": {"Status": {"State": "TERMINATED_WITH_ERRORS", "StateChangeReason": change}}}

        def describe_step(self, ClusterId: str, StepId: str) -> Any:  # noqa: N803
            return {
                "Step": {
                    "Status": {"State": "CANCELLED", "StateChangeReason": {"Code": "NONE", "Message": "Job terminated"}}
                }
            }

    progress = Clusters(Described(), None, Calls(Clock().timing), SETTINGS).look(Place("j-1", "s-1"))  # type: ignore[arg-type]
    assert (progress.reason, progress.message) == ("BOOTSTRAP_FAILURE", "bootstrap action 1 returned a non-zero return code")


def test_waiting_for_a_missing_log_has_a_limit() -> None:
    clock = Clock()
    with pytest.raises(StepFailed, match="s3://acme-logs/emr/j-1/steps/s-1/ says:\nnothing yet"):
        run(Scripted(("RUNNING", "FAILED")), clock)
    assert clock.now < 1_000


def test_a_cluster_that_failed_before_its_step_is_reported_at_once() -> None:
    clock = Clock()
    with pytest.raises(ClusterFailed, match="The cluster j-1 is TERMINATED_WITH_ERRORS and never ran its step"):
        run(Scripted(("TERMINATED_WITH_ERRORS", "CANCELLED")), clock)
    assert clock.now < 60


def test_a_run_that_takes_too_long_is_ended() -> None:
    target = Scripted(("RUNNING", "RUNNING"))
    told = r"did not finish within .* s; its last state was cluster j-1 RUNNING · step s-1 RUNNING"
    with pytest.raises(RunTimedOut, match=told):
        run(target, Clock(), 600)
    assert target.ended


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_real_signal_ends_the_run_and_a_second_one_is_ignored(number: int) -> None:
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
    """A fake EMR Serverless with what a run needs: a token always returns the same job run, and cancelling takes time."""

    def __init__(self, clock: Clock, *ends: str, cancel_takes: float = 30) -> None:
        self.clock, self.ends, self.cancel_takes = clock, list(ends), cancel_takes
        self.runs: dict[str, dict[str, Any]] = {}
        self.cancelled: list[str] = []

    def start_job_run(self, **request: Any) -> Any:
        valid("emr-serverless", "StartJobRun", request)
        made = {
            "id": f"r-{len(self.runs)}",
            "name": request["name"],
            "createdAt": datetime.fromtimestamp(self.clock.now, UTC),
        }
        if request["clientToken"] not in self.runs:
            self.runs[request["clientToken"]] = {**made, "state": self.ends.pop(0)}
        return {"jobRunId": self.runs[request["clientToken"]]["id"]}

    def get_job_run(self, applicationId: str, jobRunId: str) -> Any:  # noqa: N803
        found = next(each for each in self.runs.values() if each["id"] == jobRunId)
        if found["state"] == "CANCELLING" and self.clock.now >= found["asked"] + self.cancel_takes:
            found["state"] = "CANCELLED"
        return {"jobRun": found}

    def list_job_runs(self, **asked: Any) -> Any:
        valid("emr-serverless", "ListJobRuns", asked)
        return {"jobRuns": [each for each in self.runs.values() if each["createdAt"] >= asked["createdAtAfter"]]}

    def cancel_job_run(self, applicationId: str, jobRunId: str) -> None:  # noqa: N803
        found = next(each for each in self.runs.values() if each["id"] == jobRunId)
        if found["state"] != "RUNNING":
            raise _error("ValidationException", 400)
        self.cancelled.append(jobRunId)
        found.update(state="CANCELLING", asked=self.clock.now)


def serverless(*ends: str, **more: Any) -> tuple[Clock, FakeServerless, Serverless]:
    clock = Clock()
    clock.now = 1_800_000_000.0
    client = FakeServerless(clock, *ends, **more)
    return clock, client, Serverless(client, Calls(clock.timing), SERVERLESS)


def test_serverless_runs_through_the_same_interface() -> None:
    clock, client, target = serverless("SUCCESS")
    outcome = run(target, clock, stdout=(0, json.dumps(GOOD)))
    assert outcome.place == Place("00f", "r-0")
    assert run(target, clock, stdout=(0, json.dumps(GOOD))).place == outcome.place, "finished work is not repeated"
    assert target.logs_at(outcome.place) == "s3://acme-logs/emr/applications/00f/jobs/r-0/SPARK_DRIVER/"
    assert client.cancelled == []


def test_serverless_starts_the_next_after_a_failed_one_and_cancels_what_took_too_long() -> None:
    clock, client, target = serverless("FAILED", "RUNNING")
    first = target.start(JOB)
    assert first == target.start(JOB) == Place("00f", "r-1")
    with pytest.raises(RunTimedOut):
        run(target, clock, 600)
    assert client.cancelled == ["r-1"]
    target.end(JOB.run, None, unsure=True)
    assert client.cancelled == ["r-1"], "a job run that has ended is not cancelled again"


def test_starting_job_runs_that_fail_at_once_has_a_limit() -> None:
    _, client, target = serverless(*["FAILED"] * 40)
    place = target.start(JOB)
    assert target.look(place).step == "FAILED"
    assert len(client.runs) == 5


@pytest.mark.parametrize("known", [True, False])
def test_the_end_on_serverless_is_confirmed(known: bool) -> None:
    clock, client, target = serverless("RUNNING", cancel_takes=200)
    place, start = target.start(JOB), clock.now
    target.end(JOB.run, place if known else None)
    assert target.look(place).step == "CANCELLED"
    assert clock.now >= start + 200
    assert client.cancelled == ["r-0"]


def test_an_end_on_serverless_that_cannot_be_confirmed_is_reported() -> None:
    _, _, target = serverless("RUNNING", cancel_takes=10_000)
    target.start(JOB)
    with pytest.raises(ClusterMayLive, match="it is still CANCEL_PENDING 300 s after it was cancelled"):
        target.end(JOB.run, None)


def test_a_job_run_that_ends_while_it_is_cancelled_is_no_error() -> None:
    _, client, target = serverless("RUNNING")
    place = target.start(JOB)

    def late(**given: Any) -> None:
        client.runs[next(iter(client.runs))]["state"] = "SUCCESS"
        raise _error("ValidationException", 400)

    client.cancel_job_run = late  # type: ignore[method-assign]
    target.end(JOB.run, place)
    assert target.look(place).step == "COMPLETED"


DAY = 86_400


@pytest.mark.parametrize("state", ["SUCCESS", "FAILED"])
def test_a_name_can_be_reused_after_a_long_time(state: str) -> None:
    clock, _, target = serverless(state, state, "RUNNING")
    target._start(JOB, 1)
    target._start(JOB, 2)
    clock.now += 30 * DAY
    assert target.start(JOB) == Place("00f", "r-2"), "not an old job run that AWS remembers"
    assert target.start(JOB) == Place("00f", "r-2")


def test_a_job_run_that_runs_for_days_is_resumed() -> None:
    clock, client, _ = serverless("RUNNING")
    target = Serverless(client, Calls(clock.timing), replace(SERVERLESS, max_age_minutes=7 * 24 * 60))
    first = target.start(JOB)
    clock.now += 6 * DAY
    assert target.start(JOB) == first


def test_a_name_with_too_many_earlier_job_runs_is_refused() -> None:
    clock, _, target = serverless(*["SUCCESS"] * 40)
    for attempt in range(1, 31):
        target._start(JOB, attempt)
    clock.now += 30 * DAY
    with pytest.raises(NameTaken, match="Use another name, with --run"):
        target.start(JOB)
