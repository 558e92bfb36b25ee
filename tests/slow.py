"""Which tests are slow: those of slow.txt, which `make slow` measures anew.

The line of a test is its module and function; its parameters count together.
"""

import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

import pytest

__all__ = ["mark_slow"]

MAX_SECONDS = 0.25
"""Seconds of a test that is not slow, all its parameters together."""

LIST = Path(__file__).parent / "slow.txt"


def mark_slow(items: list[pytest.Item]) -> None:
    """Mark the tests of the list."""
    slow = frozenset(LIST.read_text("utf-8").splitlines())
    for item in items:
        if _name(item.nodeid.replace("/", ".").replace(".py::", "::", 1)) in slow:
            item.add_marker(pytest.mark.slow)


def _name(name: str) -> str:
    return name.partition("[")[0]


def _measured(report: Path) -> dict[str, float]:
    """Return the seconds of each test of a report in JUnit's form."""
    seconds = defaultdict[str, float](float)
    # Our own pytest wrote it.
    for case in ElementTree.parse(report).iter("testcase"):
        seconds[_name(f"{case.get('classname')}::{case.get('name')}")] += float(case.get("time", 0))
    return seconds


if __name__ == "__main__":
    names = sorted(name for name, seconds in _measured(Path(sys.argv[1])).items() if seconds > MAX_SECONDS)
    LIST.write_text("".join(f"{name}\n" for name in names), "utf-8")
    print(f"{len(names)} slow tests in {LIST}")
