"""What tests of runs, of tunnels and of templates share."""

import signal
from collections.abc import Iterator

import pytest
from moto import mock_aws


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


@pytest.fixture(scope="module")
def mocked_aws() -> Iterator[None]:
    """An AWS within this process, which knows what templates make."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        with mock_aws():
            yield
