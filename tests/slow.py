"""Which tests are slow: those in slow.txt, which `make slow` writes.

A line is the module and function of a test; all parameters of a test count together.
"""

import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

import pytest

__all__ = ["mark_slow"]

MAX_SECONDS = 0.25
"""Tests that take longer, with all their parameters together, are slow."""

LIST = Path(__file__).parent / "slow.txt"


def mark_slow(items: list[pytest.Item]) -> None:
    """Mark the tests in the list."""
    slow = frozenset(LIST.read_text("utf-8").splitlines())
    for item in items:
        if _name(item.nodeid.replace("/", ".").replace(".py::", "::", 1)) in slow:
            item.add_marker(pytest.mark.slow)


def _name(name: str) -> str:
    return name.partition("[")[0]


def _sum_seconds(report: Path) -> dict[str, float]:
    """Return the seconds of each test in a JUnit report."""
    seconds = defaultdict[str, float](float)
    # Safe to parse: our own pytest wrote it.
    for case in ElementTree.parse(report).iter("testcase"):
        seconds[_name(f"{case.get('classname')}::{case.get('name')}")] += float(case.get("time", 0))
    return seconds


if __name__ == "__main__":
    names = sorted(name for name, seconds in _sum_seconds(Path(sys.argv[1])).items() if seconds > MAX_SECONDS)
    LIST.write_text("".join(f"{name}\n" for name in names), "utf-8")
    print(f"{len(names)} slow tests in {LIST}")
