"""The command line as a process of its own, started within milliseconds by a zygote that has imported it already."""

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
        arguments: of the command line.
        code: how it must end; None is anyhow.
        folder: where it runs; here if None.
        environment: of the process; that of this one, with a terminal of 100 columns without colours, if None.
        seconds: how long it may take.
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
