"""Sessions by name of engine, built in or plugged in."""

from pyspark.sql import SparkSession

from shipment_etl.errors import UnknownEngine
from shipment_etl.plugins import Plugins, plugins

__all__ = ["session"]

AUTO = "auto"
DEFAULT = "sail"


def session(engine: str = AUTO, plugged: Plugins | None = None) -> SparkSession:
    """Return a session.

    Args:
        engine: `sail` for the embedded engine, or the name of one that a plugin adds; `auto` for the session that is
            active already (of spark-submit, of a notebook), else Sail.
        plugged: where engines are looked up; what is installed if None.

    Raises:
        UnknownEngine: there is no engine of this name.
        EngineMissing: its package is not installed.
        PluginError: a plugin that adds engines cannot be used.
    """
    active = SparkSession.getActiveSession() if engine == AUTO else None
    if active is not None:
        return active
    engines = (plugged or plugins()).engines()
    if engine not in (AUTO, *engines):
        raise UnknownEngine(engine, (AUTO, *engines))
    made: SparkSession = engines[DEFAULT if engine == AUTO else engine]()
    return made
