"""Sail: the embedded engine, a Spark Connect server in Rust inside this process. No Java."""

import atexit
import os
from functools import cache
from typing import Any

from pyspark.sql import SparkSession

from shipment_etl.errors import EngineMissing

__all__ = ["sail_session"]


@cache
def sail_session() -> SparkSession:
    """Return this process's session on Sail; the server starts with the first call and ends with the process.

    Raises:
        EngineMissing: pysail is not installed.
    """
    spark: SparkSession = SparkSession.builder.remote(f"sc://127.0.0.1:{_server().listening_address[1]}").getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    # The session must end before its server, or the process can hang; atexit runs last in, first out.
    atexit.register(spark.stop)
    return spark


@cache
def _server() -> Any:
    # Sail logs to stderr as it starts and stops; its errors reach the caller as exceptions anyway.
    os.environ.setdefault("RUST_LOG", "off")
    try:
        from pysail.spark import SparkConnectServer
    except ImportError:
        raise EngineMissing("sail", "pip install pysail") from None
    server = SparkConnectServer(ip="127.0.0.1", port=0)
    server.start(background=True)
    atexit.register(server.stop)
    return server
