"""Side by side: run independent parts of one job on threads.

A query on few rows is mostly planning, which keeps one processor busy, and on S3 every file means waiting.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pyspark.sql import SparkSession

from shipment_etl.engines.work import end_work

__all__ = ["THREADS", "run_side_by_side"]

THREADS = 4
"""Number of parts that run at a time."""


def run_side_by_side(spark: SparkSession, *parts: Callable[[], Any]) -> list[Any]:
    """Run parts of a job on threads, and return their results in the order of the parts.

    If one fails, or the caller is interrupted, the queries of the session are ended, and no part is running any more when
    this raises.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        running = [pool.submit(part) for part in parts]
        try:
            return [each.result() for each in running]
        except BaseException:
            for each in running:
                each.cancel()
            end_work(spark)
            raise
