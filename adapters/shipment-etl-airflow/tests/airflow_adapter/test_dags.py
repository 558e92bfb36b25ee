"""The two DAGs as Airflow reads them: quickly, and with the structure that makes their states correct."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .home import ADAPTER, shipped

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Any:
    filled_in = {**shipped(), "AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER": "s3://acme-logs/airflow"}
    environment = {**os.environ, **filled_in, "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow"))}
    command = [sys.executable, str(HERE / "inspect_dags.py"), str(ADAPTER / "dags")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_they_are_read_quickly_and_load_nothing_heavy(read: Any) -> None:
    assert read["errors"] == {}
    assert read["heavy"] == []
    assert read["seconds"] < 1


def test_one_runs_at_nine_and_one_at_eighteen(read: Any) -> None:
    schedules = {name: (dag["cron"], dag["timezone"]) for name, dag in read["dags"].items() if dag["cron"]}
    assert schedules == {"data_generation": ("0 9 * * *", "UTC"), "data_processing": ("0 18 * * *", "UTC")}


def test_missed_days_are_not_caught_up_and_one_run_is_active(read: Any) -> None:
    assert not any(dag["catchup"] for dag in read["dags"].values())
    assert {name for name, dag in read["dags"].items() if dag["max_active_runs"] == 1} == {
        "data_generation",
        "data_processing",
    }


def test_the_check_is_started_by_hand_and_not_retried(read: Any) -> None:
    dag = read["dags"]["shipment_etl_check"]
    assert dag["cron"] is None
    assert {name: task["retries"] for name, task in dag["tasks"].items()} == {"check": 0}


def test_one_writes_the_asset_that_the_other_reads(read: Any) -> None:
    assets = {name: dag["tasks"]["publish"] for name, dag in read["dags"].items() if "publish" in dag["tasks"]}
    assert assets["data_generation"]["writes"] == assets["data_processing"]["reads"] == ["shipment_etl_raw"]
    assert assets["data_processing"]["writes"] == ["shipment_etl_marts"]


@pytest.mark.parametrize("dag", ["data_generation", "data_processing"])
def test_the_cluster_is_between_setup_and_teardown_and_both_leaves_set_the_state_of_the_run(read: Any, dag: str) -> None:
    tasks = read["dags"][dag]["tasks"]
    assert {name: each["next"] for name, each in tasks.items()} == {
        "prepare": ["end_cluster", "run_job"],
        "run_job": ["end_cluster", "publish"],
        "publish": [],
        "end_cluster": [],
    }
    assert tasks["prepare"]["setup"]
    assert tasks["end_cluster"]["fails_run"]
    assert all(each["retries"] == 2 for each in tasks.values())


def test_task_logs_go_to_s3_to_a_folder_that_users_must_set_and_the_pages_stay_on_loopback(tmp_path: Path) -> None:
    variables = shipped()
    assert variables["AIRFLOW__LOGGING__REMOTE_LOGGING"] == "True"
    assert variables["AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER"] == ""
    assert variables["AIRFLOW__LOGGING__REMOTE_LOG_CONN_ID"] == "aws_default"
    assert variables["AIRFLOW__API__HOST"] == "127.0.0.1"
    command = [sys.executable, "-m", "airflow", "version"]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    given = {**inherited, **variables, "AIRFLOW_HOME": str(tmp_path)}
    done = subprocess.run(command, env=given, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0
    assert "Incorrect remote log configuration" in done.stderr


def test_the_reasons_not_to_use_the_operators_of_the_provider_still_hold(read: Any) -> None:
    # If this fails, read docs/decisions/0022 again.
    assert not any(read["provider"].values()), read["provider"]
