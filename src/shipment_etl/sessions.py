"""Sessions by name of engine, built in or plugged in."""

from pyspark.sql import SparkSession

from shipment_etl.engines.registry import AUTO, session_of
from shipment_etl.plugins import Plugins, plugins

__all__ = ["session"]


def session(engine: str = AUTO, plugged: Plugins | None = None, s3: bool = False) -> SparkSession:
    """Return a session.

    Args:
        engine: `sail` for the embedded engine; `spark` for classic Spark with Delta: the active session, else the one of
            spark-submit, else a local one; `connect` for the Spark Connect server that SPARK_REMOTE names, or its address,
            sc://HOST:PORT; the name of an engine that a plugin adds; `auto` for the session that is active already, else
            `spark` under spark-submit, else Sail.
        plugged: where engines are looked up; what is installed if None.
        s3: whether a local classic Spark, if one is started, is to reach S3; it needs 275 MB of jars for that, fetched
            once. Other engines reach it anyway.

    Raises:
        UnknownEngine: there is no engine of this name.
        PluginError: a plugin that adds engines cannot be used.
        EngineTaken: this process has a session on another engine.
        EngineMissing, JavaMissing, JarsUnreachable, DeltaMissing, EngineUnreachable: it is not available here.
        EngineFailed: Sail did not start.
        InvalidValue: the address is none.
    """
    return session_of(engine, (plugged or plugins()).engines(), s3)
