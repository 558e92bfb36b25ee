"""Interrupts on classic Spark: handled at once, and the work of Spark is reliably ended."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, TypeVar

from py4j.clientserver import ClientServerConnection
from py4j.java_gateway import get_method
from py4j.protocol import Py4JError
from pyspark import SparkContext
from pyspark.sql import SparkSession

__all__ = ["end_jobs", "keep_interrupts"]

PAUSE_SECONDS = 0.1
AT_WORK = ("py4j.commands.CallCommand.execute", "org.apache.spark.executor.Executor$TaskRunner.run")
"""Stack frames of the Java threads that work on a call from Python, or on a task of a job."""

_interrupted = threading.Event()
"""A signal interrupted a Python thread in a call that Java works on."""

Answer = TypeVar("Answer")


@contextmanager
def keep_interrupts() -> Iterator[None]:
    """Create a context in the body; interrupts are then handled as before, or by `_interrupt` if there was no handler."""
    before = signal.getsignal(signal.SIGINT)
    yield
    if threading.current_thread() is threading.main_thread():
        # PySpark's own handler calls Java on the connection that the interrupted call uses: it fails, and cancels nothing.
        signal.signal(signal.SIGINT, _interrupt if before is signal.default_int_handler else before)


def end_jobs(spark: SparkSession, seconds: float) -> bool:
    """After an interrupted call, cancel all jobs and wait until Spark is idle; kill a local Java that does not stop.

    Returns:
        Whether none of them can write any more.
    """
    context = spark.sparkContext
    if not _interrupted.is_set() or context._jsc is None:
        return True
    try:
        # An interrupted call may still hold the connection of its thread.
        ended = _run_on_new_thread(lambda: _cancel(context, time.monotonic() + seconds), seconds)
    except (Py4JError, OSError, TimeoutError):
        ended = False
    if ended or _kill(spark):
        _interrupted.clear()
        return True
    return False


def _cancel(context: SparkContext, deadline: float) -> bool:
    while True:
        # More than once: between two jobs of a query there is none to cancel.
        context.cancelAllJobs()
        # The thread that does the counting is at work, too.
        if _count_threads(context) <= 1 and not _count_tasks(context):
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE_SECONDS)


def _count_threads(context: SparkContext) -> int:
    """Count the threads of the driver's Java that are at work; a commit runs on one when its last job is done."""
    java: Any = context._jvm
    # One text of all stacks, made by Java: frame by frame it would take seconds.
    stacks = get_method(java.java.lang.Thread.getAllStackTraces(), "values")()
    text: str = java.java.util.Arrays.deepToString(stacks.toArray())
    return sum(any(frame in stack for frame in AT_WORK) for stack in text.split("], ["))


def _count_tasks(context: SparkContext) -> int:
    """Count the tasks that the driver knows of, on all executors."""
    java_context: Any = context._jsc
    return sum(executor.numRunningTasks() for executor in java_context.sc().statusTracker().getExecutorInfos())


def _kill(spark: SparkSession) -> bool:
    """Kill the Java that this process started for itself; PySpark then starts another. Return whether there was one."""
    gateway: Any = SparkContext._gateway
    process = getattr(gateway, "proc", None)
    if process is None or not (spark.sparkContext.master or "").startswith("local"):
        return False
    process.kill()
    process.wait()
    with suppress(Exception):  # PySpark may raise anything if Java is gone
        spark.stop()
    SparkContext._gateway = SparkContext._jvm = SparkContext._active_spark_context = None
    SparkSession._instantiatedSession = None
    return True


def _run_on_new_thread(work: Callable[[], Answer], seconds: float) -> Answer:
    done: Future[Answer] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as problem:
            done.set_exception(problem)

    threading.Thread(target=run, daemon=True).start()
    return done.result(timeout=seconds + PAUSE_SECONDS)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Do what Ctrl-C does in Python, and cancel the jobs of Spark."""
    context = SparkContext._active_spark_context
    if context is not None:
        threading.Thread(target=context.cancelAllJobs, daemon=True).start()
    raise KeyboardInterrupt


def _close_interrupted_connections() -> None:
    """Make py4j close a connection whose call was interrupted, and note that there was one.

    py4j would reuse it: the next call would wait for the response to the interrupted one, and take it for its own.
    """
    send = ClientServerConnection.send_command

    def send_command(connection: Any, command: str) -> Any:
        try:
            return send(connection, command)
        except Exception:
            raise
        except BaseException:
            _interrupted.set()
            connection.close()
            raise

    ClientServerConnection.send_command = send_command


# On import, because any code may have created the session.
_close_interrupted_connections()
