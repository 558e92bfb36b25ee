"""Spark: classic PySpark with Delta, as configured by spark-submit, else local and tuned for a small machine."""

import os
import sys
from pathlib import Path
from typing import Any

from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

from shipment_etl.engines.delta import DELTA, require_delta
from shipment_etl.engines.interrupts import keep_interrupts
from shipment_etl.engines.jars import delta_jars, s3_jars
from shipment_etl.engines.java import find_java
from shipment_etl.s3 import spark_settings

__all__ = ["is_submitted", "spark_session"]

SHUFFLES = "spark.sql.shuffle.partitions"
MIB = 1024 * 1024
MIN_MIB, MAX_MIB = 1024, 8192
LOGGING = Path(__file__).with_name("log4j2.properties")

# The garbage collector for throughput, at the price of longer pauses.
JAVA_OPTIONS = "-XX:+UseParallelGC"

# Defaults of Spark and Delta are for clusters: 200 partitions per shuffle and 50 tasks to read a Delta log, each of which
# takes longer to start than to run.
SMALL = {
    SHUFFLES: str(max(2, os.cpu_count() or 2)),
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
    # From a contract with many columns, Spark would infer constraints for minutes, and use none of them.
    "spark.sql.constraintPropagation.enabled": "false",
    # Rows of each kind are written into their own folder; with more open files than this, a task sorts its rows first.
    "spark.sql.maxConcurrentOutputFileWriters": "8",
    # The contract's rules make methods of more than 8,000 bytecodes, which Java only interprets. Above this limit Spark
    # generates code for each operator instead of for the whole stage, and its methods are smaller.
    "spark.sql.codegen.hugeMethodLimit": "8000",
}


def spark_session(s3: bool = False) -> SparkSession:
    """Return a new session: under spark-submit the one that it configures, else a local one.

    Args:
        s3: whether a local session needs S3, and so more jars.

    Raises:
        JavaMissing, JarsUnreachable: a local session cannot be started.
        DeltaMissing: spark-submit was started without Delta.
    """
    # Left behind by a Connect session that has ended; PySpark would return its functions instead of classic ones.
    for name in ("SPARK_CONNECT_MODE_ENABLED", "SPARK_REMOTE"):
        os.environ.pop(name, None)
    with keep_interrupts():
        return _session_of_submit() if is_submitted() else _local(s3)


def is_submitted() -> bool:
    """Whether this process was started by spark-submit, which has its Java running already."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def _session_of_submit() -> SparkSession:
    # What the submitter has set stays: the builder would override it.
    SparkContext._ensure_initialized()  # so that the next line sees what spark-submit was given
    given = SparkConf()
    builder: Any = SparkSession.builder.appName(given.get("spark.app.name") or "shipment-etl")
    settings = {**DELTA, **(SMALL if (given.get("spark.master") or "local").startswith("local") else {})}
    for name, value in settings.items():
        if not given.contains(name):
            builder = builder.config(name, value)
    spark: SparkSession = builder.getOrCreate()
    require_delta(spark)
    return spark


def _local(s3: bool) -> SparkSession:
    java = find_java()
    jars = [*delta_jars(java), *(s3_jars(java) if s3 else ())]
    settings = {
        **DELTA,
        **SMALL,
        **(spark_settings(os.environ) if s3 else {}),
        "spark.jars": ",".join(map(str, jars)),
        "spark.driver.memory": f"{_memory_mib()}m",
        # A laptop's session must not be reachable from the network.
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        # A run compiles more methods than the default of 100, with which the next run would compile them all again.
        "spark.sql.codegen.cache.maxEntries": "2000",
        "spark.driver.extraJavaOptions": f"{JAVA_OPTIONS} -Dlog4j2.configurationFile={LOGGING.as_uri()}",
    }
    os.environ["JAVA_HOME"] = str(java.home)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder: Any = SparkSession.builder.master("local[*]").appName("shipment-etl")
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark: SparkSession = builder.getOrCreate()
    return spark


def _memory_mib() -> int:
    """Return a third of the machine's memory, within what a laptop can spare and a batch needs."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MIB
    return max(MIN_MIB, min(whole // 3, MAX_MIB))
