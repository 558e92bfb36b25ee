"""Work: a job in progress. It times stages, tells listeners, and takes its writes back if the job fails."""

import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, date, datetime
from functools import reduce
from importlib.metadata import version
from typing import Any
from uuid import uuid4

import pyspark
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from shipment_etl.engines.sessions import SPARK, engine_name
from shipment_etl.errors import LockLost, ShipmentEtlError
from shipment_etl.lake.fingerprint import fingerprints
from shipment_etl.lake.lake import Lake, Staging
from shipment_etl.lake.lock import Lock
from shipment_etl.lake.runs import FAILED, SUCCEEDED, RowCounts, Run, RunStart, TableVersion, log_run
from shipment_etl.lake.tables import Table
from shipment_etl.plugins import Plugins

__all__ = ["PACKAGE", "PLUGIN", "Work", "row_counts", "working"]


PACKAGE = "shipment_etl"
INTERRUPTED = "Stopped by a signal."

PLUGIN = "plugin "
"""What stands before a plugin's name in the versions of a run."""


class Work:
    """A job in progress on one batch of one source."""

    def __init__(
        self,
        spark: SparkSession,
        lake: Lake,
        start: RunStart,
        plugins: Plugins,
        settings: dict[str, Any],
        lock: Lock,
    ) -> None:
        self.spark = spark
        self.lake = lake
        self.start = start
        self.plugins = plugins
        self.lock = lock
        self.settings = settings
        self.seconds: dict[str, float] = {}
        self.versions = {
            PACKAGE: version("shipment-etl"),
            "python": platform.python_version(),
            "spark": spark.version,
            "pyspark": pyspark.__version__,
            **{f"{PLUGIN}{plugin.name}": plugin.version for plugin in plugins.installed()},
        }
        self._before: dict[str, int | None] = {}
        self._written: dict[str, DataFrame] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage of the job."""
        self.plugins.tell("before_stage", start=self.start, stage=name)
        start = time.perf_counter()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0) + time.perf_counter() - start, 3)

    def batch_of(self, name: str) -> DataFrame:
        """Return the batch in a table."""
        rows = self.lake.read(self.spark, name)
        return rows.where((F.col("source") == self.start.source) & (F.col("batch_date") == F.lit(self.start.batch_date)))

    def staging(self) -> AbstractContextManager[Staging]:
        """Open the batch's folder for intermediate results."""
        # Classic Spark spends seconds on each commit; the embedded engine none, but writes no Parquet where no rows are.
        kept = "parquet" if engine_name(self.spark) == SPARK else "delta"
        return self.lake.staging(self.spark, f"{self.start.source}-{self.start.batch_date}", kept)

    def replace_batch(self, table: Table, rows: DataFrame) -> DataFrame:
        """Replace the batch in a table, and return it as written."""
        with self._writing(table):
            self.lake.replace_batch(table, rows, self.start.source, self.start.batch_date)
        self._written[table.name] = self.batch_of(table.name)
        return self._written[table.name]

    def replace(self, table: Table, rows: DataFrame, where: str | None) -> DataFrame:
        """Replace the rows of a table that a condition holds for, all if None, and return the table as written."""
        with self._writing(table):
            if where is None:
                self.lake.overwrite(table, rows)
            else:
                self.lake.replace(table, rows, where)
        self._written[table.name] = self.lake.read(self.spark, table.name)
        return self._written[table.name]

    def confirm(self, table: Table) -> None:
        """Take a table that needs no change among those that the run vouches for."""
        self._written.setdefault(table.name, self.lake.read(self.spark, table.name))

    def finish(self, counts: RowCounts, reasons: Mapping[str, int] | None = None) -> Run:
        """Log the run as succeeded, and return it."""
        with self.stage("fingerprints"):
            words = fingerprints(self._written)
            tables = {name: TableVersion(self.lake.version(name), word) for name, word in sorted(words.items())}
        return self.succeed(counts, tables, reasons)

    def succeed(
        self, counts: RowCounts, tables: Mapping[str, TableVersion], reasons: Mapping[str, int] | None = None
    ) -> Run:
        """Log the run as succeeded with these versions of tables, and return it."""
        run = self._run(SUCCEEDED, counts, tables=dict(tables), reasons=dict(reasons or {}))
        self.lock.check()
        log_run(self.lake, run)
        self.plugins.tell("after_run", start=self.start, run=run)
        return run

    def fail(self, problem: BaseException) -> None:
        """Take back what was written, and log the run as failed; nothing of it where the lock is lost.

        Raises:
            StorageError: the storage let nothing be taken back; the next run heals the tables.
        """
        try:
            # Without the lock a restore could undo what another job has committed since.
            with suppress(LockLost):
                self.lock.check()
                for name, before in reversed(self._before.items()):
                    self.lake.restore(name, before)
                if self.lake.exists():
                    error = str(problem) if isinstance(problem, Exception) else INTERRUPTED
                    with suppress(ShipmentEtlError):
                        log_run(self.lake, self._run(FAILED, RowCounts(0, 0), error=error))
        finally:
            self.plugins.tell("run_failed", start=self.start, error=problem)

    @contextmanager
    def _writing(self, table: Table) -> Iterator[None]:
        if table.name not in self._before:
            self._before[table.name] = self.lake.version(table.name) if self.lake.has(table.name) else None
        self.lock.check()
        yield
        self.plugins.tell("after_table_written", start=self.start, table=table.name)

    def _run(self, status: str, counts: RowCounts, **more: Any) -> Run:
        return Run(
            run_id=self.start.run_id,
            job=self.start.job,
            source=self.start.source,
            batch_date=self.start.batch_date,
            status=status,
            started_at=self.start.started_at,
            engine=engine_name(self.spark),
            counts=counts,
            seconds=self.seconds,
            settings=self.settings,
            versions=self.versions,
            **more,
        )


@contextmanager
def working(
    spark: SparkSession,
    lake: Lake,
    *,
    job: str,
    source: str,
    batch_date: date,
    settings: dict[str, Any],
    plugins: Plugins,
) -> Iterator[Work]:
    """Run the body as a job: whatever it raises, an interrupt too, the lake's tables are put back as they were.

    Raises:
        LakeLocked: another job writes to the lake; nothing was done.
        StorageError: the storage cannot be reached or written; nothing was done.
    """
    with lake.storage.lock(job).held() as lock:
        started_at = datetime.now(UTC).isoformat(timespec="microseconds")
        start = RunStart(str(uuid4()), job, source, batch_date, started_at, lake.uri)
        work = Work(spark, lake, start, plugins, settings, lock)
        plugins.tell("before_run", start=start)
        try:
            yield work
        except BaseException as problem:
            work.fail(problem)
            raise


def row_counts(frames: Mapping[str, DataFrame]) -> dict[str, int]:
    """Count the rows of each frame, by its name, in one query."""
    counts = (frame.agg(F.count(F.lit(1)).alias("rows")).withColumn("name", F.lit(name)) for name, frame in frames.items())
    return {row["name"]: row["rows"] for row in reduce(lambda one, other: one.unionByName(other), counts).collect()}
