"""Work: a job in progress.

A job writes the files of all its tables first, and only then commits them, one table after the other; the row in the log of
runs comes last, and by it all of them count. So as long as an engine is at work, nothing has changed, and whatever dies is
rolled back by the next job (`lake.snapshot.recover`), if not by this one.
"""

import platform
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import reduce
from importlib.metadata import version
from typing import Any
from uuid import uuid4

import pyspark
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from shipment_etl.engines.sessions import SPARK, engine_name
from shipment_etl.engines.work import end_work, renew_engine
from shipment_etl.errors import LockLost, ShipmentEtlError
from shipment_etl.lake.commits import commit_files
from shipment_etl.lake.damage import reading
from shipment_etl.lake.fingerprint import fingerprints
from shipment_etl.lake.lake import RUN_FOLDER, DataFile, Lake, Staging, Written
from shipment_etl.lake.lock import Lock
from shipment_etl.lake.runs import FAILED, SUCCEEDED, RowCounts, Run, RunStart, TableVersion, is_logged, log_run
from shipment_etl.lake.snapshot import Snapshot, recover, restore
from shipment_etl.lake.tables import Table
from shipment_etl.plugins import Plugins

__all__ = ["PACKAGE", "PLUGIN", "Work", "row_counts", "working"]


PACKAGE = "shipment_etl"
INTERRUPTED = "Stopped by a signal."

PLUGIN = "plugin "
"""What stands before a plugin's name in the versions of a run."""


@dataclass(frozen=True, slots=True)
class _Change:
    """What is to become of a table: files that were written, and those that they replace."""

    table: Table
    written: Written
    removed: tuple[DataFile, ...]
    kept: tuple[DataFile, ...]


class Work:
    """A job in progress on one batch of one source.

    Attributes:
        base: the versions that count; what the job reads, and what its commits build on.
        network, rules, marts_key: for the log; see `Run`.
    """

    def __init__(
        self,
        spark: SparkSession,
        lake: Lake,
        start: RunStart,
        plugins: Plugins,
        settings: dict[str, Any],
        lock: Lock,
        base: Snapshot,
    ) -> None:
        self.spark = spark
        self.lake = lake
        self.start = start
        self.plugins = plugins
        self.lock = lock
        self.settings = settings
        self.base = base
        self.network = ""
        self.rules: tuple[str, ...] = ()
        self.marts_key = base.marts_key
        self.seconds: dict[str, float] = {}
        self.versions = {
            PACKAGE: version("shipment-etl"),
            "python": platform.python_version(),
            "spark": spark.version,
            "pyspark": pyspark.__version__,
            **{f"{PLUGIN}{plugin.name}": plugin.version for plugin in plugins.installed()},
        }
        self._changes: dict[str, _Change] = {}
        self._vouched: dict[str, DataFrame] = {}
        self._committed: dict[str, int] = {}
        self._logged = False

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage of the job."""
        self.plugins.tell("before_stage", start=self.start, stage=name)
        start = time.perf_counter()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0) + time.perf_counter() - start, 3)

    def staging(self) -> AbstractContextManager[Staging]:
        """Open a folder for the intermediate results of this run."""
        # Classic Spark spends seconds on each commit; the embedded engine none, but writes no Parquet where no rows are.
        kept = "parquet" if engine_name(self.spark) == SPARK else "delta"
        return self.lake.staging(self.spark, self.start.run_id, kept)

    def batch_of(self, name: str) -> DataFrame:
        """Return the batch in a table, as it counts."""
        rows = self.base.read(self.spark, name)
        return rows.where((F.col("source") == self.start.source) & (F.col("batch_date") == F.lit(self.start.batch_date)))

    def files(self, name: str) -> list[DataFile]:
        """Return the files of a table as they will be once this run counts; none if there is no such table."""
        if change := self._changes.get(name):
            return [*change.kept, *change.written.files]
        return self.lake.files(name, self.base.tables[name]) if name in self.base.tables else []

    def read_files(self, table: Table, files: Sequence[DataFile]) -> DataFrame:
        """Return the rows of some of the files of a table, without its partitions."""
        change = self._changes.get(table.name)
        schema = change.written.own if change else self.lake.schema(table.name, self.base.tables[table.name])
        return self.lake.read_files(self.spark, table.name, files, schema)

    def months_changed(self, table: Table) -> list[str]:
        """Return the months, a partition of a table, of the files that are added to it or removed from it."""
        change = self._changes[table.name]
        return sorted({str(each.partition["month"]) for each in (*change.removed, *change.written.files)})

    def months_of(self, table: Table, months: Sequence[str]) -> DataFrame:
        """Return the rows of some months of a table that is partitioned by them."""
        return self.read_files(table, [each for each in self.files(table.name) if each.partition["month"] in months])

    def replace_batch(self, table: Table, rows: DataFrame, split: Mapping[str, Column] | None = None) -> DataFrame:
        """Write a batch in place of the one in a table, and return it as written.

        `source` and `batch_date` are set here, so that no row can lie outside. `split` are more partitions, made of the
        other columns.
        """
        batch = {"source": self.start.source, "batch_date": self.start.batch_date.isoformat()}
        split = dict(split or {})
        rows = rows.drop(*batch)
        rows = rows.withColumns(split) if split else rows
        written = self.lake.write_files(table, rows, f"{RUN_FOLDER}{self.start.run_id}", tuple(split))
        files = tuple(_with_partition(each, batch) for each in written.files)
        known = self.files(table.name)
        removed = [each for each in known if all(str(each.partition[name]) == value for name, value in batch.items())]
        self._change(table, Written(files, written.own, written.schema), removed, known)
        frame = self.read_files(table, files)
        source, batch_date = F.lit(self.start.source), F.lit(self.start.batch_date)
        frame = frame.withColumns({**split, "source": source, "batch_date": batch_date})
        self._vouched[table.name] = frame
        return frame

    def replace(self, table: Table, rows: DataFrame, keep: Column | None = None) -> DataFrame:
        """Write a table anew, and return it as written: rows, and those it has for which a condition holds."""
        known = self.files(table.name)
        if keep is not None and known:
            rows = self.read_files(table, known).where(keep).unionByName(rows.select(*table.columns))
        folder = f"{RUN_FOLDER}{self.start.run_id}"
        written = self.lake.join_files(table, self.lake.write_files(table, rows.coalesce(1), folder), folder)
        self._change(table, written, known, known)
        self._vouched[table.name] = self.read_files(table, written.files)
        return self._vouched[table.name]

    def note_commit(self, name: str) -> None:
        """Note that a table is about to be changed by a commit of its own, which is rolled back if the job fails."""
        self._committed[name] = self.base.tables[name]

    def confirm(self, table: Table) -> None:
        """Take a table that needs no change among those that the run vouches for."""
        self._vouched.setdefault(table.name, self.read_files(table, self.files(table.name)))

    def rows_written(self, table: Table) -> int:
        """Return how many rows were written to a table, by the footers of its files."""
        return self._changes[table.name].written.rows

    def drop(self, table: Table) -> None:
        """Leave a table as it was, and delete what was written for it."""
        del self._changes[table.name], self._vouched[table.name]
        self._delete_files([table.name])

    def finish(
        self,
        counts: RowCounts,
        reasons: Mapping[str, int] | None = None,
        warnings: Mapping[str, int] | None = None,
        status: str = SUCCEEDED,
        error: str | None = None,
    ) -> Run:
        """Commit what was written, log the run, and return it."""
        with self.stage("fingerprints"):
            words = fingerprints(self._vouched)
        with self.stage("commit"):
            self._commit()
        versions = {**self.base.tables, **self._committed}
        tables = {name: TableVersion(versions[name], word) for name, word in sorted(words.items())}
        return self.succeed(counts, versions, tables, reasons, warnings, status, error)

    def succeed(
        self,
        counts: RowCounts,
        after: Mapping[str, int],
        tables: Mapping[str, TableVersion],
        reasons: Mapping[str, int] | None = None,
        warnings: Mapping[str, int] | None = None,
        status: str = SUCCEEDED,
        error: str | None = None,
    ) -> Run:
        """Log the run, after which these versions count, and return it."""
        run = self._run(
            status,
            counts,
            after,
            tables=dict(tables),
            reasons=dict(reasons or {}),
            warnings=dict(warnings or {}),
            error=error,
            marts_key=self.marts_key,
        )
        self.lock.check()
        log_run(self.lake, run, self.base.runs)
        self._logged = True
        self.plugins.tell("after_run", start=self.start, run=run)
        return run

    def fail(self, problem: BaseException) -> None:
        """Roll back what was committed, and log the run as failed; nothing of it where it was logged, or the lock is lost.

        What cannot be done here, the next job does.
        """
        # A signal can come between the commit of the log and the note that it was made.
        if self._logged or is_logged(self.lake, self.start.run_id, self.base.runs):
            return
        try:
            # What it still writes would count for nothing, but take time, memory and space from the next job.
            end_work(self.spark)
            with suppress(LockLost):
                self.lock.check()
                after = {**self.base.tables}
                for name in reversed(self._committed):
                    if name not in self.base.tables:
                        self.lake.storage.delete(name)
                    elif self.lake.version(name) != self.base.tables[name]:
                        after[name] = restore(self.lake, name, self.base.tables[name], self.start.run_id)
                self._delete_files(self._changes)
                if self.lake.exists():
                    error = str(problem) if isinstance(problem, Exception) else INTERRUPTED
                    run = self._run(FAILED, RowCounts(0, 0), after, error=error, marts_key=self.base.marts_key)
                    log_run(self.lake, run, self.base.runs)
        except ShipmentEtlError as another:
            problem.add_note(f"Rolling back failed as well: {another} The next job will roll back.")
        finally:
            self.plugins.tell("run_failed", start=self.start, error=problem)

    def _change(self, table: Table, written: Written, removed: Iterable[DataFile], known: Iterable[DataFile]) -> None:
        paths = {each.path for each in removed}
        kept = tuple(each for each in known if each.path not in paths)
        self._changes[table.name] = _Change(table, written, tuple(removed), kept)

    def _commit(self) -> None:
        for name, change in self._changes.items():
            self.lock.check()
            # Noted before it is made: a signal can come in between, and to restore what is as it was does no harm.
            before = self.base.tables.get(name)
            self._committed[name] = 0 if before is None else before + 1
            commit_files(
                self.lake.storage,
                change.table,
                change.written.schema,
                version=before,
                add=change.written.files,
                remove=change.removed,
                run=self.start.run_id,
            )
            self.plugins.tell("after_table_written", start=self.start, table=name)

    def _delete_files(self, names: Iterable[str]) -> None:
        for name in names:
            self.lake.storage.delete(f"{name}/{RUN_FOLDER}{self.start.run_id}")

    def _run(self, status: str, counts: RowCounts, after: Mapping[str, int], **more: Any) -> Run:
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
            network=self.network,
            rules=self.rules,
            before=dict(self.base.tables),
            after=dict(after),
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
    """Run the body as a job, alone on the lake; whatever it raises, an interrupt too, the lake is as it was before.

    Raises:
        FileDamaged, EngineFailed: instead of whatever the engine said in the body.
        LakeLocked: another job writes to the lake; nothing was done.
        StorageError: the storage cannot be reached or written; nothing was done.
        ChangedOutside: another program changed rows on top of a run that died; nothing was done.
    """
    with lake.storage.lock(job).hold(lake.wait) as lock:
        started_at = datetime.now(UTC).isoformat(timespec="microseconds")
        start = RunStart(str(uuid4()), job, source, batch_date, started_at, lake.uri)
        renew_engine(spark)
        work = Work(spark, lake, start, plugins, settings, lock, recover(lake, start.run_id))
        plugins.tell("before_run", start=start)
        try:
            with reading(lake, work.base.tables):
                yield work
        except BaseException as problem:
            work.fail(problem)
            raise


def row_counts(frames: Mapping[str, DataFrame]) -> dict[str, int]:
    """Count the rows of each frame, by its name, in one query."""
    counts = (frame.agg(F.count(F.lit(1)).alias("rows")).withColumn("name", F.lit(name)) for name, frame in frames.items())
    return {row["name"]: row["rows"] for row in reduce(lambda one, other: one.unionByName(other), counts).collect()}


def _with_partition(file: DataFile, values: Mapping[str, str]) -> DataFile:
    return DataFile(file.path, {**values, **file.partition}, file.rows, file.size, file.least, file.most)
