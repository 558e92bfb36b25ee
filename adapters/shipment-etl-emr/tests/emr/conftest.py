"""Fixtures for tests of runs, tunnels and templates."""

import signal
from collections.abc import Iterator

import pytest
from moto import mock_aws


@pytest.fixture
def heard() -> Iterator[None]:
    """Handle SIGINT and SIGHUP here and in child processes, even if they were ignored when the tests started.

    A shell ignores SIGINT for background processes, and nohup ignores SIGHUP.
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
    """A mocked AWS in this process that can deploy templates."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        with mock_aws():
            yield
