"""A real Airflow: runs on schedule, started and stopped by hand; its logs in S3, and its pages in a browser."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shipment_etl_emr.local import LocalAws
from tests.reporting.chromium import needs_chromium

from .home import ADAPTER, ROOT, alive, client, clusters, environment, furnish
from .pages import photograph
from .standalone import Airflow, Refused, standalone

SCREENSHOTS = os.environ.get("SCREENSHOTS")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not SCREENSHOTS, reason="starts a complete Airflow, which takes minutes and 1 GB: nox -s airflow"),
]

GENERATION, PROCESSING, CHECK = "data_generation", "data_processing", "shipment_etl_check"
TASKS = ("prepare", "run_job", "publish", "end_cluster")


@pytest.fixture(scope="module")
def airflow(aws: LocalAws, home: Path) -> Iterator[Airflow]:
    variables = environment(home, aws, ADAPTER / "dags")
    furnish(home, aws, variables)
    with standalone(home, variables) as started:
        yield started


def test_all_dags_are_found_and_paused(airflow: Airflow) -> None:
    def found() -> list[dict[str, object]]:
        every = list(airflow.call("GET", "/api/v2/dags")["dags"])
        return every if len(every) == 3 else []

    dags = {str(each["dag_id"]): each for each in airflow.until("all DAGs are read", found)}
    assert sorted(dags) == [GENERATION, PROCESSING, CHECK]
    assert all(each["is_paused"] for each in dags.values())
    assert all(dags[name]["max_active_runs"] == 1 for name in (GENERATION, PROCESSING))
    assert airflow.call("GET", "/api/v2/importErrors")["import_errors"] == []


def test_the_pages_require_the_generated_password(airflow: Airflow) -> None:
    assert len(airflow.password) >= 16
    assert airflow.password != "admin"
    with pytest.raises(Refused, match="401"):
        Airflow(airflow.url, "admin").login()
    with pytest.raises(Refused, match="401"):
        Airflow(airflow.url).runs(GENERATION)


def test_both_run_on_schedule_and_by_hand(airflow: Airflow, aws: LocalAws) -> None:
    evening = _last(18)
    airflow.unpause(GENERATION)
    # Until the evening, the evening schedule processes the day before.
    by_hand = airflow.trigger(GENERATION, {"date": evening.date().isoformat(), "rows": 500})
    by_clock = _started(airflow, GENERATION, "scheduled")
    assert "T09:00:00" in by_clock
    assert airflow.finished(GENERATION, by_clock) == "success"
    assert airflow.finished(GENERATION, by_hand) == "success"

    airflow.unpause(PROCESSING)
    by_clock = _started(airflow, PROCESSING, "scheduled")
    assert "T18:00:00" in by_clock
    assert airflow.finished(PROCESSING, by_clock) == "success"
    again = airflow.trigger(PROCESSING, {"date": evening.date().isoformat()})
    assert airflow.finished(PROCESSING, again) == "success"
    assert airflow.states(PROCESSING, again) == dict.fromkeys(TASKS, "success")
    assert alive(aws) == []

    events = airflow.call("GET", "/api/v2/assets/events?order_by=timestamp")["asset_events"]
    assert [each["source_task_id"] for each in events] == ["publish"] * 4
    assert events[-1]["extra"]["counts"]["read"] == 500


def test_a_cleared_run_runs_again(airflow: Airflow, aws: LocalAws) -> None:
    run = next(each["dag_run_id"] for each in airflow.runs(PROCESSING) if each["run_type"] == "manual")
    before = len(clusters(aws))
    airflow.call("POST", f"/api/v2/dags/{PROCESSING}/dagRuns/{run}/clear", {"dry_run": False, "only_failed": False})
    assert airflow.finished(PROCESSING, run) == "success"
    assert len(clusters(aws)) == before + 1


def test_a_backfill_generates_the_day_that_it_names(airflow: Airflow, aws: LocalAws) -> None:
    day = _last(9) - timedelta(days=3)
    window = {"from_date": day.date().isoformat() + "T00:00:00Z", "to_date": day.date().isoformat() + "T23:59:00Z"}
    asked = {"dag_id": GENERATION, **window, "max_active_runs": 1, "dag_run_conf": {"rows": 500}}
    airflow.call("POST", "/api/v2/backfills", asked)
    run = _started(airflow, GENERATION, "backfill")
    assert airflow.finished(GENERATION, run) == "success"
    events = airflow.call("GET", "/api/v2/assets/events?order_by=-timestamp")["asset_events"]
    assert events[0]["extra"]["batch_date"] == day.date().isoformat()


def test_a_failed_job_fails_the_run(airflow: Airflow, aws: LocalAws) -> None:
    run = airflow.trigger(PROCESSING, {"date": "2020-01-01"})
    assert airflow.finished(PROCESSING, run) == "failed"
    states = {"prepare": "success", "run_job": "failed", "publish": "upstream_failed", "end_cluster": "success"}
    assert airflow.states(PROCESSING, run) == states
    assert alive(aws) == []


def test_an_invalid_date_starts_nothing(airflow: Airflow) -> None:
    before = len(airflow.runs(PROCESSING))
    with pytest.raises(Refused, match=r"400 .*'tomorrow' is not a 'date'"):
        airflow.trigger(PROCESSING, {"date": "tomorrow"})
    assert len(airflow.runs(PROCESSING)) == before


def test_the_cluster_ends_when_a_user_stops_a_waiting_task(airflow: Airflow, aws: LocalAws, home: Path) -> None:
    (home / "spark").unlink()
    (home / "spark").mkdir()
    (home / "spark" / "data_generation.py").write_text("import time\ntime.sleep(600)\n", "utf-8")
    run = airflow.trigger(GENERATION, {"rows": 500})
    airflow.until("the task waits", lambda: airflow.states(GENERATION, run)["run_job"] == "deferred")
    assert alive(aws)
    path = f"/api/v2/dags/{GENERATION}/dagRuns/{run}/taskInstances/run_job"
    airflow.call("PATCH", path, {"new_state": "failed"})
    assert airflow.finished(GENERATION, run) == "failed"
    assert airflow.states(GENERATION, run)["end_cluster"] == "success"
    assert alive(aws) == []
    shutil.rmtree(home / "spark")
    (home / "spark").symlink_to(ROOT / "spark")


def test_the_logs_of_all_tasks_are_in_s3_and_the_pages_read_them_there(airflow: Airflow, aws: LocalAws, home: Path) -> None:
    run = next(each["dag_run_id"] for each in airflow.runs(PROCESSING) if each["state"] == "failed")
    # So the logs read below cannot come from this machine's disk.
    shutil.rmtree(home / "logs" / f"dag_id={PROCESSING}")
    for task in ("prepare", "run_job", "end_cluster"):
        key = f"airflow/dag_id={PROCESSING}/run_id={run}/task_id={task}/attempt=1.log"
        # The last one can land a moment after its run has ended.
        assert airflow.until(key, lambda key=key: key in _keys(aws, "airflow/"))
        log = airflow.task_log(PROCESSING, run, task)
        assert f"s3://builditall-logs/{key}" in log
    assert "Land it first, with generate or ingest" in airflow.task_log(PROCESSING, run, "run_job")


@needs_chromium
def test_the_grid_shows_all_tasks_in_a_browser(airflow: Airflow) -> None:
    files = {dag: Path(str(SCREENSHOTS)) / f"airflow-grid-{dag.replace('_', '-')}.png" for dag in (GENERATION, PROCESSING)}
    for dag, text in photograph(airflow, files).items():
        assert dag in text
        assert all(task in text for task in TASKS)


def _last(hour: int) -> datetime:
    now = datetime.now(UTC)
    today = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return today if today <= now else today - timedelta(days=1)


def _started(airflow: Airflow, dag: str, kind: str) -> str:
    """Wait for a run of this kind, which Airflow starts by itself, and return its ID."""

    def found() -> str:
        return next((each["dag_run_id"] for each in airflow.runs(dag) if each["run_type"] == kind), "")

    return str(airflow.until(f"a run of {dag} that is {kind}", found))


def _keys(aws: LocalAws, prefix: str) -> set[str]:
    pages = client(aws, "s3").get_paginator("list_objects_v2").paginate(Bucket="builditall-logs", Prefix=prefix)
    return {each["Key"] for page in pages for each in page.get("Contents", [])}
