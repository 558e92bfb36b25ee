"""Connect: any Spark Connect server, by its address."""

import os
import socket
from urllib.parse import urlsplit

from pyspark.sql import SparkSession

from shipment_etl.engines.calls import Calls, new_session
from shipment_etl.engines.delta import require_delta
from shipment_etl.errors import DeltaMissing, EngineUnreachable, InvalidValue

__all__ = ["ADDRESS", "SCHEME", "connect_session", "read_address"]

ADDRESS = "SPARK_REMOTE"
"""Environment variable: the address of the server. It is PySpark's own."""

SCHEME = "sc://"
DEFAULT_PORT = 15002
SECONDS_TO_ANSWER = 5


def connect_session(address: str) -> SparkSession:
    """Return a session on a server.

    Args:
        address: sc://HOST:PORT, with parameters if needed, as in sc://host:15002/;use_ssl=true

    Raises:
        InvalidValue: the address is not of this form.
        EngineUnreachable: the server does not respond.
        DeltaMissing: the server has no Delta.
    """
    host, port = _host_and_port(address)
    try:
        # PySpark itself would try for minutes.
        socket.create_connection((host, port), SECONDS_TO_ANSWER).close()
    except OSError as problem:
        raise EngineUnreachable(address, str(problem)) from None
    spark = new_session(address, Calls())
    try:
        require_delta(spark)
    except DeltaMissing:
        spark.stop()
        raise
    return spark


def _host_and_port(address: str) -> tuple[str, int]:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port or DEFAULT_PORT
    except ValueError:
        host, port = None, 0
    if not address.startswith(SCHEME) or not host:
        raise InvalidValue("the address of the engine", address, f"like sc://HOST:{DEFAULT_PORT}")
    return host, port


def read_address() -> str:
    """Return the address from the environment.

    Raises:
        InvalidValue: it is not set.
    """
    address = os.environ.get(ADDRESS)
    if not address:
        raise InvalidValue(ADDRESS, address, f"the server's address; or name it: --engine {SCHEME}HOST:{DEFAULT_PORT}")
    return address
