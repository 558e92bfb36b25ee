"""Work: reliably end what an engine does for a failed job, and replace an engine that has served enough jobs."""

from pyspark.sql import SparkSession

from shipment_etl.engines.calls import calls_of, interrupt
from shipment_etl.engines.interrupts import end_jobs
from shipment_etl.engines.sail import SailCalls

__all__ = ["end_work", "renew_engine"]

MAX_SECONDS_TO_END = 30.0


def end_work(spark: SparkSession, seconds: float = MAX_SECONDS_TO_END) -> bool:
    """End what the engine is doing for a session, and wait until it has stopped.

    For a job that failed or was interrupted, before it releases its lock. The session stays usable. Sail is killed if it
    is at work, and starts again with the next query. Classic Spark is cancelled, then waited for; a local one that does not
    stop is killed, and `shipment_etl.session()` starts another. Other jobs on the same session end, too.

    Args:
        spark: the session.
        seconds: how long to wait.

    Returns:
        Whether nothing that was started before can write any more. False only for clusters and servers of others that did
        not stop in time or cannot be reached.
    """
    if "connect" not in type(spark).__module__:
        return end_jobs(spark, seconds)
    calls = calls_of(spark)
    return calls.end(spark, seconds) if calls else interrupt(spark, seconds)


def renew_engine(spark: SparkSession) -> None:
    """Note that a job begins, and replace an embedded engine that has grown over many jobs.

    An engine that holds views, functions or tables for the session stays. Other engines are left alone.
    """
    calls = calls_of(spark)
    if isinstance(calls, SailCalls):
        calls.renew()
