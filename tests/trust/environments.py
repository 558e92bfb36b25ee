"""Environments: a full disk, a read-only one, no home, few files, little memory, odd clocks, zones and locales."""

import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shipment_etl.lake.lake import Lake
from tests.trust.lakes import FOLDER, Lakes
from tests.trust.results import Fault, NotPossible, compare
from tests.trust.stops import Stops
from tests.zygote import Zygote, changed_environment

__all__ = ["ENVIRONMENTS", "Environments"]

FILES_256 = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))"
FILES_OF_4_KIB = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
"""
CLOCK_SET_BACK = """
import datetime, time
import shipment_etl.jobs.work, shipment_etl.jobs.maintain, shipment_etl.lake.lock, shipment_etl.lake.object_lock
real = time.time
time.time = lambda: real() - 400 * 86400
class Earlier(datetime.datetime):
    @classmethod
    def now(cls, zone=None):
        return datetime.datetime.now(zone) - datetime.timedelta(days=400)
for module in (shipment_etl.jobs.work, shipment_etl.jobs.maintain, shipment_etl.lake.lock, shipment_etl.lake.object_lock):
    module.datetime = Earlier
"""
COMMAND_LINE = "\nfrom shipment_etl.cli.main import main\nmain()\n"
GIBIBYTE = 1 << 30
CGROUP = Path("/sys/fs/cgroup/memory")


@dataclass(frozen=True)
class Environment:
    """Where a job runs: what is done before, which variables it has, and whether it can succeed."""

    name: str
    before: str = ""
    variables: tuple[tuple[str, str | None], ...] = ()
    mount: str = ""
    succeeds: bool = True


ENVIRONMENTS = (
    Environment("full disk", mount="full", succeeds=False),
    Environment("files of 4 KiB at most", FILES_OF_4_KIB, succeeds=False),
    Environment("read-only disk", mount="read-only", succeeds=False),
    Environment("no HOME", variables=(("HOME", None),)),
    Environment("HOME that is not there", variables=(("HOME", "/nonexistent"),)),
    Environment("256 open files", FILES_256),
    Environment("1 GiB of memory", "memory"),
    Environment("clock set back by 400 days", CLOCK_SET_BACK),
    Environment("time zone far east", variables=(("TZ", "Pacific/Kiritimati"),)),
    Environment("time zone of half an hour", variables=(("TZ", "America/St_Johns"),)),
    Environment("locale C", variables=(("LC_ALL", "C"), ("LANG", "C"), ("PYTHONUTF8", "0"))),
    Environment("Turkish locale", variables=(("LC_ALL", "tr_TR.UTF-8"), ("LANG", "tr_TR.UTF-8"))),
)


@dataclass
class Environments:
    """Trials of the process job, and then of maintain, each in an environment."""

    lakes: Lakes
    stops: Stops
    zygote: Zygote

    def work(self, environment: Environment, draw: random.Random) -> str:
        """Run two jobs there; then run them again here."""
        with self._lake(environment) as (lake, undo), self._memory(environment) as join:
            for job in ("process", "maintain"):
                program = join + ("" if environment.before == "memory" else environment.before) + COMMAND_LINE
                arguments = [*self.lakes.arguments(job, lake), "--engine", "sail"]
                child = self.zygote.start(arguments, changed_environment(dict(environment.variables)), program)
                code = child.wait()
                where = f"{job} in {environment.name}: exit {code}"
                if (code == 0) != environment.succeeds and not (job == "maintain" and code == 0):
                    raise Fault("wrongly green" if code == 0 else "other", f"{where}: {child.output[-500:]}")
                if "This should not happen" in child.output or "Traceback" in child.output:
                    raise Fault("other", f"{where}: {child.output[-500:]}")
                done = ["process"] if environment.succeeds else []
                compare(self.lakes.expected(done), self.lakes.read(lake.snapshot()), where)
            undo()
            self.lakes.run("process", lake)
            compare(self.lakes.expected(["process"]), self.lakes.read(lake.snapshot()), f"{environment.name}, run again")
        return environment.name

    @contextmanager
    def _lake(self, environment: Environment) -> Iterator[tuple[Lake, object]]:
        lake = self.lakes.copy(FOLDER)
        if not environment.mount:
            yield lake, lambda: None
            self.lakes.delete(lake)
            return
        folder = Path(lake.uri).parent / f"mounted-{Path(lake.uri).name}"
        folder.mkdir()
        _mount("-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder))
        try:
            mounted = Lake(folder / "lake")
            subprocess.run(["cp", "-r", lake.uri, mounted.uri], check=True)
            filler = folder / "filler"
            if environment.mount == "full":
                free = os.statvfs(folder)
                filler.write_bytes(b"x" * (free.f_bavail * free.f_bsize - (24 << 10)))
            else:
                _mount("-o", "remount,ro", str(folder))

            def undo() -> None:
                _mount("-o", "remount,rw", str(folder))
                filler.unlink(missing_ok=True)

            yield mounted, undo
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=False)

    @contextmanager
    def _memory(self, environment: Environment) -> Iterator[str]:
        if environment.before != "memory":
            yield ""
            return
        group = CGROUP / f"trust-{os.getpid()}"
        try:
            group.mkdir()
            (group / "memory.limit_in_bytes").write_text(str(GIBIBYTE))
        except OSError as problem:
            raise NotPossible(f"no control group: {problem}") from problem
        try:
            yield f"import os, pathlib; pathlib.Path('{group}/cgroup.procs').write_text(str(os.getpid()))"
        finally:
            group.rmdir()


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotPossible(f"mount: {done.stderr.strip()}")
