"""How the images of Airflow and Kestra start: only with their accounts; and what their health checks accept."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.deployment.composed import ROOT, composed

PASSWORD = "Aa1\"\\ $x}:@/%'"
AIRFLOW = {"airflow_password": PASSWORD, "airflow_database_password": PASSWORD}
KESTRA = {"kestra_password": PASSWORD, "kestra_database_password": PASSWORD}
PARTS = ("api-server", "scheduler", "dag-processor", "triggerer")
# Prints how it was called, and runs like a part of Airflow until a signal arrives, or until a file tells it to die.
STAND_IN = """#!/bin/sh
echo "called: $(basename "$0") $*"
env
case "$1" in api-server|scheduler|dag-processor|triggerer)
    echo $$ > "$RUN_FOLDER/$1.pid"
    while [ ! -e "$RUN_FOLDER/kill-$1" ]; do sleep 0.05; done
    exit 3
esac
"""


def prepared(image: str, folder: Path, secrets: dict[str, str], **variables: str) -> tuple[list[str], dict[str, str]]:
    """Return the command that starts an image, and its environment, with stand-ins for the programs that it calls."""
    (folder / "secrets").mkdir()
    for name, value in secrets.items():
        (folder / "secrets" / name).write_text(value, "utf-8")
    for name in ("airflow", "docker-entrypoint.sh"):
        program = folder / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(STAND_IN, "utf-8")
        program.chmod(0o755)
    environment = {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "AIRFLOW_HOME": str(folder / "home"),
        "RUN_FOLDER": str(folder / "run"),
        "SECRETS_FOLDER": str(folder / "secrets"),
    }
    return [sys.executable, str(ROOT / f"images/{image}/start.py"), "server", "standalone"], {**environment, **variables}


def refused(image: str, folder: Path, secrets: dict[str, str], **variables: str) -> str:
    """Start an image that must refuse to start, and return its message."""
    command, environment = prepared(image, folder, secrets, **variables)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "called" not in done.stdout
    assert not (folder / "run").exists()
    assert not [value for value in secrets.values() if len(value) > 3 and value in done.stdout + done.stderr]
    return done.stderr


def test_kestra_starts_with_its_passwords_in_a_file_and_not_in_the_environment(tmp_path: Path) -> None:
    command, environment = prepared("kestra", tmp_path, KESTRA, KESTRA_USERNAME="operator@example.com")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("called: docker-entrypoint.sh server standalone")
    assert PASSWORD not in done.stdout
    file = tmp_path / "run/passwords.yml"
    assert file.stat().st_mode & 0o777 == 0o600
    settings = json.loads(file.read_text("utf-8"))
    assert settings["kestra"]["server"]["basic-auth"] == {"username": "operator@example.com", "password": PASSWORD}
    assert settings["datasources"]["postgres"]["password"] == PASSWORD
    assert f"MICRONAUT_CONFIG_FILES={ROOT / 'images/kestra/application.yml'},{file}" in done.stdout


@pytest.mark.parametrize(
    "username", ["", "operator", "operator@", "@example.com", "a b@example.com", f"{'a' * 250}@example.com"]
)
def test_kestra_does_not_start_with_a_username_that_it_would_not_accept(username: str, tmp_path: Path) -> None:
    assert "KESTRA_USERNAME is not an e-mail address" in refused("kestra", tmp_path, KESTRA, KESTRA_USERNAME=username)


@pytest.mark.parametrize("password", ["", "Short1x", "no-upper-case-1", "NO-LOWER-CASE-1", "No-Digit-In-It", "Aa1" * 100])
def test_kestra_does_not_start_with_a_password_that_breaks_its_rule(password: str, tmp_path: Path) -> None:
    secrets = {**KESTRA, "kestra_password": password}
    told = refused("kestra", tmp_path, secrets, KESTRA_USERNAME="operator@example.com")
    assert "KESTRA_PASSWORD breaks Kestra's rule" in told


@pytest.mark.parametrize("name", KESTRA)
def test_kestra_does_not_start_with_a_password_that_it_would_change(name: str, tmp_path: Path) -> None:
    told = refused("kestra", tmp_path, {**KESTRA, name: "Aa1-${HOME}"}, KESTRA_USERNAME="operator@example.com")
    assert f"{name.upper()} contains ${{" in told


@contextmanager
def airflow_started(folder: Path, **variables: str) -> Iterator[subprocess.Popen[str]]:
    command, environment = prepared("airflow", folder, AIRFLOW, AIRFLOW_USERNAME="operator", **variables)
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            end = time.monotonic() + 60
            while not all((folder / f"run/{part}.pid").exists() for part in PARTS):
                assert process.poll() is None
                assert time.monotonic() < end
                time.sleep(0.05)
            yield process
        finally:
            if process.poll() is None:
                # Not killed, because its parts would keep running.
                process.terminate()
                process.communicate(timeout=30)


def ended(folder: Path) -> bool:
    """Return whether all parts have ended."""
    for part in PARTS:
        try:
            os.kill(int((folder / f"run/{part}.pid").read_text()), 0)
        except ProcessLookupError:
            continue
        return False
    return True


def test_airflow_migrates_its_database_and_runs_every_part_until_it_is_stopped(tmp_path: Path) -> None:
    with airflow_started(tmp_path) as process:
        process.send_signal(signal.SIGTERM)
        told, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert told.startswith("called: airflow db migrate")
    assert {line.split()[2] for line in told.splitlines() if line.startswith("called: airflow")} == {"db", *PARTS}
    assert PASSWORD not in told
    assert ended(tmp_path)


@pytest.mark.parametrize("part", PARTS)
def test_the_container_of_airflow_ends_when_a_part_of_it_dies(part: str, tmp_path: Path) -> None:
    with airflow_started(tmp_path) as process:
        (tmp_path / f"run/kill-{part}").touch()
        told, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert f"Airflow's {part} ended (3), so this container ends" in told
    assert ended(tmp_path)


def test_the_accounts_of_airflow_are_in_files_that_only_their_owner_can_read(tmp_path: Path) -> None:
    with airflow_started(tmp_path):
        accounts, database = tmp_path / "run/accounts.json", tmp_path / "run/database"
        assert [file.stat().st_mode & 0o777 for file in (accounts, database)] == [0o600, 0o600]
        assert json.loads(accounts.read_text("utf-8")) == {"operator": PASSWORD}
        assert database.read_text("utf-8") == (
            "postgresql+psycopg2://airflow:Aa1%22%5C%20%24x%7D%3A%40%2F%25%27@postgres/airflow"
        )
    assert ended(tmp_path)
    environment = composed("airflow")["services"]["airflow"]["environment"]
    assert environment["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"] == "/run/shipment-etl/accounts.json"
    assert environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD"] == "cat /run/shipment-etl/database"


@pytest.mark.parametrize(
    ("username", "password"),
    [("", PASSWORD), ("operator", ""), ("operator", "short"), ("operator:admin", PASSWORD), ("a,b", PASSWORD)],
)
def test_airflow_does_not_start_without_an_account(username: str, password: str, tmp_path: Path) -> None:
    secrets = {**AIRFLOW, "airflow_password": password}
    assert "AIRFLOW_PASSWORD" in refused("airflow", tmp_path, secrets, AIRFLOW_USERNAME=username)


def test_airflow_does_not_start_without_the_password_of_its_database(tmp_path: Path) -> None:
    secrets = {**AIRFLOW, "airflow_database_password": ""}
    assert "AIRFLOW_DATABASE_PASSWORD" in refused("airflow", tmp_path, secrets, AIRFLOW_USERNAME="operator")


def test_airflow_does_not_start_without_a_folder_for_logs_in_s3(tmp_path: Path) -> None:
    remote = {"AIRFLOW_USERNAME": "operator", "AIRFLOW__LOGGING__REMOTE_LOGGING": "true"}
    told = refused("airflow", tmp_path, AIRFLOW, **remote, AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER="")
    assert "set AIRFLOW_LOGS to your folder" in told


@pytest.mark.parametrize("file", ["docker-compose.yml", ".env.example", "adapters/shipment-etl-airflow/airflow.env"])
def test_no_setting_names_somebody_elses_bucket(file: str) -> None:
    settings = [line.split("#")[0] for line in (ROOT / file).read_text("utf-8").splitlines()]
    assert not any("s3://" in line for line in settings)


@contextmanager
def answering(answers: dict[str, tuple[int, Any]], account: str = "") -> Iterator[str]:
    """Serve answers by path; if an account is given, only to requests with it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.get(self.path.split("?")[0], (404, {}))
            if account and "/api/" in self.path and self.headers.get("Authorization") != account:
                status = 401
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *told: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def health(image: str, **variables: str) -> tuple[int, str]:
    """Run the health check of an image; return its exit code and its message."""
    command = [sys.executable, str(ROOT / f"images/{image}/health.py")]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr.strip()


HEALTHY = {part: {"status": "healthy"} for part in ("metadatabase", "scheduler", "triggerer", "dag_processor")}


@pytest.mark.parametrize("part", HEALTHY)
@pytest.mark.parametrize("state", ["unhealthy", None])
def test_airflow_is_not_healthy_when_a_part_of_it_is_not(part: str, state: str | None) -> None:
    path = "/api/v2/monitor/health"
    with answering({path: (200, HEALTHY)}) as url:
        assert health("airflow", AIRFLOW_HEALTH=url + path) == (0, "")
    with answering({path: (200, {**HEALTHY, part: {"status": state}})}) as url:
        assert health("airflow", AIRFLOW_HEALTH=url + path) == (1, f"Airflow is not healthy: {part} is {state}")


def test_airflow_that_does_not_answer_is_not_healthy() -> None:
    code, told = health("airflow", AIRFLOW_HEALTH="http://127.0.0.1:1")
    assert (code, told[:23]) == (1, "Airflow does not answer")


FLOWS = "/api/v1/main/flows/search"
OPERATOR = "Basic b3BlcmF0b3JAZXhhbXBsZS5jb206QWExLW9mLWtlc3RyYQ=="


@pytest.mark.parametrize(
    ("answers", "account", "told"),
    [
        ({"/health": (200, {"status": "UP"}), FLOWS: (200, {})}, OPERATOR, ""),
        ({"/health": (503, {"status": "DOWN"}), FLOWS: (200, {})}, OPERATOR, "Kestra is not healthy: 503"),
        ({"/health": (200, {"status": "DOWN"}), FLOWS: (200, {})}, OPERATOR, "Kestra is not healthy: 200"),
        ({"/health": (200, {"status": "UP"}), FLOWS: (200, {})}, "Basic another", "Kestra refuses the account"),
        ({"/health": (200, {"status": "UP"}), FLOWS: (200, {})}, "", "Kestra answers without an account (200)"),
        ({"/health": (200, {"status": "UP"}), FLOWS: (500, {})}, "", "Kestra refuses the account of KESTRA_USERNAME (500)"),
    ],
    ids=["healthy", "down", "down by its body", "another password", "no password", "broken"],
)
def test_kestra_is_healthy_when_it_accepts_only_its_account(
    answers: dict[str, Any], account: str, told: str, tmp_path: Path
) -> None:
    (tmp_path / "kestra_password").write_text("Aa1-of-kestra", "utf-8")
    with answering(answers, account) as url:
        given = {"KESTRA_USERNAME": "operator@example.com", "SECRETS_FOLDER": str(tmp_path)}
        code, said = health("kestra", KESTRA_MANAGEMENT=url, KESTRA_API=url, **given)
    assert (code, said[: len(told)]) == (1 if told else 0, told)
