"""Work: a job in progress.

A job first writes the files of all its tables, and only then commits them, one table after the other. The row in the log of
runs comes last; it makes all of these commits count. So nothing has changed while an engine is working, and a job that dies
is rolled back by the next one (`lake.snapshot.recover`), if it could not do so itself.
"""

import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyspark
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from shipment_etl.engines.registry import engine_name
from shipment_etl.engines.work import end_work, renew_engine
from shipment_etl.errors import LockLost, ShipmentEtlError
from shipment_etl.jobs.run_fingerprints import RunFingerprints
from shipment_etl.lake.damage import explain_errors
from shipment_etl.lake.lake import RUN_FOLDER, DataFile, Lake, Staging, Written
from shipment_etl.lake.lock import Lock
from shipment_etl.lake.runs import FAILED, SUCCEEDED, RowCounts, Run, RunStart, TableVersion, is_logged, log_run, start_log
from shipment_etl.lake.snapshot import Snapshot, recover, undo
from shipment_etl.lake.tables import Table
from shipment_etl.plugins import Plugins

__all__ = ["PACKAGE", "PLUGIN", "Work", "may_have_batch", "run_job"]


PACKAGE = "shipment_etl"
INTERRUPTED = "Stopped by a signal."

RANGES = ("shipment_date", "batch_date", "first_id", "last_id", "month")

PLUGIN = "plugin "
"""Prefix of a plugin's name in the versions of a run."""


@dataclass(frozen=True, slots=True)
class _Change:
    """A pending change of a table: files that were written, and those that they replace."""

    table: Table
    written: Written
    removed: tuple[DataFile, ...]
    kept: tuple[DataFile, ...]


def may_have_batch(file: DataFile, batches: Iterable[date]) -> bool:
    """Whether a file can have rows of some batches, by its range of batch_date in the log."""
    if "batch_date" not in file.least:
        return True
    return any(file.least["batch_date"] <= each <= file.most["batch_date"] for each in batches)


class Work:
    """A job in progress on one batch of one source.

    Attributes:
        base: the versions that count; what the job reads, and what its commits build on.
        folder: where this run writes its files, in the folder of each table.
        fingerprints: those that it logs.
        network, rules, overtook, marts_key: for the log; see `Run`.
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
        self.overtook = 0
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
        self.folder = f"{RUN_FOLDER}{start.run_id}"
        self._known: dict[str, tuple[DataFile, ...]] = {}
        self.fingerprints = RunFingerprints(lake)
        self._committed: dict[str, int] = {}
        self._logged = False

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage of the job."""
        self.plugins.notify("before_stage", start=self.start, stage=name)
        start = time.perf_counter()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0) + time.perf_counter() - start, 3)

    def staging(self) -> AbstractContextManager[Staging]:
        """Open a folder for the intermediate results of this run."""
        return self.lake.staging(self.spark, self.start.run_id)

    @property
    def batch(self) -> dict[str, str]:
        """The partition of this job's batch, in tables partitioned by batch."""
        return {"source": self.start.source, "batch_date": self.start.batch_date.isoformat()}

    def with_batch(self, rows: DataFrame) -> DataFrame:
        """Return rows with the columns of this job's batch."""
        return rows.withColumns({"source": F.lit(self.start.source), "batch_date": F.lit(self.start.batch_date)})

    def files(self, name: str) -> tuple[DataFile, ...]:
        """Return the files of a table as they will be once this run counts; none if there is no such table."""
        if change := self._changes.get(name):
            return (*change.kept, *change.written.files)
        return self.base_files(name)

    def base_files(self, name: str) -> tuple[DataFile, ...]:
        """Return the files of a table as the job found them; none if there is no such table."""
        if name not in self._known:
            exists = name in self.base.tables
            self._known[name] = tuple(self.lake.files(name, self.base.tables[name], RANGES)) if exists else ()
        return self._known[name]

    def files_of_batch(self, name: str) -> list[DataFile]:
        """Return the files of a table that hold the batch of this job."""
        return [each for each in self.files(name) if each.partition_texts.items() >= self.batch.items()]

    def may_have_batch(self, file: DataFile) -> bool:
        """Whether a file can have rows of this job's batch. As `may_have_batch`."""
        return may_have_batch(file, [self.start.batch_date])

    def has_columns(self, table: Table) -> bool:
        """Whether a table, if it is there, has all columns that this release declares."""
        if table.name not in self.base.tables:
            return True
        known = {field.name for field in self.lake.delta(table.name, self.base.tables[table.name]).schema().fields}
        return known >= table.columns.keys()

    def read_batch(self, name: str) -> tuple[DataFrame, int]:
        """Return this job's batch from a table, written by any program, and its number of rows."""
        if not self.lake.is_plain(name, self.base.tables[name]):
            mine = (F.col("source") == self.start.source) & (F.col("batch_date") == F.lit(self.start.batch_date))
            rows = self.base.read(self.spark, name).where(mine)
            # The log also counts the rows that deletion vectors leave out.
            return rows, int(rows.count())
        files, schema = self.files_of_batch(name), self.lake.schema(name, self.base.tables[name])
        rows = self.with_batch(self.lake.read_files(self.spark, name, files, schema))
        known = [each.rows for each in files if each.rows is not None]
        return rows, sum(known) if len(known) == len(files) else int(rows.count())

    def read_files(self, table: Table, files: Sequence[DataFile]) -> DataFrame:
        """Return the rows of some files of a table, without its partition columns."""
        change = self._changes.get(table.name)
        schema = change.written.own if change else self.lake.schema(table.name, self.base.tables[table.name])
        return self.lake.read_files(self.spark, table.name, files, schema)

    def write(
        self, table: Table, rows: DataFrame, folder: str = "", split: Sequence[str] = (), beside: Sequence[str] = ()
    ) -> Written:
        """Write files into this run's folder of a table, without adding them to it. As `Lake.write_files`."""
        return self.lake.write_files(table, rows, f"{self.folder}/{folder}".rstrip("/"), split, beside)

    def discard(self, table: Table, files: Iterable[DataFile]) -> None:
        """Delete files that were only intermediate."""
        for folder in sorted({each.path.rpartition("/")[0] for each in files}):
            self.lake.storage.delete(f"{table.name}/{folder}")

    def rows_written(self, table: Table) -> int:
        """Return how many rows were written to a table, by the footers of its files."""
        return self._changes[table.name].written.rows

    def put_batch(self, table: Table, written: Written, removed: Iterable[DataFile] | None = None) -> None:
        """Make written files this job's batch in a table, in place of `removed`; of all files of the batch if None."""
        files = tuple(replace(each, partition=self.batch) for each in written.files)
        self.put(table, written.with_files(files), self.files_of_batch(table.name) if removed is None else removed)

    def put(self, table: Table, written: Written, removed: Iterable[DataFile]) -> None:
        """Add written files to a table, in place of others."""
        paths = {each.path for each in removed}
        known = self.files(table.name)
        removed = tuple(each for each in known if each.path in paths)
        kept = tuple(each for each in known if each.path not in paths)
        self._changes[table.name] = _Change(table, written, removed, kept)

    def replace_batch(self, table: Table, rows: DataFrame) -> None:
        """Write a batch, in place of the one in a table."""
        self._write_batch(table, rows, None)

    def add_to_batch(self, table: Table, rows: DataFrame) -> None:
        """Write more rows of a batch that is in a table."""
        self._write_batch(table, rows, ())

    def content(
        self,
        table: Table,
        files: Iterable[DataFile],
        columns: Sequence[str],
        *,
        encoded: Callable[[pa.Field], bool] | None = None,
    ) -> pa.Table:
        """Return some columns of files of a table, without an engine; `encoded` is as for `Lake.content`."""
        parts = [self.lake.content(table.name, each.path, columns, encoded=encoded) for each in files]
        # Other programs may have written files whose columns cannot be null.
        return pa.concat_tables(parts, promote_options="default") if parts else pa.table({name: [] for name in columns})

    def replace(self, table: Table, rows: DataFrame, keep: Callable[[pa.Table], pa.Table] | None = None) -> DataFrame:
        """Rewrite a small table, as `write_whole` does, and return it as written."""
        return self.put_whole(table, self.write_whole(table, rows, keep))

    def write_whole(self, table: Table, rows: DataFrame, keep: Callable[[pa.Table], pa.Table] | None = None) -> Written:
        """Write a small table as one file, without adding it to the table: new rows, and what is kept of the old ones."""
        written = self.write(table, rows)
        parts = [self.lake.content(table.name, each.path) for each in written.files]
        old = [keep(self.lake.content(table.name, each.path)) for each in self.files(table.name)] if keep else []
        if len(parts) <= 1 and not any(each.num_rows for each in old):
            return written
        return written.with_files([self.write_one(table, [*old, *parts], written, "whole")])

    def write_rest(
        self, table: Table, files: Iterable[DataFile], keep: Callable[[pa.Table], pa.Table], like: Written
    ) -> Written:
        """Write what is kept of some files of a table as one file, with the columns of `like`; none if nothing is kept."""
        rests = [keep(self.lake.content(table.name, each.path)) for each in files]
        if not any(each.num_rows for each in rests):
            return like.with_files([])
        return like.with_files([self.write_one(table, rests, like, "rest")])

    def write_one(self, table: Table, parts: Iterable[pa.Table], like: Written, name: str) -> DataFile:
        """Write rows as one file, without adding it to the table, with the columns of `like`."""
        return self.lake.write_table(table, parts, like.schema, f"{self.folder}/{name}/rows.parquet")

    def put_whole(self, table: Table, written: Written, removed: Iterable[DataFile] | None = None) -> DataFrame:
        """Add written files to a table, in place of `removed`, of all files if None; return all rows of the table."""
        self.put(table, written, self.files(table.name) if removed is None else removed)
        files = self.files(table.name)
        frame = self.read_files(table, files)
        self.fingerprints.note_rows(table, frame, files)
        return frame

    def note_commit(self, name: str) -> None:
        """Note that a table is about to be changed by a separate commit, to be rolled back if the job fails."""
        self._committed[name] = self.base.tables[name]

    def confirm(self, table: Table) -> None:
        """Add an unchanged table to those whose fingerprints the run logs."""
        if table not in self.fingerprints:
            self.fingerprints.note_rows(table, self.read_files(table, self.files(table.name)), self.files(table.name))

    def drop(self, table: Table) -> None:
        """Leave a table as it was, and delete what was written for it."""
        self._changes.pop(table.name, None)
        self.fingerprints.drop(table)
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
            words = self.fingerprints.take()
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
        """Log the run, which makes these versions count, and return it."""
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
        self.plugins.notify("after_run", start=self.start, run=run)
        return run

    def fail(self, problem: BaseException) -> None:
        """Roll back what was committed, and log the run as failed; do neither if it is logged already, or the lock is lost.

        What cannot be done here is done by the next job.
        """
        # A signal can come between the commit of the log and the note that it was made.
        if self._logged or is_logged(self.lake, self.start.run_id, self.base.runs):
            return
        try:
            # What the engine still writes would not count, but take time, memory and space from the next job.
            end_work(self.spark)
            with suppress(LockLost):
                self.lock.check()
                after = {**self.base.tables}
                for name in reversed(self._committed):
                    counts = undo(self.lake, name, self.base.tables.get(name), self.start.run_id)
                    after |= {} if counts is None else {name: counts}
                self._delete_files(self._changes)
                if self.lake.exists():
                    error = str(problem) if isinstance(problem, Exception) else INTERRUPTED
                    run = self._run(FAILED, RowCounts(0, 0), after, error=error, marts_key=self.base.marts_key)
                    log_run(self.lake, run, self.base.runs)
        except ShipmentEtlError as another:
            problem.add_note(f"Rolling back failed as well: {another} The next job will roll back.")
        finally:
            self.plugins.notify("run_failed", start=self.start, error=problem)

    def _write_batch(self, table: Table, rows: DataFrame, removed: Iterable[DataFile] | None) -> None:
        """Write rows of the batch; `source` and `batch_date` are set here, so that no row can be outside the batch."""
        self.put_batch(table, self.write(table, rows.drop(*self.batch)), removed)
        files = self.files_of_batch(table.name)
        self.fingerprints.note_rows(table, self.with_batch(self.read_files(table, files)), files)

    def _commit(self) -> None:
        if self.base.runs is None:
            self.lock.check()
            self.base = replace(self.base, runs=start_log(self.lake, self.start.run_id))
        for name, change in self._changes.items():
            self.lock.check()
            # Noted before the commit: a signal can come in between, and restoring an unchanged table does no harm.
            before = self.base.tables.get(name)
            self._committed[name] = 0 if before is None else before + 1
            self._committed[name] = self.lake.commit(
                change.table,
                change.written.schema,
                version=before,
                add=change.written.files,
                remove=change.removed,
                run=self.start.run_id,
            )
            self.plugins.notify("after_table_written", start=self.start, table=name)

    def _delete_files(self, names: Iterable[str]) -> None:
        for name in names:
            self.lake.storage.delete(f"{name}/{self.folder}")

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
            overtook=self.overtook,
            before=dict(self.base.tables),
            after=dict(after),
            **more,
        )


@contextmanager
def run_job(
    spark: SparkSession,
    lake: Lake,
    *,
    job: str,
    source: str,
    batch_date: date,
    settings: dict[str, Any],
    plugins: Plugins,
) -> Iterator[Work]:
    """Run the body as a job, alone on the lake; if it raises anything, even an interrupt, the lake is as it was before.

    Raises:
        FileDamaged, EngineFailed: in place of errors of the engine in the body.
        LakeLocked: another job writes to the lake; nothing was done.
        StorageError: the storage cannot be reached or written; nothing was done.
        ChangedOutside: another program changed rows on top of a run that died; nothing was done.
    """
    with lake.storage.lock(job).hold(lake.wait) as lock, lake.keep_open():
        renew_engine(spark)
        run_id = str(uuid4())
        base = recover(lake, run_id)
        start = RunStart(run_id, job, source, batch_date, _next_moment(base.logged_at), lake.uri)
        work = Work(spark, lake, start, plugins, settings, lock, base)
        plugins.notify("before_run", start=start)
        try:
            with explain_errors(lake, work.base.tables):
                yield work
        except BaseException as problem:
            work.fail(problem)
            raise


def _next_moment(logged_at: str) -> str:
    """Return the current time, but later than the newest logged run: the clock of its machine may be ahead of this one."""
    now = datetime.now(UTC)
    if logged_at:
        now = max(now, datetime.fromisoformat(logged_at) + timedelta(microseconds=1))
    return now.isoformat(timespec="microseconds")
