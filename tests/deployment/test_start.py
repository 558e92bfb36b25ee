"""How the image of Airflow starts: with the account of the environment, or not at all."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deployment.composed import ROOT

START = ROOT / "images/airflow/start.py"
ACCOUNT = {"AIRFLOW_USERNAME": "operator", "AIRFLOW_PASSWORD": 'Aa1"\\ $x}'}


def start(folder: Path, **account: str) -> subprocess.CompletedProcess[str]:
    """Start it with an Airflow that only tells how it was called."""
    stand_in = folder / "bin" / "airflow"
    stand_in.parent.mkdir(exist_ok=True)
    stand_in.write_text('#!/bin/sh\necho "called: $*"\nenv\n', "utf-8")
    stand_in.chmod(0o755)
    environment = {"PATH": f"{stand_in.parent}{os.pathsep}{os.environ['PATH']}", "AIRFLOW_HOME": str(folder / "home")}
    command = [sys.executable, str(START)]
    return subprocess.run(command, env={**environment, **account}, capture_output=True, text=True, timeout=60, check=False)


def test_the_account_of_the_environment_can_log_in(tmp_path: Path) -> None:
    done = start(tmp_path, **ACCOUNT)
    assert done.returncode == 0, done.stderr
    assert "called: standalone" in done.stdout
    assert "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS=operator:admin" in done.stdout
    file = tmp_path / "home/simple_auth_manager_passwords.json.generated"
    assert json.loads(file.read_text("utf-8")) == {"operator": ACCOUNT["AIRFLOW_PASSWORD"]}


def test_nobody_else_reads_the_password(tmp_path: Path) -> None:
    file = tmp_path / "home/simple_auth_manager_passwords.json.generated"
    file.parent.mkdir()
    file.touch(mode=0o644)
    done = start(tmp_path, **ACCOUNT)
    assert file.stat().st_mode & 0o777 == 0o600
    assert ACCOUNT["AIRFLOW_PASSWORD"] not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "account",
    [
        {},
        {"AIRFLOW_USERNAME": "operator"},
        {"AIRFLOW_USERNAME": "", "AIRFLOW_PASSWORD": "Aa1-of-airflow"},
        {"AIRFLOW_USERNAME": "operator", "AIRFLOW_PASSWORD": ""},
        {"AIRFLOW_USERNAME": "operator", "AIRFLOW_PASSWORD": "short"},
        {"AIRFLOW_USERNAME": "operator:admin", "AIRFLOW_PASSWORD": "Aa1-of-airflow"},
    ],
    ids=str,
)
def test_it_does_not_start_without_an_account(account: dict[str, str], tmp_path: Path) -> None:
    done = start(tmp_path, **account)
    assert done.returncode == 1
    assert "AIRFLOW_PASSWORD" in done.stderr
    assert "called" not in done.stdout
    assert not (tmp_path / "home").exists()


def test_it_does_not_start_without_a_place_for_logs_that_are_to_go_to_s3(tmp_path: Path) -> None:
    remote = {**ACCOUNT, "AIRFLOW__LOGGING__REMOTE_LOGGING": "true"}
    done = start(tmp_path, **remote, AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER="")
    assert done.returncode == 1
    assert "set AIRFLOW_LOGS to a folder of yours" in done.stderr
    assert not (tmp_path / "home").exists()
    assert start(tmp_path, **remote, AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER="s3://acme-logs/airflow").returncode == 0


@pytest.mark.parametrize("file", ["docker-compose.yml", ".env.example", "adapters/shipment-etl-airflow/airflow.env"])
def test_no_setting_names_a_bucket_of_somebody_else(file: str) -> None:
    settings = [line.split("#")[0] for line in (ROOT / file).read_text("utf-8").splitlines()]
    assert not any("s3://" in line for line in settings)
