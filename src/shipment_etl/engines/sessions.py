"""Sessions by name of engine."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pyspark.sql import SparkSession

from shipment_etl.engines.sail import sail_session
from shipment_etl.errors import UnknownEngine

__all__ = ["ENGINES", "session"]

AUTO = "auto"
ENGINES: Mapping[str, Callable[[], SparkSession]] = MappingProxyType({"sail": sail_session})


def session(engine: str = AUTO) -> SparkSession:
    """Return a session.

    Args:
        engine: `sail` for the embedded engine; `auto` for the session that is active already (of spark-submit, of a
            notebook), else Sail.

    Raises:
        UnknownEngine: there is no engine of this name.
        EngineMissing: its package is not installed.
    """
    if engine == AUTO:
        return SparkSession.getActiveSession() or sail_session()
    if engine not in ENGINES:
        raise UnknownEngine(engine, (AUTO, *ENGINES))
    return ENGINES[engine]()
