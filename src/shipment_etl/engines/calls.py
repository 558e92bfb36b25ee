"""Calls: sessions on a Spark Connect server that know which of their operations are still running there."""

import os
import threading
import time
from collections.abc import Sequence
from itertools import chain
from typing import Any
from weakref import WeakKeyDictionary, ref

import grpc
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from shipment_etl.engines.shielded import ShieldedStream, shield

__all__ = ["Calls", "calls_of", "new_session"]

MAX_RETRIES = 4
"""With PySpark's pauses of 50, 200, 800 and 3,200 ms, about 5 seconds. Its own default is ten minutes."""

PAUSE_SECONDS = 0.1

UNREADABLE = "Exception deserializing response!"
"""What gRPC for Python says if a response cannot be parsed."""

# The server may still be working on what it did not end itself.
NOT_ENDED = (grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE)

_calls: "WeakKeyDictionary[SparkSession, Calls]" = WeakKeyDictionary()


class Calls(
    grpc.UnaryUnaryClientInterceptor,  # type: ignore[misc]
    grpc.UnaryStreamClientInterceptor,  # type: ignore[misc]
    grpc.StreamUnaryClientInterceptor,  # type: ignore[misc]
):
    """Watches the calls of one session."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open: set[object] = set()
        self._abandoned = False

    @property
    def idle(self) -> bool:
        """Whether the server has ended every operation that this session began."""
        return not self._open and not self._abandoned

    def end(self, spark: SparkSession, seconds: float) -> bool:
        """Interrupt all operations and wait until the server has ended them. Return whether it has, in time."""
        if self.idle:
            return True
        deadline = time.monotonic() + seconds
        if not interrupt(spark, seconds):
            return False
        with self._changed:
            ended = self._changed.wait_for(lambda: not self._open, max(0, deadline - time.monotonic()))
            self._abandoned = self._abandoned and not ended
        return ended

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        """Pass a call on; retry it once if its response cannot be read."""
        self.prepare(request)

        def ask() -> Any:
            call = continuation(details, request)
            # Streams read and write rows. All other calls get, set or release something, which may be done twice.
            return continuation(details, request) if _is_unreadable(call) else call

        return shield(ask)

    def intercept_stream_unary(self, continuation: Any, details: Any, requests: Any) -> Any:
        """Pass on a call whose request is a stream."""
        first = next(requests)
        self.prepare(first)
        return shield(lambda: continuation(details, chain([first], requests)))

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        """Start or continue an operation, and watch it until it ends."""
        self.prepare(request)
        operation = object()

        def begin() -> Any:
            call = continuation(details, request)
            # We must not keep a call alive by a reference: PySpark cancels an operation by dropping its call.
            seen = ref(call)

            def close() -> None:
                ended = seen()
                self._close(operation, ended is not None and ended.code() not in NOT_ENDED)

            if not call.add_callback(close):
                close()
            return call

        def see(response: Any) -> None:
            if response.HasField("result_complete"):
                # PySpark does not wait for the stream to end after this.
                self._close(operation, ended=True)

        try:
            self._open.add(operation)
            return ShieldedStream(begin, see)
        except BaseException:
            # If the operation started anyway, it is interrupted with all others.
            self._close(operation, ended=False)
            raise

    def _close(self, operation: object, ended: bool) -> None:
        with self._changed:
            if operation in self._open:
                self._open.remove(operation)
                self._abandoned |= not ended
                self._changed.notify_all()

    def prepare(self, request: Any) -> None:
        """Prepare for a call; there is nothing to do unless the server is ours."""


def new_session(address: str, calls: Calls, options: Sequence[tuple[str, Any]] = ()) -> SparkSession:
    """Return a new session on a server, which becomes this process's active one.

    Args:
        address: sc://HOST:PORT, with parameters if needed.
        calls: watches its calls.
        options: options of the gRPC channel.
    """
    # Imported late: a classic session, or a cluster, may lack its dependencies.
    from pyspark.sql.connect import client as connect_client
    from pyspark.sql.connect.session import SparkSession as ConnectSession

    # In Spark 4, ChannelBuilder is the base of several classes, of which we need the default one.
    builders: Any = getattr(connect_client, "DefaultChannelBuilder", connect_client.ChannelBuilder)

    class Watched(builders):  # type: ignore[misc]  # known when it runs
        def toChannel(self) -> grpc.Channel:  # noqa: N802 - PySpark's name
            return grpc.intercept_channel(super().toChannel(), calls)

    # As `SparkSession.builder.remote` does: PySpark's functions then make expressions for a server.
    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
    builder: Any = ConnectSession.builder
    spark: SparkSession = builder.channelBuilder(Watched(address, list(options))).create()
    client: Any = spark.client
    _limit_retries(client)
    if "SPARK_CONNECT_LOG_LEVEL" not in os.environ:
        # PySpark formats every plan as text for its log, 10 ms each, even if nothing is logged.
        client._proto_to_string = lambda *message: ""
    _calls[spark] = calls
    return spark


def _is_unreadable(call: Any) -> bool:
    # Seen once in about a hundred thousand calls: "Wire format was corrupt", for a response that is always the same.
    return call.code() is grpc.StatusCode.INTERNAL and call.details() == UNREADABLE


def _limit_retries(client: Any) -> None:
    if hasattr(client, "set_retry_policies"):
        # Spark 4 has it.
        from pyspark.sql.connect.client.retries import DefaultPolicy  # type: ignore[import-not-found,unused-ignore]

        client.set_retry_policies([DefaultPolicy(max_retries=MAX_RETRIES)])
    else:
        # In Spark 3.5 the client takes a policy, but a session does not pass one on.
        client._retry_policy["max_retries"] = MAX_RETRIES


def calls_of(spark: SparkSession) -> Calls | None:
    """Return the `Calls` of a session; None if the session was not created here."""
    return _calls.get(spark)


def interrupt(spark: SparkSession, seconds: float) -> bool:
    """Interrupt all operations of a session on a server until none is left. Return whether that was so in time."""
    deadline = time.monotonic() + seconds
    try:
        while spark.interruptAll():
            if time.monotonic() > deadline:
                return False
            time.sleep(PAUSE_SECONDS)
    except PySparkException:
        return False
    return True
