"""The program of Sail's own process: serves until the process that started it ends. Run as a file; imports none of ours.

It reads lines of JSON from stdin and responds to each with a line on stdout. The first has the port to serve at. Each has
the environment, working folder and import path of the parent, and is sent when these change, so that Sail finds credentials,
relative paths and modules of Python functions as it would inside the parent. The end of stdin means that the parent is gone.
"""

import contextlib
import ctypes
import importlib
import json
import os
import signal
import sys
from typing import Any

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve until stdin ends."""
    # Threads inherit the mask, so no thread of Sail receives Ctrl-C, which would end it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    _end_with(parent=int(sys.argv[1]))
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    # Output of Python functions must not mix with the responses.
    os.dup2(2, 1)
    server = None
    for line in sys.stdin:
        message = json.loads(line)
        _follow(message)
        if server is None:
            from pysail.spark import SparkConnectServer

            server = SparkConnectServer(ip="127.0.0.1", port=message["port"])
            server.start(background=True)
            print(file=answers)
            # Sail imports it for its first session anyway; now the parent is busy with its own imports.
            importlib.import_module("pyspark.sql")
            continue
        print(file=answers)
    # Not a graceful stop: that would wait for abandoned queries.
    os._exit(0)


def _end_with(parent: int) -> None:
    """Have the kernel kill this process as soon as its parent ends, however it ends; only Linux can."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def _follow(parent: dict[str, Any]) -> None:
    for name in os.environ.keys() - parent["environment"].keys():
        del os.environ[name]
    os.environ.update(parent["environment"])
    sys.path[:] = parent["import_path"]
    # If the folder was deleted, relative paths do not work in the parent either.
    with contextlib.suppress(OSError):
        os.chdir(parent["folder"])


if __name__ == "__main__":
    main()
