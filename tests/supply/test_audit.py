"""`make audit`: names vulnerable packages, and fails without an answer for every package."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOBODY = "http://127.0.0.1:1"
ADVISORY = {
    "id": "PYSEC-2026-1",
    "summary": "made up",
    "affected": [
        {
            "package": {"name": "jinja2", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
        }
    ],
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / ".venv/.stamp").exists() or shutil.which("make") is None, reason="not set up by make"),
]


@contextmanager
def advisories(vulnerable: str | None, answer: int = 200) -> Iterator[tuple[str, list[str]]]:
    """Yield the address of an advisory service, and the packages that it was asked about."""
    asked: list[str] = []

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(query["package"]["name"])
            body = json.dumps({"vulns": [ADVISORY]} if asked[-1] == vulnerable else {}).encode()
            self.send_response(answer)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def audit(url: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE") and name != "MFLAGS"}
    return subprocess.run(
        ["make", "audit", f"ARGS=--osv-url {url}"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_it_succeeds_after_an_answer_for_every_package() -> None:
    with advisories(None) as (url, asked):
        done = audit(url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No known vulnerability" in done.stdout
    assert {"pyspark", "boto3", "apache-airflow", "pytest"} <= set(asked)


def test_a_vulnerable_package_is_named() -> None:
    with advisories("jinja2") as (url, _):
        done = audit(url)
    assert done.returncode != 0
    assert "PYSEC-2026-1" in done.stdout
    assert "NOT AUDITED" not in done.stdout


def test_it_fails_without_an_answer() -> None:
    done = audit(NOBODY)
    assert done.returncode != 0
    assert "NOT AUDITED" in done.stdout


def test_it_fails_on_an_error_of_the_service() -> None:
    with advisories(None, answer=500) as (url, _):
        done = audit(url)
    assert done.returncode != 0
    assert "NOT AUDITED" in done.stdout


def test_it_is_not_part_of_the_checks_of_a_commit() -> None:
    planned = subprocess.run(["make", "--dry-run", "check"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "pip-licenses" in planned
    assert "pip-audit" not in planned
