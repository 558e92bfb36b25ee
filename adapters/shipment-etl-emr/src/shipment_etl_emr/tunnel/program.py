"""Programs: one that runs beside us, whose last words are kept, and that never outlives us together with what it started."""

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

LINES_KEPT = 40
ENDING_SECONDS = 5.0
LOOK_SECONDS = 0.05


class Program:
    """A program that was started; leaving its `with` ends it.

    It has a process group of its own, with all that it starts, as the AWS CLI starts the plugin: Ctrl-C reaches us alone.

    Args:
        command: the program and its arguments.
        patience: seconds that it gets to end kindly.
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
        self._lines: deque[str] = deque(maxlen=LINES_KEPT)
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
        """What it said last."""
        return "".join(self._lines)

    def end(self) -> None:
        """End it and all it started, first kindly, and have all it said."""
        self._tell(signal.SIGTERM)
        deadline = time.monotonic() + self._patience
        while self._alive() and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        self._tell(signal.SIGKILL)
        self._process.wait()
        self._reader.join(self._patience)

    def _tell(self, number: signal.Signals) -> None:
        # Nobody is left, or, as some systems say it, nobody but who waits to be looked after.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _alive(self) -> bool:
        """Whether it, or anything that it started, is there."""
        self._process.poll()
        try:
            os.killpg(self._process.pid, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def _read(self, stream: IO[str]) -> None:
        with stream:
            self._lines.extend(stream)
