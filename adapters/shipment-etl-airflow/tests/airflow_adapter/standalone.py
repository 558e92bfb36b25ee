"""A complete Airflow on this machine, as `airflow standalone` starts it, and what users and programs do with it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

PATIENCE_SECONDS = 300
END_SECONDS = 30
PASSWORDS = "simple_auth_manager_passwords.json.generated"
USER = "admin"
DONE = ("success", "failed")


class Refused(Exception):
    """The API refused a request."""


@dataclass
class Airflow:
    """A running Airflow, used through the API of its pages."""

    url: str
    password: str = ""
    log: Path = field(default_factory=Path)
    token: str = ""

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}{path}", data, headers, method=method)
        try:
            with build_opener(ProxyHandler({})).open(request, timeout=30) as answer:
                return json.load(answer)
        except HTTPError as problem:
            raise Refused(f"{problem.code} {problem.read().decode()}") from problem

    def login(self) -> None:
        self.token = self.call("POST", "/auth/token", {"username": USER, "password": self.password})["access_token"]

    def unpause(self, dag: str) -> None:
        self.call("PATCH", f"/api/v2/dags/{dag}", {"is_paused": False})

    def trigger(self, dag: str, conf: Mapping[str, Any]) -> str:
        """Start a run by hand, and return its ID."""
        return str(self.call("POST", f"/api/v2/dags/{dag}/dagRuns", {"logical_date": None, "conf": conf})["dag_run_id"])

    def runs(self, dag: str) -> list[dict[str, Any]]:
        return list(self.call("GET", f"/api/v2/dags/{dag}/dagRuns")["dag_runs"])

    def finished(self, dag: str, run: str) -> str:
        """Wait for a run, and return its state."""
        path = f"/api/v2/dags/{dag}/dagRuns/{run}"
        return str(self.until(f"{dag} {run} is over", lambda: (found := self.call("GET", path)["state"]) in DONE and found))

    def states(self, dag: str, run: str) -> dict[str, str]:
        """Return the states of a run's tasks."""
        found = self.call("GET", f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances")["task_instances"]
        return {each["task_id"]: each["state"] for each in found}

    def task_log(self, dag: str, run: str, task: str) -> str:
        """Return a log as the task's page shows it."""
        path = f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/{task}/logs/1?full_content=true"
        return json.dumps(self.call("GET", path)["content"], ensure_ascii=False)

    def until(self, what: str, look: Callable[[], Any]) -> Any:
        """Call `look` until it returns something, and return that."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                if found := look():
                    return found
            except (URLError, OSError) as problem:
                last: object = problem
            else:
                last = ""
            time.sleep(0.5)
        tail = "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-60:])
        raise AssertionError(f"not within {PATIENCE_SECONDS} s: {what} {last}\n{tail}")


@contextmanager
def standalone(home: Path, environment: Mapping[str, str]) -> Iterator[Airflow]:
    """Run an Airflow on free ports of 127.0.0.1 while the body runs, with a generated password."""
    port, logs, triggers = _free_ports(3)
    url = f"http://127.0.0.1:{port}"
    variables = {
        **environment,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(logs),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(triggers),
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    }
    file = home / "standalone.log"
    with file.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", "standalone"],
            env=variables,
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    airflow = Airflow(url, log=file)
    try:
        passwords = home / PASSWORDS
        airflow.until("a password", lambda: passwords.exists() and passwords.read_text("utf-8").strip())
        airflow.password = json.loads(passwords.read_text("utf-8"))[USER]
        parts = ("metadatabase", "scheduler", "triggerer", "dag_processor")
        airflow.until("all is healthy", lambda: _healthy(airflow.call("GET", "/api/v2/monitor/health"), parts))
        airflow.login()
        yield airflow
    finally:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)
        # Processes of its group that ignored the signal; there may be none.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _healthy(states: Mapping[str, Any], parts: tuple[str, ...]) -> bool:
    return all((states.get(part) or {}).get("status") == "healthy" for part in parts)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
