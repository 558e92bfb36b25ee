"""The command line as a separate process, started within milliseconds by a zygote that has already imported it."""

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from tests.zygote import Zygote, zygote

__all__ = ["run"]


def run(
    *arguments: object,
    code: int | None = 0,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float = 240,
) -> subprocess.CompletedProcess[str]:
    """Run `shipment-etl` and return what it printed.

    Args:
        arguments: arguments of the command line.
        code: expected exit code; None accepts any.
        folder: working directory; the current one if None.
        environment: environment of the process; if None, the current one with a terminal of 100 columns and no colours.
        seconds: timeout.
    """
    known = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"} if environment is None else environment
    child = _zygote().start(arguments, known, folder=folder)
    child.wait(seconds)
    out, err = child.stdout.decode(), child.stderr.decode()
    assert code in (None, child.code), out + err
    assert "--debug" in arguments or "Traceback" not in err, err
    return subprocess.CompletedProcess(("shipment-etl", *map(str, arguments)), child.code or 0, out, err)


@cache
def _zygote() -> Zygote:
    folder = Path(tempfile.mkdtemp())
    stack = ExitStack()
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(stack.close)
    return stack.enter_context(zygote(folder))
