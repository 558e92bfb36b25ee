"""How everything is measured: each side in its own process, in turn, on two processors, while the machine is idle."""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = [
    "HERE",
    "Bench",
    "Figure",
    "Pair",
    "describe_machine",
    "measure_command",
    "measure_pair",
    "run_case",
    "run_script",
]

HERE = Path(__file__).parent
MAX_LOAD = 2.5


@dataclass(frozen=True)
class Bench:
    """The settings: where to work, how many rounds, the factor for numbers of rows, seconds to wait for an idle machine."""

    folder: Path
    rounds: int
    scale: float = 1.0
    wait: float = 600

    def rows(self, count: int) -> int:
        """Return a number of rows, or of days, multiplied by the scale."""
        return max(1, round(count * self.scale))

    def wait_until_quiet(self) -> None:
        """Wait until the load of the last minute is low, for a limited time; the report has the highest load."""
        deadline = time.monotonic() + self.wait
        while os.getloadavg()[0] >= MAX_LOAD and time.monotonic() < deadline:
            time.sleep(5)
        _note(f"load {os.getloadavg()[0]:.2f}")

    @staticmethod
    def say(rows: int) -> str:
        """Return a number of rows as text."""
        return f"{rows / 1_000_000:g} M" if rows >= 1_000_000 else f"{rows:,}"


@dataclass(frozen=True)
class Figure:
    """A line of the report; `met` is None if it has no target."""

    what: str
    took: str
    ratio: str
    wanted: str
    met: bool | None

    def __str__(self) -> str:
        missed = ", **missed**" if self.met is False else ""
        return f"| {self.what} | {self.took} | {self.ratio} | {self.wanted}{missed} |"

    @staticmethod
    def bounded(what: str, seconds: float, limit: float) -> "Figure":
        """Return a figure for seconds that must stay below a limit."""
        return Figure(what, f"{seconds:.1f} s", "", f"≤ {limit:g} s", seconds <= limit)


@dataclass(frozen=True)
class Pair:
    """Median seconds of two sides, and the median of their ratios, round by round."""

    ours: float
    theirs: float
    ratio: float

    @property
    def took(self) -> str:
        """Both sides as text."""
        return f"{self.ours:.2f} s / {self.theirs:.2f} s"

    def faster(self, what: str, least: float) -> Figure:
        """Return a line that says how many times faster the first side is."""
        times = 1 / self.ratio
        return Figure(what, self.took, f"{times:.1f} × faster", f"≥ {least:g} ×", times >= least)

    @staticmethod
    def of(rounds: list[tuple[float, float]]) -> "Pair":
        """Return the pair of some rounds."""
        ours, theirs = zip(*rounds, strict=True)
        return Pair(statistics.median(ours), statistics.median(theirs), statistics.median(a / b for a, b in rounds))


def measure_pair(ours: str, theirs: str, bench: Bench, rows: int) -> Pair:
    """Measure two cases in turn; the order alternates between rounds."""
    found = []
    for turn in range(bench.rounds):
        bench.wait_until_quiet()
        order = (ours, theirs) if turn % 2 == 0 else (theirs, ours)
        seconds = {name: run_case(name, bench.folder, rows)["seconds"] for name in order}
        found.append((seconds[ours], seconds[theirs]))
    return Pair.of(found)


def run_case(name: str, folder: Path, rows: int) -> dict[str, Any]:
    """Run a case of `cases.py`; return its seconds, its peak memory and what else it reports."""
    found: dict[str, Any] = json.loads(run_script("cases.py", name, str(folder), str(rows)))
    _note(f"{name}: {found}")
    return found


def measure_command(
    command: list[str], bench: Bench, warm: int = 0, after: Callable[[], None] | None = None, **options: Any
) -> float:
    """Return the median seconds of a command, from start to end; the first runs are a warm-up and do not count."""
    seconds = []
    for _ in range(warm + bench.rounds):
        bench.wait_until_quiet()
        start = time.perf_counter()
        _run(command, **options)
        seconds.append(time.perf_counter() - start)
        _note(f"{seconds[-1]:.2f} s: … {' '.join(command)[-60:]}")
        if after is not None:
            after()
    return statistics.median(seconds[warm:])


def run_script(script: str, *arguments: str) -> str:
    """Run a script of this folder; return the last line that it printed."""
    return _run([sys.executable, str(HERE / script), *arguments])


def describe_machine() -> str:
    """Return a description of this machine."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    processor = next((line.split(":")[1].strip() for line in lines if "model name" in line), platform.processor())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return f"two threads of {processor}, {memory:.0f} GiB of memory, {platform.system()}, Python {platform.python_version()}"


def _run(command: list[str], **options: Any) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    lines = done.stdout.splitlines()
    return lines[-1] if lines else ""


def _note(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)
