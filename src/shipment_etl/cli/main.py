"""Entry point: runs a command, and turns errors into one or two lines and an exit code.

Exit codes: 0 done, 1 the job failed, 2 wrong usage, 3 too many rows rejected, 75 retry, 130 Ctrl-C, 143 SIGTERM.
"""

import os
import signal
import sys
import traceback
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from shipment_etl import check_docstrings
from shipment_etl.cli.commands import app
from shipment_etl.cli.output import OutputClosed, watch_output
from shipment_etl.cli.terminal import console, echo, echo_json
from shipment_etl.config import settings_of_environment, settings_of_file
from shipment_etl.errors import ShipmentEtlError

__all__ = ["main"]


class _Stopped(BaseException):
    """A signal asked the program to stop. Typer does not handle this kind of exception, so it reaches the running job."""


_received: list[int] = []
"""The signals received."""


def main() -> None:
    """Run the command line, and exit."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # A signal that the parent process ignores, as under nohup, stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)
    watch_output()
    try:
        check_docstrings()
        settings_of_environment(os.environ)
        app(obj=settings_of_file(os.environ).given)
    except SystemExit as done:
        code = done.code
    except _Stopped:
        _leave_stopped()
    except OutputClosed:
        code = 0
    except Exception as problem:
        if _received:
            # A signal inside a Rust library has become an error of that library.
            _leave_stopped()
        code = _report(problem)
    try:
        # The interpreter would complain about a closed pipe.
        sys.stdout.flush()
    except OutputClosed:
        _leave(code if isinstance(code, int) else 0)
    sys.exit(code)


def _report(problem: Exception) -> int:
    """Print an error as text on stderr, and with --json also as JSON on stdout; return its exit code."""
    known = problem if isinstance(problem, ShipmentEtlError) else _wrap_unexpected(problem)
    if "--debug" in sys.argv:
        echo("".join(traceback.format_exception(problem)).rstrip(), err=True)
    else:
        console(stderr=True).print(f"error: {known}", style="red", markup=False)
    if "--json" in sys.argv:
        with suppress(OutputClosed):
            echo_json({"error": known.to_json() | {"type": type(problem).__name__}})
    return known.exit_code


def _wrap_unexpected(problem: Exception) -> ShipmentEtlError:
    text = f"{type(problem).__name__}: {problem}"[:500]
    return ShipmentEtlError(f"{text}\nThis should not happen.", "Please report it with the output of --debug.")


def _leave_stopped() -> NoReturn:
    echo("Stopped. The lake is unchanged since its last logged run.", err=True)
    _leave(128 + _received[0])


def _leave(code: int) -> NoReturn:
    """Exit at once; the embedded engine ends with this process.

    A buffer that can no longer be written is dropped.
    """
    sys.stderr.flush()
    os._exit(code)


def _stop(number: int, frame: FrameType | None) -> None:
    # A second signal must not interrupt the rollback.
    signal.signal(number, signal.SIG_IGN)
    _received.append(number)
    raise _Stopped(number)
