"""What the package itself plugs in, through the same hooks as everyone else."""

from collections.abc import Callable, Iterable, Mapping

from pyspark.sql import SparkSession

from shipment_etl.engines.sessions import ENGINES
from shipment_etl.generator.scenarios import SCENARIOS, Scenario
from shipment_etl.hookspecs import hookimpl
from shipment_etl.transform.marts import MARTS, Mart

__all__ = ["engines", "marts", "scenarios"]


@hookimpl
def engines() -> Mapping[str, Callable[[], SparkSession]]:
    """The engines of the package."""
    return ENGINES


@hookimpl
def marts() -> Iterable[Mart]:
    """The five marts of the package."""
    return MARTS.values()


@hookimpl
def scenarios() -> Iterable[Scenario]:
    """The scenarios of the package."""
    return SCENARIOS.values()
