"""Sail in its own process, so that it can be reliably ended, and replaced without anyone noticing."""

import json
import os
import select
import socket
import subprocess  # nosec B404 # starts our own program
import sys
from concurrent.futures import Future
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from threading import RLock, Thread
from typing import Any

from shipment_etl.errors import EngineFailed, EngineMissing

__all__ = ["MAX_IDLE_SECONDS", "SailProcess"]

SERVER = Path(__file__).with_name("sail_server.py")
MAX_SECONDS_TO_ANSWER = 60

MAX_IDLE_SECONDS = 86_400
"""After this time without a call Sail forgets a session; its own default of 15 minutes is short for a notebook."""

SETTINGS = {
    # Sail logs to stderr as it starts and stops; its errors reach the caller as exceptions anyway.
    "RUST_LOG": "off",
    "SAIL_SPARK__SESSION_TIMEOUT_SECS": str(MAX_IDLE_SECONDS),
    # Sail's allocator: takes pages when they are used, not in advance; a third less memory for small batches, just as fast.
    "MIMALLOC_ARENA_EAGER_COMMIT": "0",
}
"""Environment variables of Sail, unless the user has set them."""


class SailProcess:
    """A process that serves Sail at one address for as long as this object lives.

    The process may end and be started again; the address stays, so sessions stay usable. It gets no signals from the
    terminal, and the kernel ends it with this process.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        # Bound, but never listening: reserves the port for our own server.
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind(("127.0.0.1", 0))
        self._port: int = self._reserved.getsockname()[1]
        self._child: Future[subprocess.Popen[bytes]] | None = None
        self._told: dict[str, Any] = {}

    @property
    def address(self) -> str:
        """The address of the server, which never changes."""
        return f"sc://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """The id of the process; None unless it runs."""
        with self._lock:
            child = self._process()
            return child.pid if child and child.poll() is None else None

    def ensure(self) -> bool:
        """Start the process unless it runs, and send it what changed in this one. Return whether it was started.

        Raises:
            EngineMissing: pysail is not installed.
            EngineFailed: the process did not start.
        """
        with self._lock:
            started = self.pid is None
            surroundings = {"environment": dict(os.environ), "folder": _folder(), "import_path": sys.path[:]}
            if not started and surroundings == self._told:
                return False
            try:
                if started:
                    self._spawn()
                self._tell(surroundings)
            except BaseException:
                # If interrupted halfway, it would respond to the next message with the response to this one.
                self.stop()
                raise
            return started

    def stop(self) -> None:
        """Kill the process, if there is one, and wait until it is gone."""
        with self._lock:
            if child := self._process():
                child.kill()
                child.wait()
                for pipe in filter(None, (child.stdin, child.stdout)):
                    # Nobody is left to read what was not sent yet.
                    with suppress(BrokenPipeError):
                        pipe.close()
            self._child, self._told = None, {}

    def _spawn(self) -> None:
        if find_spec("pysail") is None:
            raise EngineMissing("sail", "pip install pysail")
        self.stop()
        self._child = Future()
        # On Linux the process ends with the thread that started it. This thread lives as long as the process.
        Thread(target=_run, args=(self._child,), name="sail", daemon=True).start()
        if problem := self._child.exception():
            raise EngineFailed("it started", str(problem)) from problem

    def _process(self) -> "subprocess.Popen[bytes] | None":
        return None if self._child is None or self._child.exception() else self._child.result()

    def _tell(self, surroundings: dict[str, Any]) -> None:
        environment = {**SETTINGS, **surroundings["environment"]}
        message = {**surroundings, "environment": environment, "port": self._port}
        if not self._ask(json.dumps(message).encode()):
            code = child.poll() if (child := self._process()) else None
            raise EngineFailed("it started", f"its process did not respond (exit code {code})")
        self._told = surroundings

    def _ask(self, question: bytes) -> bytes:
        """Return the response of the process, one line; empty if it is gone, or does not respond in time."""
        child = self._process()
        if child is None or child.stdin is None or child.stdout is None:
            return b""
        try:
            child.stdin.write(question + b"\n")
            child.stdin.flush()
            answered, _, _ = select.select([child.stdout], [], [], MAX_SECONDS_TO_ANSWER)
            return child.stdout.readline() if answered else b""
        except BrokenPipeError:
            return b""


def _run(child: "Future[subprocess.Popen[bytes]]") -> None:
    """Start the server's process and wait until it ends."""
    # -P: modules of the server's own folder must not hide packages of the same name.
    command = [sys.executable, "-P", str(SERVER), str(os.getpid())]
    try:
        process = subprocess.Popen(  # nosec B603 # our own program
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**SETTINGS, **os.environ},
            start_new_session=True,
        )
    except BaseException as problem:
        child.set_exception(problem)
        return
    child.set_result(process)
    process.wait()


def _folder() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 - the plain text is what is compared
    except FileNotFoundError:
        return ""
