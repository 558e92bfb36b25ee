"""Programs: a child process whose last lines of output are kept, and that is ended together with everything it started."""

import os
import signal
import subprocess  # nosec B404 # runs ssh and the AWS CLI
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from threading import Thread
from types import TracebackType
from typing import IO, Self

__all__ = ["Program"]

MAX_LINES = 40
ENDING_SECONDS = 5.0
LOOK_SECONDS = 0.05


class Program:
    """A running program; leaving its `with` block ends it.

    It has its own process group, with everything it starts, such as the plugin of the AWS CLI. So Ctrl-C reaches only us.

    Args:
        command: the program and its arguments.
        patience: seconds it gets to end by itself after SIGTERM.
    """

    def __init__(self, command: Sequence[str], patience: float = ENDING_SECONDS) -> None:
        self._patience = patience
        self._process = subprocess.Popen(  # nosec B603 # no shell, and each part was checked
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
        )
        self._lines: deque[str] = deque(maxlen=MAX_LINES)
        self._reader = Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.end()

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    @property
    def said(self) -> str:
        """Its last lines of output."""
        return "".join(self._lines)

    def end(self) -> None:
        """End it and everything it started, first with SIGTERM, then with SIGKILL; read the rest of its output."""
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + self._patience
        while self._is_alive() and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._reader.join(self._patience)

    def _signal(self, number: signal.Signals) -> None:
        # The group is gone; some systems report PermissionError if only zombies are left.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _is_alive(self) -> bool:
        """Whether it, or anything it started, still runs."""
        self._process.poll()
        try:
            os.killpg(self._process.pid, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def _read(self, stream: IO[str]) -> None:
        with stream:
            self._lines.extend(stream)
