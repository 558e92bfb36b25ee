"""Memory of a process that runs many jobs."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "long_process.py"


@pytest.mark.rehearsal
@pytest.mark.timeout(600)
def test_forty_small_days_in_one_process_need_no_more_memory_than_ten() -> None:
    command = [sys.executable, str(BENCHMARK), "--runs", "40"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
