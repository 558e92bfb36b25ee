"""Steps: prepares a step's command for this machine, and runs it in its own folder."""

import os
import shutil
import signal
import subprocess  # nosec B404 # runs steps
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from shipment_etl_emr.local.commands import CommandUnfit, Program, Script, Submit, read
from shipment_etl_emr.local.nodes import Node

__all__ = ["Fetch", "Running", "prepare"]

LEASH = Path(__file__).with_name("leash.py")
GRACE_SECONDS = 10.0
"""How long a program may take to stop after SIGTERM."""
Fetch = Callable[[str, Path], Path]


def prepare(
    jar: str, arguments: list[str], *, node: Node | None, folder: Path, fetch: Fetch, environment: Mapping[str, str]
) -> tuple[list[str], dict[str, str]]:
    """Return the command of a step, and its environment.

    Args:
        jar: jar of the step.
        arguments: arguments of the step.
        node: node of the step; None means this project's environment, with Spark scripts on the embedded engine.
        folder: the step's own folder, which gets its additional files.
        fetch: downloads a URI into a folder, and returns the path; the path of a local file is returned as it is.
        environment: environment of steps without a node.

    Raises:
        CommandUnfit: the step cannot run here.
        OSError: a file that it needs is missing.
    """
    variables = dict(environment) if node is None else node.environment
    wanted = read(jar, arguments)
    if isinstance(wanted, Script):
        return ["bash", str(fetch(wanted.uri, folder)), *wanted.arguments], variables
    if isinstance(wanted, Program):
        return list(wanted.arguments), variables
    if not wanted.script.endswith(".py"):
        raise CommandUnfit(f"Local AWS runs only Python scripts, not {wanted.script[:200]}")
    script = str(fetch(wanted.script, folder))
    modules = _bring(wanted, folder, fetch)
    if node is not None:
        return _submit(node, wanted, script, modules, folder, fetch)
    path = os.pathsep.join([str(folder), *modules, *filter(None, [environment.get("PYTHONPATH")])])
    return [sys.executable, script, *wanted.arguments], {**variables, "PYTHONPATH": path}


def _submit(
    node: Node, wanted: Submit, script: str, modules: list[str], folder: Path, fetch: Fetch
) -> tuple[list[str], dict[str, str]]:
    jars = [str(fetch(uri, folder)) for uri in wanted.files.get("--jars", ())]
    options = [*wanted.options]
    options += [(name, ",".join(paths)) for name, paths in (("--jars", jars), ("--py-files", modules)) if paths]
    command, variables = node.spark_submit([part for option in options for part in option])
    return [*command, script, *wanted.arguments], variables


def _bring(wanted: Submit, folder: Path, fetch: Fetch) -> list[str]:
    """Put the additional files of a script where it expects them; return the entries for its path."""
    for uri in wanted.files.get("--files", ()):
        fetch(uri, folder)
    for archive in wanted.files.get("--archives", ()):
        uri, _, name = archive.partition("#")
        packed = fetch(uri, folder)
        target = folder / (name or packed.name)
        if packed == target:
            packed = packed.rename(packed.with_name(f"packed-{packed.name}"))
        if packed.suffix == ".zip":
            shutil.unpack_archive(packed, target)
        else:
            shutil.unpack_archive(packed, target, filter="data")
    return [str(fetch(uri, folder)) for uri in wanted.files.get("--py-files", ())]


class Running:
    """A running step. Its files stdout and stderr are in its folder."""

    def __init__(self, command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self._asked_at: float | None = None
        self._killed = False
        with (folder / "stdout").open("ab") as out, (folder / "stderr").open("ab") as err:
            self._leash = subprocess.Popen(  # nosec B603 # no shell; running what a step asks for is the point
                [sys.executable, "-I", str(LEASH), *command],
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    @property
    def code(self) -> int | None:
        """Exit code of the program, None while it runs."""
        return self._leash.poll()

    def stop(self, now: float, *, force: bool) -> None:
        """Send SIGTERM to the program; by force or after the grace period, kill it and everything it started."""
        if force or (self._asked_at is not None and now - self._asked_at > GRACE_SECONDS):
            if not self._killed:
                self._killed = True
                self._order(signal.SIGKILL)
        elif self._asked_at is None:
            self._asked_at = now
            self._order(signal.SIGTERM)

    def close(self) -> None:
        """End the program if it is still running, and release it."""
        self._stdin.close()
        self._leash.wait()

    def _order(self, number: int) -> None:
        try:
            self._stdin.write(f"{number}\n".encode())
            self._stdin.flush()
        except BrokenPipeError:
            pass

    @property
    def _stdin(self) -> BinaryIO:
        assert self._leash.stdin is not None  # nosec B101 # it was asked for
        return self._leash.stdin  # type: ignore[return-value]
