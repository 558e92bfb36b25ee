"""A sample of `make trust`: real jobs in real processes, killed, stopped, at once, and against a store that lies."""

import subprocess
import sys

import pytest

PARTS = ("kills,signals,python,frames", "races", "liars")


@pytest.mark.slow
@pytest.mark.parametrize("parts", PARTS)
def test_a_minute_of_kills_signals_races_and_lies_finds_no_fault(parts: str) -> None:
    command = [sys.executable, "-m", "tests.trust", "--only", parts, "--minutes", "0.3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    # The parts, their seeds and the numbers of trials are in what it prints.
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    for part in parts.split(","):
        assert f"{part}: at most" in done.stdout
