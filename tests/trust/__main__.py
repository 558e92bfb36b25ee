"""Run the trials of `make trust`, or python -m tests.trust [--seed 1] [--only kills,races] [--minutes 30].

Every trial is drawn from the seed, the part and its number; when a signal arrives also depends on the machine.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from shipment_etl.engines.sail_process import SailProcess
from tests.store.client import VARIABLES, run_store
from tests.trust.environments import ENVIRONMENTS, Environments
from tests.trust.frames import TOGETHER, check_frames, draw_frames
from tests.trust.lakes import Lakes
from tests.trust.liars import Liars
from tests.trust.machine import LakeMachine, make_folder
from tests.trust.processes import run_in_processes, save
from tests.trust.proxy import Proxy, run_proxy
from tests.trust.races import Races
from tests.trust.results import Part
from tests.trust.schedules import lying_machine_in, machine_in, run_schedules
from tests.trust.stops import SPARK, Stops
from tests.trust.table import table_of
from tests.zygote import zygote

__all__ = ["LINES", "main", "run_table"]

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "trust.md"
BEGIN, END = "<!-- table: made by make trust -->", "<!-- end of table -->"
SCHEDULES_TOGETHER = 25


@dataclass(frozen=True)
class Line:
    """A line of the table: maximum number of trials, and its share of the time."""

    title: str
    wanted: int
    share: float


LINES = {
    "kills": Line("SIGKILL at a random moment of any job", 260, 0.16),
    "kills-spark": Line("SIGKILL at a random moment, classic Spark", 40, 0.08),
    "signals": Line("SIGTERM or SIGINT to the command line", 200, 0.13),
    "python": Line("SIGINT to a program that goes on", 100, 0.08),
    "races": Line("two to four jobs at once", 200, 0.13),
    "liars": Line("a job against an S3 that lies", 200, 0.18),
    "frames": Line("frames through split, clean, lane_days and marts", 10_000, 0.05),
    "schedules": Line("schedules of small jobs in a folder", 4_900, 0.12),
    "schedules-s3": Line("schedules of small jobs on S3", 50, 0.03),
    "schedules-lies": Line("schedules of small jobs against an S3 that lies", 50, 0.03),
    "environments": Line("environments", len(ENVIRONMENTS), 0.01),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make trust", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default=",".join(LINES), help=f"some of {','.join(LINES)}")
    parser.add_argument("--minutes", type=float, default=300.0, help="for all parts together, about")
    parser.add_argument("--trial", type=int, help="run only this trial, of the part that --only names")
    parser.add_argument("--page", action="store_true", help=f"write the table into {PAGE.name}")
    parser.add_argument("--processes", type=int, default=1, help="number of processes that share the trials")
    parser.add_argument("--worker", default="0/1", help=argparse.SUPPRESS)
    parser.add_argument("--parts", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    names = given.only.split(",")
    if given.processes > 1:
        parts = run_in_processes(given.processes, given.seed, names, given.minutes)
    else:
        first, step = (given.trial, 0) if given.trial is not None else map(int, given.worker.split("/"))
        parts = run_table(given.seed, names, given.minutes, first, step)
    if given.parts:
        save(parts, given.parts)
        sys.stdout.flush()
        os._exit(0)
    table = table_of(parts, {name: line.title for name, line in LINES.items()})
    print("\n" + table)
    if given.page:
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{table}\n{END}{rest.partition(END)[2]}", "utf-8")
    sys.stdout.flush()
    os._exit(any(part.found for part in parts))


def run_table(seed: int, names: list[str], minutes: float, first: int = 0, step: int = 1) -> list[Part]:
    """Run some parts one after the other, and return what they found.

    Args:
        seed: draws all trials.
        names: of the parts.
        minutes: for all parts together, about.
        first: number of the first trial of each part.
        step: distance to the number of the next one; 0 if there is no other.
    """
    whole = sum(LINES[name].share for name in names)
    with ExitStack() as stack:
        folder = Path(make_folder())
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        store = stack.enter_context(run_store())
        proxy = stack.enter_context(run_proxy(store.endpoint))
        for name in [each for each in os.environ if each.startswith("AWS_")]:
            del os.environ[name]
        os.environ.update(VARIABLES | {"AWS_ENDPOINT_URL": proxy.address, "AWS_CONFIG_FILE": os.devnull})
        os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
        children = stack.enter_context(zygote(folder))
        store.bucket("schedules")
        server = SailProcess()
        os.environ.update({"AWS_ENDPOINT": proxy.address, "AWS_ALLOW_HTTP": "true"})
        server.ensure()
        stack.callback(server.stop)
        lakes = Lakes(folder, store, server.address)
        stops = Stops(lakes, children, {})
        races, liars = Races(lakes, stops), Liars(lakes, stops, proxy)
        environments = Environments(lakes, stops, children)
        trials: dict[str, Callable[[random.Random], str]] = {
            "kills": stops.kill,
            "kills-spark": lambda draw: stops.kill(draw, (SPARK,)),
            "signals": stops.interrupt,
            "python": stops.interrupt_python,
            "races": races.race,
            "liars": liars.lie,
        }
        parts = []
        for name in names:
            numbers = range(first, LINES[name].wanted, step) if step else [first]
            part = Part(name, seed, len(numbers), minutes * 60 * LINES[name].share / whole)
            print(f"{name}: at most {part.wanted} trials, {part.seconds:.0f} s, seed {seed}", flush=True)
            parts.append(part)
            try:
                if name in trials:
                    part.run(trials[name], _report, numbers)
                elif name == "frames":
                    _run_frames(part, lakes, first, step)
                elif name == "environments":
                    _run_environments(part, environments, numbers)
                else:
                    _run_schedules(part, proxy, first, step)
            except KeyboardInterrupt:
                # What was tried so far is in the table.
                print(f"{name}: stopped", flush=True)
                break
            print(f"{name}: {part.count} in {part.took:.0f} s, found {dict(part.found)}", flush=True)
        return parts


def _report(note: str) -> None:
    print(note, flush=True)


def _run_together(part: Part, together: int, what: str, work: Callable[[int], int], number: int, step: int) -> None:
    """Run many trials at once, each time with a new seed, until there are enough or the time is up."""
    begin = time.monotonic()
    while part.count < part.wanted and time.monotonic() - begin < part.seconds:
        try:
            part.tried[what] += work(part.seed * 1_000_000 + number)
        except Exception as problem:
            part.tried[what] += together
            told = "\n".join((traceback.format_exc(limit=-4), *getattr(problem, "__notes__", ())))
            part.add("torn" if isinstance(problem, AssertionError) else "other", f"{what}, seed {number}: {told}")
            _report(part.notes[-1])
        part.took, number = time.monotonic() - begin, number + step


def _run_frames(part: Part, lakes: Lakes, first: int, step: int) -> None:
    def check(seed: int) -> int:
        frames = draw_frames(seed, TOGETHER)
        check_frames(lakes.spark, frames)
        return len(frames)

    _run_together(part, TOGETHER, "frames", check, first, step)


def _run_schedules(part: Part, proxy: Proxy, first: int, step: int) -> None:
    together = SCHEDULES_TOGETHER if part.name == "schedules" else 2

    def check(seed: int) -> int:
        machines = {
            "schedules": lambda: LakeMachine,
            "schedules-s3": lambda: machine_in("s3://schedules"),
            "schedules-lies": lambda: lying_machine_in("s3://schedules", proxy, seed * 1000),
        }
        run_schedules(machines[part.name](), seed=seed, number=together)
        return together

    _run_together(part, together, "schedules", check, first, step)


def _run_environments(part: Part, environments: Environments, numbers: Sequence[int]) -> None:
    for environment in (list(ENVIRONMENTS)[number] for number in numbers):
        one = Part(part.name, part.seed, 1, part.seconds)
        one.run(partial(environments.work, environment), _report, [0])
        part.tried += one.tried
        part.found += one.found
        part.notes += one.notes
        part.took += one.took


if __name__ == "__main__":
    main()
