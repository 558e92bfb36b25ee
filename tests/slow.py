"""Which tests are slow: those in slow.txt, and those that use a fixture in it. `make slow` writes the list.

A line is a module or package, and a test or fixture of it; all parameters of a test count together. A fixture that several
tests share counts for all of them, because whichever runs first waits for it. As a plugin of pytest, this module measures
such fixtures.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

__all__ = ["mark_slow"]

MAX_SECONDS = 0.25
"""Tests that take longer, with all their parameters together, are slow, and so are tests with a fixture that does."""

LIST = Path(__file__).parent / "slow.txt"
EVERYWHERE = "tests"
"""The package whose fixtures are shared by so many tests that they make none of them slow."""
_running = list[pytest.Item]()


def mark_slow(items: list[pytest.Item]) -> None:
    """Mark the tests in the list, and those that use a fixture in it."""
    slow = frozenset(LIST.read_text("utf-8").splitlines())
    for item in items:
        if not slow.isdisjoint(_names(item)):
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Remember which test runs."""
    _running.append(item)
    try:
        return (yield)
    finally:
        _running.pop()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
    """Add the seconds of a shared fixture to the report of the test that waited for it."""
    begin = time.perf_counter()
    try:
        return (yield)
    finally:
        place = _module(fixturedef.baseid.partition("::")[0])
        if fixturedef.scope != "function" and place not in ("", EVERYWHERE):
            seconds = time.perf_counter() - begin
            _running[-1].user_properties.append((f"{place}::{fixturedef.argname}", seconds))


def _names(item: pytest.Item) -> Iterator[str]:
    path, *classes, test = _name(item.nodeid).split("::")
    place = _module(path)
    yield f"{'.'.join([place, *classes])}::{test}"
    while place:
        yield from (f"{place}::{fixture}" for fixture in getattr(item, "fixturenames", ()))
        place = place.rpartition(".")[0]


def _module(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".")


def _name(name: str) -> str:
    return name.partition("[")[0]


def _sum_seconds(report: Path) -> dict[str, float]:
    """Return the seconds of each test and each shared fixture in a JUnit report."""
    seconds = defaultdict[str, float](float)
    # Safe to parse: our own pytest wrote it.
    for case in ElementTree.parse(report).iter("testcase"):
        name = _name(f"{case.get('classname')}::{case.get('name')}")
        seconds[name] += float(case.get("time", 0))
        for fixture in case.iter("property"):
            spent = float(fixture.get("value", 0))
            seconds[str(fixture.get("name"))] += spent
            seconds[name] -= spent
    return seconds


if __name__ == "__main__":
    names = sorted(name for name, seconds in _sum_seconds(Path(sys.argv[1])).items() if seconds > MAX_SECONDS)
    LIST.write_text("".join(f"{name}\n" for name in names), "utf-8")
    print(f"{len(names)} slow tests and fixtures in {LIST}")
