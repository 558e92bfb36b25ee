"""Work: a job in progress. It times stages, tells listeners, and takes its writes back if the job fails."""

import platform
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from functools import reduce
from importlib.metadata import version
from typing import Any
from uuid import uuid4

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from shipment_etl.engines.sessions import engine_name
from shipment_etl.errors import ShipmentEtlError
from shipment_etl.lake.fingerprint import fingerprints
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.runs import FAILED, SUCCEEDED, RowCounts, Run, TableVersion, log_run
from shipment_etl.lake.tables import Table
from shipment_etl.plugins import plugin_manager

__all__ = ["Work", "row_counts", "working"]


class Work:
    """A job in progress on one batch of one source."""

    def __init__(
        self,
        spark: SparkSession,
        lake: Lake,
        *,
        job: str,
        source: str,
        batch_date: date,
        settings: Mapping[str, Any],
        listeners: Iterable[object],
    ) -> None:
        self.spark = spark
        self.lake = lake
        self.job = job
        self.source = source
        self.batch_date = batch_date
        self.settings = settings
        self.seconds: dict[str, float] = {}
        self.hook = plugin_manager(listeners).hook
        self.run_id = uuid4().hex
        self.started_at = datetime.now(UTC).isoformat(timespec="microseconds")
        self._before: dict[str, int | None] = {}
        self._written: dict[str, DataFrame] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage of the job."""
        self.hook.before_stage(job=self.job, stage=name)
        start = time.perf_counter()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0) + time.perf_counter() - start, 3)

    def replace_batch(self, table: Table, rows: DataFrame) -> DataFrame:
        """Replace the batch in a table, and return it as written."""
        with self._writing(table):
            self.lake.replace_batch(self.spark, table, rows, self.source, self.batch_date)
        written = self.lake.read(self.spark, table.name)
        written = written.where((F.col("source") == self.source) & (F.col("batch_date") == F.lit(self.batch_date)))
        self._written[table.name] = written
        return written

    def replace(self, table: Table, rows: DataFrame, where: str | None) -> DataFrame:
        """Replace the rows of a table that a condition holds for, all if None, and return the table as written."""
        with self._writing(table):
            if where is None:
                self.lake.overwrite(self.spark, table, rows)
            else:
                self.lake.replace(self.spark, table, rows, where)
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
        run = self._run(SUCCEEDED, counts, tables=tables, reasons=dict(reasons or {}))
        log_run(self.spark, self.lake, run)
        self.hook.after_run(run=run)
        return run

    def fail(self, problem: BaseException) -> None:
        """Take back what was written, and log the run as failed."""
        for name, before in reversed(self._before.items()):
            self.lake.restore(name, before)
        # An interrupt ends the embedded engine too, and leaves nothing to log with.
        if isinstance(problem, Exception) and self.lake.exists():
            with suppress(ShipmentEtlError):
                log_run(self.spark, self.lake, self._run(FAILED, RowCounts(0, 0), error=str(problem)))
        self.hook.run_failed(job=self.job, source=self.source, batch_date=self.batch_date, error=problem)

    @contextmanager
    def _writing(self, table: Table) -> Iterator[None]:
        if table.name not in self._before:
            self._before[table.name] = self.lake.version(table.name) if self.lake.has(table.name) else None
        yield
        self.hook.after_table_written(job=self.job, table=table.name)

    def _run(self, status: str, counts: RowCounts, **more: Any) -> Run:
        return Run(
            run_id=self.run_id,
            job=self.job,
            source=self.source,
            batch_date=self.batch_date,
            status=status,
            started_at=self.started_at,
            engine=engine_name(self.spark),
            counts=counts,
            seconds=self.seconds,
            settings=self.settings,
            versions={
                "shipment_etl": version("shipment-etl"),
                "python": platform.python_version(),
                "spark": self.spark.version,
                "pyspark": version("pyspark"),
            },
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
    settings: Mapping[str, Any],
    listeners: Iterable[object] = (),
) -> Iterator[Work]:
    """Run the body as a job: whatever it raises, an interrupt too, the lake's tables are put back as they were."""
    work = Work(spark, lake, job=job, source=source, batch_date=batch_date, settings=settings, listeners=listeners)
    work.hook.before_run(job=job, source=source, batch_date=batch_date)
    try:
        yield work
    except BaseException as problem:
        work.fail(problem)
        raise


def row_counts(frames: Mapping[str, DataFrame]) -> dict[str, int]:
    """Count the rows of each frame, by its name, in one query."""
    counts = (frame.agg(F.count(F.lit(1)).alias("rows")).withColumn("name", F.lit(name)) for name, frame in frames.items())
    return {row["name"]: row["rows"] for row in reduce(lambda one, other: one.unionByName(other), counts).collect()}
