"""Background: a user's local AWS, which outlives the command that starts it. A state file says where it is."""

import contextlib
import fcntl
import json
import os
import signal
import subprocess  # nosec B404 # starts our own server
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shipment_etl.errors import InvalidValue
from shipment_etl.files import state_folder
from shipment_etl_emr.local.client import END_SECONDS, LocalAws, require_moto, tail, without_aws
from shipment_etl_emr.local.engines import EngineName
from shipment_etl_emr.local.errors import LocalAwsFailed
from shipment_etl_emr.local.guard import STATUS
from shipment_etl_emr.ports import LOOPBACK, is_taken

__all__ = ["PORT", "find", "home", "keep_state_file", "reach", "status_of", "stop"]

PORT = 4580
START_SECONDS = 60
LOOK_SECONDS = 0.1
ANSWER_SECONDS = 5


def home() -> Path:
    """Return the folder of its state, log and files."""
    return state_folder() / "local-aws"


def find(environ: Mapping[str, str]) -> LocalAws | None:
    """Return the local AWS of the environment, else the one of the state file; None if none is running."""
    endpoint, key = environ.get("AWS_ENDPOINT_URL", ""), environ.get("AWS_ACCESS_KEY_ID", "")
    if endpoint.startswith(f"http://{LOOPBACK}:") and status_of(endpoint):
        return LocalAws(endpoint, key)
    with contextlib.suppress(OSError, ValueError, TypeError, InvalidValue):
        aws = LocalAws(**json.loads(_state().read_text()))
        # After a crash the file is left behind, and another program may use the port.
        if status_of(aws.endpoint):
            return aws
    return None


def reach(engine: str = EngineName.sail) -> tuple[LocalAws, bool]:
    """Return the running local AWS, or start one; also return whether it was started now.

    Raises:
        LocalAwsMissing: the extra [local] is not installed.
        LocalAwsFailed: it did not start.
    """
    if aws := find(os.environ):
        return aws, False
    require_moto()
    _make_home()
    with (home() / "lock").open("w") as lock:
        # Two commands at the same time start only one.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if aws := find(os.environ):
            return aws, False
        return _start(engine), True


def stop() -> bool:
    """Stop the local AWS of the state file, with everything it runs; return whether there was one.

    Raises:
        LocalAwsFailed: it did not end.
    """
    try:
        aws = LocalAws(**json.loads(_state().read_text()))
    except (OSError, ValueError, TypeError):
        return False
    status = status_of(aws.endpoint)
    if status is None:
        _state().unlink(missing_ok=True)
        return False
    os.kill(status["pid"], signal.SIGTERM)
    deadline = time.monotonic() + END_SECONDS
    while status_of(aws.endpoint):
        if time.monotonic() > deadline:
            raise LocalAwsFailed(f"The process {status['pid']} did not end within {END_SECONDS} s.")
        time.sleep(LOOK_SECONDS)
    return True


def status_of(endpoint: str) -> dict[str, Any] | None:
    """Return the status of our local AWS at an endpoint; None if none answers there."""
    import urllib.request
    from http.client import HTTPException

    try:
        # Never through a proxy: it is on this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(endpoint + STATUS, timeout=ANSWER_SECONDS) as answer:
            told = json.load(answer)
    except (OSError, ValueError, HTTPException):
        # HTTPException: it ended while answering.
        return None
    return told if isinstance(told, dict) and told.get("service") == "shipment-etl local-aws" else None


@contextmanager
def keep_state_file(aws: LocalAws) -> Iterator[None]:
    """Keep the state file while the body runs; only its owner may read it, because it has the key."""
    _make_home()
    fresh = _state().with_suffix(f".{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps({"endpoint": aws.endpoint, "key": aws.key}))
    fresh.replace(_state())
    try:
        yield
    finally:
        _state().unlink(missing_ok=True)


def _make_home() -> None:
    try:
        home().mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as problem:
        raise LocalAwsFailed(f"{problem}. Set XDG_STATE_HOME to a folder that you may write to.") from problem


def _start(engine: str) -> LocalAws:
    """Start one on the default port, or on any free port if that is taken; the state file says which."""
    for port in (PORT, 0):
        if port and is_taken(port):
            continue
        if aws := _start_at(port, engine):
            return aws
    raise LocalAwsFailed(tail(_log()))


def _start_at(port: int, engine: str) -> LocalAws | None:
    command = [sys.executable, "-m", "shipment_etl", "local-aws", "up", f"--port={port}", f"--engine={engine}"]
    with _log().open("wb") as output:
        server = subprocess.Popen(  # nosec B603 # no shell, fixed arguments
            command,
            env=without_aws(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=home(),
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None:
        if aws := find({}):
            return aws
        if time.monotonic() > deadline:
            server.kill()
            server.wait()
        time.sleep(LOOK_SECONDS)
    return None


def _log() -> Path:
    return home() / "local-aws.log"


def _state() -> Path:
    return home() / "state.json"
