"""Results: how many trials a part made, and what it found, by kind of fault."""

import random
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

__all__ = ["KINDS", "Fault", "NotPossible", "Part", "compare"]

KINDS = ("lost", "doubled", "torn", "wrongly green", "other")
"""Missing rows; rows too many; tables of different runs; a success that was none; anything else."""


class Fault(Exception):
    """A promise that was not kept."""

    def __init__(self, kind: str, what: str) -> None:
        super().__init__(f"{kind}: {what}")
        self.kind = kind


class NotPossible(Exception):
    """This machine does not allow the trial."""


@dataclass
class Part:
    """One line of the table."""

    name: str
    seed: int
    wanted: int
    seconds: float
    tried: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    took: float = 0.0

    def run(self, trial: Callable[[random.Random], str], report: Callable[[str], None], numbers: Iterable[int]) -> None:
        """Run trials with some numbers, each of which determines the whole trial, until the time is up."""
        begin, before = time.monotonic(), self.took
        for number in numbers:
            if time.monotonic() - begin > self.seconds:
                break
            draw = random.Random(f"{self.seed} {self.name} {number}")
            try:
                what = trial(draw)
            except NotPossible as problem:
                report(f"{self.name}: not tried: {problem}")
                continue
            except Fault as fault:
                what = "fault"
                self.add(fault.kind, f"trial {number}: {fault}")
            except Exception:
                what = "fault"
                self.add("other", f"trial {number}: {traceback.format_exc(limit=-4)}")
            self.tried[what] += 1
            self.took = before + time.monotonic() - begin
            if self.notes and what == "fault":
                report(f"{self.name}: {self.notes[-1]}")

    def add(self, kind: str, note: str) -> None:
        """Note a fault."""
        self.found[kind] += 1
        self.notes.append(note)

    @property
    def count(self) -> int:
        """How many trials were made."""
        return self.tried.total()


def compare(expected: dict[str, str], found: dict[str, str], where: str) -> None:
    """Compare fingerprints of tables, which begin with the number of rows.

    Raises:
        Fault: they differ.
    """
    if expected == found:
        return
    differ = {name for name in {*expected, *found} if expected.get(name) != found.get(name)}
    rows = {name: [int(each.get(name, "0").split("-")[0], 16) for each in (expected, found)] for name in sorted(differ)}
    kind = "torn"
    if all(was > now for was, now in rows.values()):
        kind = "lost"
    if all(was < now for was, now in rows.values()):
        kind = "doubled"
    raise Fault(kind, f"{where}: rows expected and found: {rows}")
