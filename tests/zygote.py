"""Zygote: a process that has imported everything, and forks one child per command, which therefore starts at once.

A line of JSON on its standard input starts a command (arguments, environment, folder, output); it answers with the child's
id, and later with its exit code. The child is an ordinary process: own engine, own lock, real signals.
"""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

__all__ = ["Child", "Zygote", "changed_environment", "zygote"]

ROOT = Path(__file__).parents[1]


class Child:
    """A command that is running or has ended."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.code: int | None = None
        self.files = Path()

    @property
    def stdout(self) -> bytes:
        """What it printed to stdout."""
        return self.files.with_suffix(".out").read_bytes()

    @property
    def stderr(self) -> bytes:
        """What it printed to stderr."""
        return self.files.with_suffix(".err").read_bytes()

    @property
    def output(self) -> str:
        """Both."""
        return (self.stdout + self.stderr).decode(errors="replace")

    def has_begun_to_commit(self) -> bool:
        """Return whether the job's last query is done."""
        return self.files.with_suffix(".mark").exists()

    def signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        # It can end at any moment.
        if self.code is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, seconds: float = 300.0) -> int:
        """Wait for its end, and return its exit code; a signal's number is negative."""
        deadline = time.monotonic() + seconds
        while self.code is None:
            if time.monotonic() > deadline:
                os.kill(self.pid, 9)
                raise TimeoutError(f"pid {self.pid} did not end; it printed: {self.output[-500:]}")
            time.sleep(0.002)
        return self.code


class Zygote:
    """A process that starts commands."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._children: dict[int, Child] = {}
        self._started: list[int] = []
        self._changed = threading.Condition()
        self._count = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def start(
        self, arguments: Sequence[object], environment: Mapping[str, str], program: str = "", folder: Path | None = None
    ) -> Child:
        """Start the command line, or a Python program that gets the arguments, in an environment and a folder."""
        assert self._process.stdin is not None
        self._count += 1
        files = self._folder / str(self._count)
        order = {
            "arguments": [*map(str, arguments)],
            "environment": dict(environment),
            "program": program,
            "folder": str(folder or Path.cwd()),
            "files": str(files),
        }
        with self._changed:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            assert self._changed.wait_for(lambda: bool(self._started), 60), "the zygote is gone"
            child = self._children[self._started.pop()]
        child.files = files
        return child

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            answer = json.loads(line)
            with self._changed:
                if "code" in answer:
                    self._children[answer["pid"]].code = answer["code"]
                else:
                    self._children[answer["pid"]] = Child(answer["pid"])
                    self._started.append(answer["pid"])
                self._changed.notify_all()


def changed_environment(changes: Mapping[str, str | None]) -> dict[str, str]:
    """Return the environment of this process with changes; None removes a variable."""
    return {name: value for name, value in {**os.environ, **changes}.items() if value is not None}


@contextmanager
def zygote(folder: Path) -> Iterator[Zygote]:
    """Start a zygote that keeps outputs in a folder, and end it after the body."""
    command = [sys.executable, "-m", "tests.zygote"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Zygote(process, folder)
        assert process.stdin is not None
        process.stdin.close()


def main() -> None:
    # A shell's background processes ignore SIGINT; the children would inherit that, and tests of SIGINT could not work.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    preload()
    alive: set[int] = set()
    pending = b""
    while True:
        if select.select([0], [], [], 0.005)[0]:
            read = os.read(0, 1 << 16)
            if not read:
                os._exit(0)
            *lines, pending = (pending + read).split(b"\n")
            for line in lines:
                pid = fork(json.loads(line))
                alive.add(pid)
                send(pid=pid)
        for pid in list(alive):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                alive.remove(pid)
                send(pid=pid, code=os.waitstatus_to_exitcode(status))


def send(**what: int) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


def fork(order: dict[str, Any]) -> int:
    """Fork a child that runs a command, and return its id."""
    pid = os.fork()
    if pid:
        return pid
    opened = [os.open(os.devnull, os.O_RDONLY)]
    opened += [os.open(order["files"] + end, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) for end in (".out", ".err")]
    for target, source in enumerate(opened):
        os.dup2(source, target)
        os.close(source)
    os.setsid()
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    os.chdir(order["folder"])
    code = 1
    try:
        run(order)
        code = 0
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    sys.stdout.flush()
    # Otherwise the interpreter would wait for threads of the engine's client.
    os._exit(code)


def run(order: dict[str, Any]) -> None:
    from shipment_etl.cli.main import main as command_line
    from shipment_etl.plugins import Plugins

    notify = Plugins.notify

    def marking(plugins: Plugins, hook: str, **what: Any) -> None:
        if hook == "before_stage" and what["stage"] == "commit":
            Path(order["files"] + ".mark").touch()
        notify(plugins, hook, **what)

    Plugins.notify = marking  # type: ignore[method-assign]
    sys.argv = ["shipment-etl", *order["arguments"]]
    if order["program"]:
        exec(compile(order["program"], "program", "exec"), {"__name__": "__main__"})
    else:
        command_line()


def preload() -> None:
    """Import what a job needs; nothing that starts a thread."""
    import boto3
    import deltalake
    import pyarrow.dataset
    import pyspark.sql.connect.session

    import shipment_etl.cli.commands
    import shipment_etl.jobs.ingest
    import shipment_etl.jobs.maintain
    import shipment_etl.jobs.process
    import shipment_etl.lake.s3_storage

    del boto3, deltalake, pyarrow, pyspark, shipment_etl


if __name__ == "__main__":
    main()
