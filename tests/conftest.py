"""Shared by all tests: one session of the embedded engine, a store, and the settings of hypothesis."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from pyspark.sql import SparkSession

from shipment_etl import session
from tests.slow import mark_slow
from tests.store.client import Store, run_store

# Each example costs queries, and tests put many rows into each: so few examples, no deadline, and no search for a smaller
# counter-example, which takes minutes. To search for one: pytest --hypothesis-profile smallest
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("smallest", deadline=None, max_examples=10, suppress_health_check=SLOW)
settings.register_profile("queries", settings.get_profile("smallest"), phases=(Phase.explicit, Phase.reuse, Phase.generate))
settings.load_profile("queries")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mark_slow(items)


@pytest.fixture(scope="session")
def spark() -> SparkSession:
    return session("sail")


@pytest.fixture(scope="session")
def store() -> Iterator[Store]:
    """A local S3, set in the environment, which the embedded engine reads when it first opens a bucket."""
    with run_store() as started, pytest.MonkeyPatch.context() as patched:
        for name in [each for each in os.environ if each.startswith("AWS_")]:
            patched.delenv(name)
        for name, value in started.variables.items():
            patched.setenv(name, value)
        # Ignore the profiles of the user who runs the tests.
        patched.setenv("AWS_CONFIG_FILE", os.devnull)
        patched.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        yield started
