"""Sail: the embedded engine, a Spark Connect server in Rust beside this process. No Java."""

import atexit
import threading
import time
from functools import cache
from types import SimpleNamespace
from typing import Any

import grpc
from pyspark.sql import SparkSession

from shipment_etl.engines.calls import Calls, new_session
from shipment_etl.engines.sail_process import MAX_IDLE_SECONDS, SailProcess
from shipment_etl.errors import EngineFailed

__all__ = ["SailCalls", "sail_session", "stop_sail"]

MAX_JOBS = 20
"""Jobs that one Sail process serves: it keeps about 40 KB for every SQL expression it parses, 2 to 5 MB per job."""

# gRPC would wait a second or more before it reconnects; our server is back after 0.1 s.
RECONNECT = (("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 500))


def sail_session() -> SparkSession:
    """Return this process's session on Sail; Sail starts with the first call and ends with this process.

    Raises:
        EngineMissing: pysail is not installed.
        EngineFailed: Sail did not start.
    """
    spark = _session()
    if spark.is_stopped:  # type: ignore[attr-defined]
        _session.cache_clear()
        spark = _session()
    return spark


def stop_sail() -> None:
    """End the process of Sail, if there is one; a session that is used again starts another."""
    if _process.cache_info().currsize:
        _process().stop()


@cache
def _process() -> SailProcess:
    return SailProcess()


@cache
def _session() -> SparkSession:
    process = _process()
    process.ensure()
    spark = new_session(process.address, SailCalls(process), RECONNECT)
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    # Last in, first out: the process ends first, so the session need not release abandoned queries.
    atexit.register(spark.stop)
    atexit.register(process.stop)
    return spark


class SailCalls(Calls):
    """The calls of a session on our own Sail: each makes sure that it runs, with the settings of the session."""

    def __init__(self, process: SailProcess) -> None:
        super().__init__()
        self._process = process
        self._lock = threading.RLock()
        self._settings: dict[str, str] = {}
        self._has_state = False
        self._jobs = 0
        self._last_call = time.monotonic()

    def end(self, spark: SparkSession, seconds: float) -> bool:
        """Kill the process if it is at work; the next call starts another. Views and functions are lost with it."""
        if not self.idle:
            self._replace()
        return True

    def renew(self) -> None:
        """Note that a job begins, and replace the process if it has served enough of them and holds no views or the like."""
        self._jobs += 1
        if self._jobs > MAX_JOBS and self.idle and not self._has_state:
            self._replace()

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        """Pass a call on, and remember settings; releasing an operation of a dead process succeeds without a call."""
        if isinstance(request, _messages().ReleaseExecuteRequest) and self._process.pid is None:
            return SimpleNamespace(result=_messages().ReleaseExecuteResponse)
        call = super().intercept_unary_unary(continuation, details, request)
        if isinstance(request, _messages().ConfigRequest) and call.code() is grpc.StatusCode.OK:
            self._remember(request.operation)
        return call

    def prepare(self, request: Any) -> None:
        """Make sure that the process runs, as this session needs it."""
        with self._lock:
            if isinstance(request, _messages().ReattachExecuteRequest) and self._process.pid is None:
                raise EngineFailed("it worked on a query", "its process ended, often because memory ran out")
            if self.idle and time.monotonic() - self._last_call > MAX_IDLE_SECONDS:
                self._replace()
            self._last_call = time.monotonic()
            if self._process.ensure():
                self._has_state, self._jobs = False, 0
                self._apply_settings(request)
            self._has_state |= _makes_state(request)

    def _replace(self) -> None:
        self._process.stop()
        with self._changed:
            self._open.clear()
            self._abandoned = False

    def _remember(self, operation: Any) -> None:
        self._settings.update({pair.key: pair.value for pair in operation.set.pairs})
        for key in operation.unset.keys:
            self._settings.pop(key, None)

    def _apply_settings(self, request: Any) -> None:
        """Apply the settings of the old process to a new one, before the first request of the same session."""
        if not self._settings:
            return
        messages = _messages()
        pairs = [messages.KeyValue(key=key, value=value) for key, value in self._settings.items()]
        operation = messages.ConfigRequest.Operation(set=messages.ConfigRequest.Set(pairs=pairs))
        from pyspark.sql.connect.proto import base_pb2_grpc

        with grpc.insecure_channel(self._process.address.removeprefix("sc://")) as channel:
            stub: Any = base_pb2_grpc
            stub.SparkConnectServiceStub(channel).Config(
                messages.ConfigRequest(session_id=request.session_id, user_context=request.user_context, operation=operation)
            )


def _makes_state(request: Any) -> bool:
    """Whether the server holds something for the session after this request: a view, a function or a table."""
    messages = _messages()
    if isinstance(request, messages.AddArtifactsRequest):
        return True
    if not isinstance(request, messages.ExecutePlanRequest):
        return False
    plan = request.plan
    if plan.WhichOneof("op_type") == "root":
        return bool(plan.root.WhichOneof("rel_type") == "catalog")
    # All other commands do; SQL may, too.
    return not plan.command.write_operation.HasField("path")


@cache
def _messages() -> Any:
    """Return PySpark's messages; imported late, because a classic session or a cluster may lack their dependencies."""
    import pyspark.sql.connect.proto as messages

    return messages
