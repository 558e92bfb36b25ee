"""What the package itself adds, through the same hooks as plugins; each part is imported when it is needed."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from shipment_etl.hookspecs import hookimpl

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from shipment_etl.scenario import Scenario
    from shipment_etl.transform.mart import Mart

__all__ = ["engines", "marts", "scenarios"]


@hookimpl(tryfirst=True)
def engines() -> "Mapping[str, Callable[[], SparkSession]]":
    """The engines of the package."""
    from shipment_etl.engines.registry import ENGINES

    return ENGINES


@hookimpl(tryfirst=True)
def marts() -> "Iterable[Mart]":
    """The marts of the package."""
    from shipment_etl.transform.marts import MARTS

    return MARTS.values()


@hookimpl(tryfirst=True)
def scenarios() -> "Iterable[Scenario]":
    """The scenarios of the package."""
    from shipment_etl.generator.scenarios import SCENARIOS

    return SCENARIOS.values()
