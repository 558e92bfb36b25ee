"""Stops: jobs of real processes that are killed, or asked to stop by a signal, at a random moment."""

import random
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from shipment_etl.lake.lake import Lake
from shipment_etl.lake.runs import SUCCEEDED, newest_run, read_runs
from tests.trust.lakes import JOBS, PLACES, S3, Lakes
from tests.trust.results import Fault, compare
from tests.zygote import Child, Zygote, changed_environment

__all__ = ["SAIL", "SERVER", "SPARK", "Stops"]

SERVER, SAIL, SPARK = "Sail server", "Sail", "Spark"
"""A server that outlives the job; Sail embedded in the job's process; classic Spark in it."""

PYTHON = """
import sys, shipment_etl as etl
from shipment_etl.cli.main import main
sys.stderr.flush()
from shipment_etl.jobs.process import run_process
spark = etl.session(sys.argv[1])
for attempt in range(2):
    try:
        run_process(etl.Lake(sys.argv[2]), date=sys.argv[3], max_rejected=1, spark=spark)
        break
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


@dataclass
class Stops:
    """Trials that stop jobs."""

    lakes: Lakes
    zygote: Zygote
    variables: dict[str, str]
    _seconds: dict[tuple[str, ...], list[float]] = field(default_factory=dict)

    def kill(self, draw: random.Random, engines: tuple[str, ...] = (SERVER, SERVER, SAIL)) -> str:
        """Kill a job, look at the lake, run the job again, and look again."""
        job, place, engine = draw.choice(list(JOBS)), draw.choice(PLACES), draw.choice(engines)
        lake = self.lakes.copy(place)
        child = self.start(job, lake, engine)
        self._stop(draw, child, signal.SIGKILL, (job, place, engine))
        self._judge(job, lake, child, place)
        return f"{place}, {engine}"

    def interrupt(self, draw: random.Random, engines: tuple[str, ...] = (SERVER, SAIL)) -> str:
        """Ask a command to stop by SIGTERM or SIGINT: it rolls back by itself."""
        job, place, engine = draw.choice(list(JOBS)), draw.choice(PLACES), draw.choice(engines)
        number = draw.choice((signal.SIGTERM, signal.SIGINT))
        lake = self.lakes.copy(place)
        child = self.start(job, lake, engine)
        self._stop(draw, child, number, (job, place, engine))
        if child.code not in (0, 128 + number, -number):
            raise Fault("other", f"{number.name} to {job} on {place}, {engine}: exit {child.code}: {child.output[-400:]}")
        # Before the command handles signals, they end it as they end any program.
        if child.code != -number:
            compare(self.lakes.read(lake.snapshot()), self.lakes.newest(lake), f"{number.name} to {job}: newest versions")
        self._judge(job, lake, child, place)
        return f"{number.name}, {place}, {engine}"

    def interrupt_python(self, draw: random.Random) -> str:
        """Send SIGINT to a program that goes on: the same session runs the job again."""
        place, engine = draw.choice(PLACES), draw.choice((SERVER, SAIL))
        lake = self.lakes.copy(place)
        arguments = [self._address(engine), lake.uri, "2026-12-01"]
        child = self.zygote.start(arguments, self._environment(), PYTHON)
        self._stop(draw, child, signal.SIGINT, ("python", place, engine))
        if child.code == 0:
            compare(self.lakes.expected(["process"]), self.lakes.read(lake.snapshot()), "a program that went on")
        elif "KeyboardInterrupt" not in child.output:
            raise Fault("other", f"SIGINT to a program on {place}, {engine}: exit {child.code}: {child.output[-400:]}")
        self._judge("process", lake, child, place)
        return f"SIGINT, Python, {place}, {engine}"

    def start(self, job: str, lake: Lake, engine: str = SERVER, more: Sequence[str] = ()) -> Child:
        """Start a job by its command."""
        arguments = [*self.lakes.arguments(job, lake), "--engine", self._address(engine), *more]
        return self.zygote.start(arguments, self._environment())

    def _address(self, engine: str) -> str:
        return {SERVER: self.lakes.engine, SAIL: "sail", SPARK: "spark"}[engine]

    def _environment(self) -> dict[str, str]:
        return changed_environment({"SPARK_REMOTE": None, "SPARK_CONNECT_MODE_ENABLED": None, **self.variables})

    def _stop(self, draw: random.Random, child: Child, number: signal.Signals, what: tuple[str, ...]) -> None:
        """Send a signal at a random moment of the whole job or, in every other trial, of its commits."""
        begin = time.monotonic()
        usual = median(self._seconds.get(what, [4.0]))
        at_commits, share = draw.random() < 0.5, draw.random()
        if at_commits:
            while child.code is None and not child.has_begun_to_commit() and time.monotonic() - begin < 120:
                time.sleep(0.001)
            time.sleep(share * (0.8 if what[1] == S3 else 0.15))
        else:
            while child.code is None and time.monotonic() - begin < share * usual:
                time.sleep(0.002)
        child.signal(number)
        child.wait()
        if at_commits or child.code == 0:
            self._seconds.setdefault(what, []).append(time.monotonic() - begin)

    def _judge(self, job: str, lake: Lake, child: Child, place: str) -> None:
        before, after = self.lakes.expected(), self.lakes.expected([job])
        where = f"{job} on {place}, exit {child.code}"
        runs = list(read_runs(lake))
        if len(runs) != len({run.run_id for run in runs}):
            raise Fault("other", f"{where}: a run is logged twice")
        newest = newest_run(lake)
        happened = newest is not None and newest.status == SUCCEEDED and len(runs) > self.lakes.runs_before
        if child.code == 0 and not happened:
            raise Fault("wrongly green", f"{where}: the log knows of no success")
        compare(after if happened else before, self.lakes.read(lake.snapshot()), f"{where}, snapshot")
        self.lakes.expire_lock(lake)
        self.lakes.run(job, lake)
        compare(after, self.lakes.read(lake.snapshot()), f"{where}, run again")
        compare(after, self.lakes.newest(lake), f"{where}, newest versions after running again")
        self.lakes.delete(lake)
