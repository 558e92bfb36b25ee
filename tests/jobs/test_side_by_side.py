"""Side by side: results in the order of the parts, and no part still running if one fails."""

import threading
import time

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from shipment_etl.engines.calls import calls_of
from shipment_etl.jobs.side_by_side import run_side_by_side

ENOUGH = 100_000_000
"""Rows that Sail hashes for some seconds."""


def test_results_come_in_the_order_of_the_parts(spark: SparkSession) -> None:
    first_may_end = threading.Event()

    def first() -> int:
        assert first_may_end.wait(10), "the second part waits for the first"
        return 1

    def second() -> int:
        first_may_end.set()
        return spark.range(2).count()

    assert run_side_by_side(spark, first, second) == [1, 2]
    assert run_side_by_side(spark) == []


def test_if_one_fails_the_work_of_the_others_is_ended(spark: SparkSession) -> None:
    begun = threading.Event()
    done = list[object]()

    def fail() -> None:
        assert begun.wait(10)
        # By then the query has reached the engine.
        time.sleep(0.2)
        raise ValueError("the reason")

    def work() -> None:
        begun.set()
        done.append(spark.range(ENOUGH).agg(F.sum(F.xxhash64("id").cast("decimal(38,0)"))).collect())

    with pytest.raises(ValueError, match="the reason"):
        run_side_by_side(spark, fail, *[work] * 5)
    calls = calls_of(spark)
    assert calls is not None
    assert calls.idle
    assert done == []
    assert spark.range(3).count() == 3
