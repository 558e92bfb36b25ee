"""The engines of the package."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pyspark.sql import SparkSession

from shipment_etl.engines.sail import sail_session

__all__ = ["ENGINES"]

ENGINES: Mapping[str, Callable[[], SparkSession]] = MappingProxyType({"sail": sail_session})
"""Name → what makes a session."""
