"""Sessions by engine name, for built-in engines and those of plugins."""

from pyspark.sql import SparkSession

from shipment_etl.engines.registry import AUTO, session_of
from shipment_etl.plugins import Plugins, plugins

__all__ = ["session"]


def session(engine: str = AUTO, plugged: Plugins | None = None, s3: bool = False) -> SparkSession:
    """Return a session.

    Args:
        engine: `sail` for the embedded engine; `spark` for classic Spark with Delta: the active session, else the one of
            spark-submit, else a local one; `connect` for the Spark Connect server that SPARK_REMOTE names, or its address,
            sc://HOST:PORT; the name of an engine that a plugin adds; `auto` for the active session, else `spark` under
            spark-submit, else Sail.
        plugged: plugins that add engines; the installed ones if None.
        s3: whether a local classic Spark, if one is started, needs access to S3; for that it downloads 275 MB of jars,
            once. Other engines can always access S3.

    Raises:
        UnknownEngine: there is no engine of this name.
        PluginError: a plugin that adds engines cannot be used.
        EngineTaken: this process already has a session on another engine.
        EngineMissing, JavaMissing, JarsUnreachable, DeltaMissing, EngineUnreachable: the engine is not available here.
        EngineFailed: Sail did not start.
        InvalidValue: the address is not valid.
    """
    return session_of(engine, (plugged or plugins()).engines(), s3)
