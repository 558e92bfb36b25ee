"""What tests of runs and of tunnels share."""

import signal
from collections.abc import Iterator

import pytest


@pytest.fixture
def heard() -> Iterator[None]:
    """Hear Ctrl-C and the end of the terminal, here and in what is started: who runs the tests may have them ignored.

    A shell does so for what it starts in the background, and nohup for all.
    """
    before = {
        number: signal.signal(number, handler)
        for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL))
    }
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
