"""A sample of `make trust`: real jobs in real processes, killed, stopped, at once, and in odd environments."""

import subprocess
import sys

import pytest

PARTS = "kills,signals,python,races,liars,frames"


@pytest.mark.slow
def test_a_minute_of_kills_signals_races_and_lies_finds_no_fault() -> None:
    command = [sys.executable, "-m", "tests.trust", "--only", PARTS, "--minutes", "0.6"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    # The parts, their seeds and the numbers of trials are in what it prints.
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    for part in PARTS.split(","):
        assert f"{part}: at most" in done.stdout
