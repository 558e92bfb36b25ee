"""All of docker-compose.yml on a real Docker engine: started from a clone, used, called by its neighbours, and removed."""

import base64
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.deployment.composed import PROFILES, ROOT

PROJECT = "shipment-etl-rehearsal"
"""Not the project name in the file, so that a running stack on this machine is not touched."""
KEY = "LOCALREHEARSAL"
# Characters that are special in YAML, URIs, .pgpass and shells.
ACCOUNTS = {
    "KESTRA_USERNAME": "operator@example.com",
    "KESTRA_PASSWORD": "Aa1 k$x: 'y' \"z\" #{}",
    "KESTRA_DATABASE_PASSWORD": "Aa1:d\\b%@/x",
    "AIRFLOW_USERNAME": "operator",
    "AIRFLOW_PASSWORD": "Aa1 a$x: 'y' \"z\" #{}",
    "AIRFLOW_DATABASE_PASSWORD": "Aa1:@/\\%'x",
}
SETTINGS = 'code = "s3://local-code"\nlogs = "s3://local-logs/emr"\nregion = "us-east-1"\n'
START_SECONDS, RUN_SECONDS = 1800, 900
ENDED = ("SUCCESS", "WARNING", "FAILED", "KILLED", "CANCELLED", "success", "failed")


@cache
def missing() -> str:
    """Return why the rehearsal cannot run here; empty if it can."""
    if not shutil.which("docker"):
        return "docker is not installed"
    done = subprocess.run(["docker", "version"], capture_output=True, text=True, timeout=60, check=False)
    return "" if done.returncode == 0 else f"no Docker engine answers: {done.stderr.strip().splitlines()[-1:]}"


@dataclass(frozen=True)
class Answer:
    """The answer of a server."""

    status: int
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Stack:
    """A running stack, and what users do with it."""

    folder: Path
    environment: dict[str, str]

    def compose(self, *arguments: str, seconds: int = 300, **variables: str) -> str:
        """Run compose, and return what it printed; it must succeed."""
        done = self.try_compose(*arguments, seconds=seconds, **variables)
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        return done.stdout

    def try_compose(self, *arguments: str, seconds: int = 300, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [*_compose(), "--project-name", PROJECT, *arguments]
        given = {**self.environment, **variables}
        return subprocess.run(
            command, cwd=self.folder, env=given, capture_output=True, text=True, timeout=seconds, check=False
        )

    def up(self) -> None:
        self.compose("up", "--detach", "--wait", seconds=START_SECONDS)

    def execute(self, service: str, script: str) -> str:
        """Run a script of sh in the container of a service."""
        return self.compose("exec", "-T", service, "sh", "-c", script)

    def containers(self) -> dict[str, Any]:
        """Return what Docker reports about each container, by service."""
        names = self.compose("ps", "--all", "--quiet").split()
        done = subprocess.run(["docker", "inspect", *names], capture_output=True, timeout=60, check=True)
        return {each["Config"]["Labels"]["com.docker.compose.service"]: each for each in json.loads(done.stdout)}

    def ask(self, port: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Call the server of a page at its published port."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        given = {"Content-Type": "application/json", "Accept": "application/json", **headers}
        method = given.pop("method", "GET" if data is None else "POST")
        request = urllib.request.Request(f"http://127.0.0.1:{self.environment[port]}{path}", data, given, method=method)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
                return Answer(answer.status, answer.read().decode())
        except urllib.error.HTTPError as refused:
            return Answer(refused.code, refused.read().decode("utf-8", "replace"))

    def ask_from(self, service: str, url: str, method: str = "GET") -> int:
        """Call a URL from the container of a service; return the status, 0 if nothing answers."""
        program = (
            "import sys, urllib.error, urllib.request\n"
            "try: print(urllib.request.urlopen(urllib.request.Request(sys.argv[1], method=sys.argv[2]), timeout=5).status)\n"
            "except urllib.error.HTTPError as refused: print(refused.code)\n"
            "except OSError: print(0)\n"
        )
        return int(self.execute(service, shlex.join(["python", "-c", program, url, method])))

    def kestra(self, path: str, body: Any = None, **headers: str) -> Answer:
        account = f"{ACCOUNTS['KESTRA_USERNAME']}:{ACCOUNTS['KESTRA_PASSWORD']}"
        authorization = f"Basic {base64.b64encode(account.encode()).decode()}"
        return self.ask("KESTRA_PORT", path, body, **{"Authorization": authorization, **headers})

    def execute_flow(self, flow: str, **inputs: str) -> tuple[str, str]:
        """Start a flow as its form does, wait until it ends, and return its state and ID."""
        boundary = uuid4().hex
        head = f"--{boundary}\r\nContent-Disposition: form-data; name="
        parts = [f'{head}"{name}"\r\n\r\n{value}\r\n' for name, value in inputs.items()]
        body = "".join([*parts, f"--{boundary}--\r\n"]).encode()
        form = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        started = self.kestra(f"/api/v1/main/executions/shipments/{flow}", body, **form)
        assert started.status == 200, started
        name = started.json["id"]

        def state() -> str:
            found = self.kestra(f"/api/v1/main/executions/{name}")
            current = str(found.json["state"]["current"]) if found.status == 200 else ""
            return current if current in ENDED else ""

        return str(until(f"the execution {name} of {flow} has ended", state, RUN_SECONDS)), name

    def logged(self, execution: str, level: str) -> str:
        """Return what an execution logged at one level."""
        entries = self.kestra(f"/api/v1/main/logs/{execution}").json
        return "\n".join(str(each.get("message", "")) for each in entries if each["level"] == level)

    def airflow(self, path: str, body: Any = None, method: str = "") -> Answer:
        account = {"username": ACCOUNTS["AIRFLOW_USERNAME"], "password": ACCOUNTS["AIRFLOW_PASSWORD"]}
        token = self.ask("AIRFLOW_PORT", "/auth/token", account).json["access_token"]
        more = {"method": method} if method else {}
        return self.ask("AIRFLOW_PORT", f"/api/v2{path}", body, Authorization=f"Bearer {token}", **more)

    def run_dag(self, dag: str, **conf: Any) -> str:
        """Start a DAG by hand, wait until it ends, and return its state."""
        found = until(f"the DAG {dag} is read", lambda: self.airflow(f"/dags/{dag}").status == 200, 120)
        assert found
        self.airflow(f"/dags/{dag}", {"is_paused": False}, "PATCH")
        started = self.airflow(f"/dags/{dag}/dagRuns", {"logical_date": None, "conf": conf})
        assert started.status == 200, started
        path = f"/dags/{dag}/dagRuns/{started.json['dag_run_id']}"

        def state() -> str:
            current = str(self.airflow(path).json["state"])
            return current if current in ENDED else ""

        return str(until(f"the run of {dag} has ended", state, RUN_SECONDS))

    def healthy(self, service: str) -> bool:
        state = self.containers()[service]["State"]
        return bool(state["Status"] == "running" and state["Health"]["Status"] == "healthy")


def until(what: str, look: Callable[[], Any], seconds: int) -> Any:
    """Call `look` until it returns something, and return that."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if found := look():
                return found
        except OSError:
            pass  # it is restarting
        time.sleep(2)
    raise AssertionError(f"not within {seconds} s: {what}")


@contextmanager
def rehearsed(folder: Path) -> Iterator[Stack]:
    """Start all profiles from a fresh clone, and remove everything but the images at the end."""
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(folder)], timeout=300, check=True)
    (folder / "emr.toml").write_text(SETTINGS, "utf-8")
    stack = Stack(folder, _environment(dict(os.environ)))
    try:
        stack.compose("build", seconds=3600)
        stack.up()
        yield stack
    finally:
        if os.environ.get("KEEP_STACK") != "1":
            stack.try_compose("down", "--volumes", "--remove-orphans")


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    secret = base64.b64encode(KEY.encode()).decode()
    own = ("AIRFLOW", "AWS_", "COMPOSE_", "KESTRA_", "SECRET_", "SHIPMENT")
    # A machine may have its own base images.
    kept = {name: value for name, value in environ.items() if not name.startswith(own) or name.endswith("_IMAGE")}
    kestra, airflow = _free_ports(2)
    return {
        **kept,
        **ACCOUNTS,
        "COMPOSE_PROFILES": ",".join(PROFILES),
        "KESTRA_PORT": str(kestra),
        "AIRFLOW_PORT": str(airflow),
        "AWS_ENDPOINT_URL": "http://local-aws:4580",
        "AWS_DEFAULT_REGION": "us-east-1",
        "LOCAL_AWS_KEY": KEY,
        "SECRET_AWS_ACCESS_KEY_ID": secret,
        "SECRET_AWS_SECRET_ACCESS_KEY": secret,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": KEY,
        "SHIPMENTS_LAKE": "s3://local-lake/shipments",
    }


@cache
def _compose() -> tuple[str, ...]:
    """Return Docker's plugin where it is installed, else the compose that the tests use."""
    done = subprocess.run(["docker", "compose", "version"], capture_output=True, timeout=60, check=False)
    return ("docker", "compose") if done.returncode == 0 else (str(Path(sys.executable).parent / "docker-compose"),)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
