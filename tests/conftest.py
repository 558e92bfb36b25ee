"""What all tests share: one session of the embedded engine, and how long hypothesis looks for counter-examples."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from pyspark.sql import SparkSession

from shipment_etl import session

# An example costs queries, and tests put many rows into each: so few examples, no deadline, and no search for a smaller
# counter-example, which takes minutes. Ask for that with: pytest --hypothesis-profile smallest
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("smallest", deadline=None, max_examples=10, suppress_health_check=SLOW)
settings.register_profile("queries", settings.get_profile("smallest"), phases=(Phase.explicit, Phase.reuse, Phase.generate))
settings.load_profile("queries")


@pytest.fixture(scope="session")
def spark() -> SparkSession:
    return session("sail")
