"""Runs a program and leaves none of its processes behind: python leash.py PROGRAM [ARGUMENTS]...

The parent process holds the other end of stdin. Each line there is the number of a signal for the program. End of file,
which also comes when the parent is killed, kills the program at once. This is a separate program that uses only the standard
library, so that it starts quickly.
"""

import contextlib
import os
import selectors
import signal
import subprocess  # nosec B404 # runs what a step asks for
import sys
from collections.abc import Sequence
from io import RawIOBase

NOT_STARTED = 127
LOOK_SECONDS = 0.05


def main(command: Sequence[str], orders: RawIOBase) -> int:
    """Run a command while `orders` stays open, and return its exit code; for a signal, 128 plus its number."""
    try:
        program = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)  # nosec B603 # no shell
    except (OSError, ValueError) as problem:
        print(f"{command[0]} cannot be run: {problem}", file=sys.stderr)  # noqa: T201 - into the log of a step
        return NOT_STARTED
    with selectors.DefaultSelector() as selector:
        selector.register(orders, selectors.EVENT_READ)
        while program.poll() is None:
            if selector.select(LOOK_SECONDS):
                order = orders.readline().strip()
                _signal(program.pid, int(order) if order else signal.SIGKILL)
                if not order:
                    program.wait()
    # Processes that it started and left behind.
    _signal(program.pid, signal.SIGKILL)
    return program.returncode if program.returncode >= 0 else 128 - program.returncode


def _signal(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


if __name__ == "__main__":
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Signals for the program come as orders. Handle them instead of ignoring: the program would inherit that.
        signal.signal(each, lambda *_: None)
    with open(0, "rb", buffering=0) as orders:
        sys.exit(main(sys.argv[1:], orders))
