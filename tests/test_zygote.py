"""The zygote: its children behave like processes that a person started."""

import os
import signal
import time
from pathlib import Path

from tests.zygote import zygote

SLEEP = "import time; print('ready', flush=True); time.sleep(60)"


def test_a_child_can_be_interrupted_even_if_our_parent_ignores_sigint(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with zygote(tmp_path) as children:
            child = children.start([], os.environ, SLEEP)
            while not child.files.with_suffix(".out").exists() or b"ready" not in child.stdout:
                assert child.code is None
                time.sleep(0.01)
            child.signal(signal.SIGINT)
            assert child.wait(30) != 0
            assert b"KeyboardInterrupt" in child.stderr
    finally:
        signal.signal(signal.SIGINT, before)
