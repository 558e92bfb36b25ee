"""Sessions by engine name. PySpark talks either to a Java or to a server, so a process has one engine at a time."""

import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

from pyspark import SparkContext
from pyspark.sql import SparkSession

from shipment_etl.engines.connect import SCHEME, connect_session, read_address
from shipment_etl.engines.delta import require_delta
from shipment_etl.engines.sail import sail_session, stop_sail
from shipment_etl.engines.spark import is_submitted, spark_session
from shipment_etl.errors import EngineTaken, UnknownEngine

__all__ = ["AUTO", "ENGINES", "SPARK", "engine_name", "session_of"]

AUTO, SAIL, SPARK, CONNECT = "auto", "sail", "spark", "connect"

ENGINES: Mapping[str, Callable[[], SparkSession]] = MappingProxyType(
    {SAIL: sail_session, SPARK: spark_session, CONNECT: lambda: connect_session(read_address())}
)
"""Name → function that creates its session, or returns the one it created before."""

_names: WeakKeyDictionary[SparkSession, str] = WeakKeyDictionary()
"""The name that each session was requested by: a name of `ENGINES`, or an address."""


def session_of(engine: str, engines: Mapping[str, Callable[[], SparkSession]], s3: bool = False) -> SparkSession:
    """Return a session; `engines` are all engines, by name. As `shipment_etl.session`, which knows those of plugins."""
    if engine not in (AUTO, *engines) and not engine.startswith(SCHEME):
        raise UnknownEngine(engine, (AUTO, *engines, SCHEME))
    active = _find_active()
    if active is None:
        return _start(engine if engine != AUTO else SPARK if is_submitted() else SAIL, engines, s3)
    has = _names.get(active) or engine_name(active)
    if engine not in (AUTO, has, engine_name(active)):
        raise EngineTaken(engine, has)
    if active not in _names:
        # Other code created it: it may lack what we need.
        require_delta(active)
    return active


def engine_name(spark: SparkSession) -> str:
    """Return the name of the engine that a session belongs to, also if it was created elsewhere."""
    name = _names.get(spark, CONNECT if "connect" in type(spark).__module__ else SPARK)
    return CONNECT if name.startswith(SCHEME) else name


def _start(engine: str, engines: Mapping[str, Callable[[], SparkSession]], s3: bool) -> SparkSession:
    if engine != SAIL:
        stop_sail()
    if engine.startswith(SCHEME):
        spark = connect_session(engine)
    elif engine == SPARK:
        # The only engine that has to know this before it starts.
        spark = spark_session(s3)
    else:
        spark = engines[engine]()
    _names[spark] = engine
    return spark


def _find_active() -> SparkSession | None:
    """Return the session of this process, on any thread."""
    # Looked up, not imported: the import takes a while, and is not needed to know that there is no session.
    kind: Any = getattr(sys.modules.get("pyspark.sql.connect.session"), "SparkSession", None)
    connected: SparkSession | None = None if kind is None else kind.getActiveSession() or kind._default_session
    if connected is not None:
        return connected
    if SparkContext._active_spark_context is None:
        return None
    return SparkSession.getActiveSession() or SparkSession.builder.getOrCreate()
