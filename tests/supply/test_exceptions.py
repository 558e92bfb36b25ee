"""Exceptions from bandit: each names what it allows, and why."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
REASONED = re.compile(r"# nosec B\d{3}(?:, B\d{3})* # \w.{5,}")


def test_each_names_its_rule_and_its_reason() -> None:
    files = [file for folder in ("src", "adapters", "images", "spark") for file in (ROOT / folder).rglob("*.py")]
    lines = [line for file in files if "tests" not in file.parts for line in file.read_text("utf-8").splitlines()]
    marked = [line for line in lines if "nosec" in line]
    assert len(marked) > 10
    assert [line for line in marked if not REASONED.search(line)] == []
