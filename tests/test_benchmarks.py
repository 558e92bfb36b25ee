"""`make bench`: it refuses unknown parts, and a run replaces only the table on the page."""

import subprocess
import sys

import pytest

from tests.documents import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
REPLACE = """
import sys
from pathlib import Path
from measure import Figure
from run import replace_table
page = Path(sys.argv[1])
replace_table(page, "Measured.\\n", [Figure("a thing", "1 s", "2 ×", "≤ 1 ×", False)])
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT / "benchmarks", capture_output=True, text=True, check=False)


def test_a_run_replaces_the_table_and_leaves_the_text(tmp_path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE.read_text("utf-8"), "utf-8")
    for _ in range(2):
        done = run("-c", REPLACE, str(page))
        assert done.returncode == 0, done.stderr
    before, after = PAGE.read_text("utf-8"), page.read_text("utf-8")
    begin, end = "<!-- figures: begin -->", "<!-- figures: end -->"
    assert after.partition(begin)[0] == before.partition(begin)[0]
    assert after.partition(end)[2] == before.partition(end)[2]
    table = after.partition(begin)[2].partition(end)[0]
    assert table.count("| a thing | 1 s | 2 × | ≤ 1 ×, **missed** |") == 1
    assert table.count("|") == 15


@pytest.mark.rehearsal
@pytest.mark.timeout(600)
def test_a_part_runs_at_a_small_scale() -> None:
    pytest.importorskip("polars")
    done = run("run.py", "--only", "process", "growth", "land_csv", "--scale", "0.0004", "--rounds", "1", "--wait", "0")
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert len(lines) == 8
    assert "process 2,000 rows, Sail / Polars by hand" in done.stdout
    assert "Load of the last minute" in done.stdout


def test_an_unknown_part_is_refused() -> None:
    done = run("run.py", "--only", "nothing")
    assert done.returncode == 2
    assert "spark_process" in done.stderr
