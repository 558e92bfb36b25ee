"""The lake: a folder of Delta tables. Every read and write of the package goes through here."""

import json
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import pyarrow.fs as pafs
from deltalake import DeltaTable
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from shipment_etl.errors import (
    CommitConflict,
    EngineFailed,
    InvalidValue,
    LakeError,
    LakeFull,
    LakeMissing,
    NotADeltaTable,
    TableMissing,
)
from shipment_etl.lake.tables import Table

__all__ = ["DataFile", "Lake", "Staging"]

Answer = TypeVar("Answer")

MOST_TRIES = 8
FIRST_PAUSE_SECONDS = 0.1
PLAIN_PATH = re.compile(r"[A-Za-z0-9._~/-]+")
LOST_RACE = (
    *("failed to commit transaction", "concurrent", "version already exists", "conflict"),
    # Said when a checkpoint of another writer comes between two looks at the log.
    "missing commit file",
)
NO_SPACE = ("no space left", "os error 28", "disk quota", "os error 122", "file too large", "os error 27")


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of a table, as the Delta log has it: partition values, and the least and most of some columns, where known."""

    path: str
    partition: dict[str, Any]
    least: dict[str, Any]
    most: dict[str, Any]


class Lake:
    """A folder of Delta tables; nothing is read or made before a table is.

    Args:
        uri: a folder. Its path may hold letters, digits and . _ ~ - / only.

    Raises:
        InvalidValue: the path holds something else, which the embedded engine would not find again.
    """

    def __init__(self, uri: str | Path) -> None:
        root = Path(uri).expanduser().absolute()
        if not PLAIN_PATH.fullmatch(root.as_posix()):
            raise InvalidValue("lake", root.as_posix(), "a path of letters, digits and . _ ~ - / only")
        self.uri = root.as_posix()
        self._files = pafs.LocalFileSystem()

    def __repr__(self) -> str:
        return f"Lake({self.uri!r})"

    def location(self, name: str) -> str:
        """Return where a table lies."""
        return f"{self.uri}/{name}"

    def exists(self) -> bool:
        """Whether there is anything at the lake's address."""
        return bool(self._kind(self.uri) == pafs.FileType.Directory)

    def tables(self) -> list[str]:
        """Return the names of all tables, as raw/shipments.

        Raises:
            LakeMissing: there is no lake.
        """
        if not self.exists():
            raise LakeMissing(self.uri)
        rooms = (each for each in self._listed(self.uri) if not Path(each).name.startswith(("_", ".")))
        every = (table for room in rooms for table in self._listed(room))
        return sorted(name for name in (table.removeprefix(f"{self.uri}/") for table in every) if self.has(name))

    def has(self, name: str) -> bool:
        """Whether the lake has a table of this name."""
        return self._newest(name) is not None

    def read(self, spark: SparkSession, name: str) -> DataFrame:
        """Return a table.

        Raises:
            LakeMissing, TableMissing, NotADeltaTable: there is none.
        """
        self._require(name)
        return spark.read.format("delta").load(self.location(name))

    def version(self, name: str) -> int:
        """Return the number of a table's newest version.

        Raises:
            LakeMissing, TableMissing, NotADeltaTable: there is none.
        """
        version = self._newest(name)
        if version is None:
            raise self._missing(name)
        return version

    def files(self, name: str, version: int | None = None, ranges: Iterable[str] = ()) -> list[DataFile]:
        """Return the files of a version of a table, the newest if None; no file is opened.

        Args:
            name: of the table.
            version: of the table.
            ranges: columns whose least and most value are wanted.

        Raises:
            LakeMissing, TableMissing, NotADeltaTable: there is none.
            DeltaError: the log does not reach back to that version.
        """
        self._require(name)
        actions = DeltaTable(self.location(name), version=version).get_add_actions(flatten=True)
        partitions = [each for each in actions.column_names if each.startswith("partition.")]
        parts = [_rows(actions, names) for names in (partitions, [f"min.{e}" for e in ranges], [f"max.{e}" for e in ranges])]
        return [DataFile(*each) for each in zip(actions.column("path").to_pylist(), *parts, strict=True)]

    def replace_batch(self, spark: SparkSession, table: Table, rows: DataFrame, source: str, batch_date: date) -> None:
        """Replace all rows of one batch by others, in one commit.

        `source` and `batch_date` are set here, so that no row can lie outside.

        Raises:
            NotADeltaTable, CommitConflict, LakeFull, EngineFailed: it could not be written; the table is as it was.
        """
        keyed = rows.withColumn("source", F.lit(source)).withColumn("batch_date", F.lit(batch_date))
        self.replace(spark, table, keyed, f"source = '{source}' AND batch_date = DATE'{batch_date.isoformat()}'")

    def replace(self, spark: SparkSession, table: Table, rows: DataFrame, where: str) -> None:
        """Replace the rows that a condition holds for, in one commit. Errors as for `replace_batch`."""
        self._write(spark, table, rows, {"replaceWhere": where}, "overwrite")

    def overwrite(self, spark: SparkSession, table: Table, rows: DataFrame) -> None:
        """Replace all rows, in one commit. Errors as for `replace_batch`."""
        self._write(spark, table, rows, {}, "overwrite")

    def append(self, spark: SparkSession, table: Table, rows: DataFrame) -> None:
        """Add rows, in one commit. Errors as for `replace_batch`."""
        self._write(spark, table, rows, {}, "append")

    def restore(self, name: str, version: int | None) -> None:
        """Put a table back to a version; to None takes it away. Needs no engine."""
        if version is None:
            self._files.delete_dir(self.location(name))
        elif self.version(name) != version:
            DeltaTable(self.location(name)).restore(version)

    def write_text(self, name: str, text: str) -> None:
        """Write a file beside the tables, as _reports/RUN_ID.json."""
        location = self.location(name)
        self._files.create_dir(location.rpartition("/")[0])
        with self._files.open_output_stream(location) as file:
            file.write(text.encode())

    @contextmanager
    def staging(self, spark: SparkSession, name: str) -> Iterator["Staging"]:
        """Open a folder for the intermediate results of one job, emptied before and after."""
        folder = f"{self.uri}/_staging/{name}"
        self._files.create_dir(folder)
        self._files.delete_dir_contents(folder)
        try:
            yield Staging(spark, folder)
        finally:
            self._files.delete_dir(folder)
            if not self._listed(f"{self.uri}/_staging"):
                self._files.delete_dir(f"{self.uri}/_staging")

    def _write(self, spark: SparkSession, table: Table, rows: DataFrame, options: dict[str, str], mode: str) -> None:
        location = self.location(table.name)
        typed = rows.select(*_typed(table))
        self._create(spark, table)
        _patiently(
            table.name,
            self.uri,
            lambda: typed.write.format("delta").mode(mode).options(**options).save(location),
        )

    def _create(self, spark: SparkSession, table: Table) -> None:
        """Make a table without rows, so that its columns are those declared, whoever writes first."""
        if self.has(table.name):
            return
        if self._kind(self.location(table.name)) != pafs.FileType.NotFound:
            raise NotADeltaTable(table.name, self.location(table.name))
        # Nulls of the declared types, because createDataFrame gives nested fields metadata that Sail then insists on.
        columns = [F.lit(None).cast(kind).alias(name) for name, kind in table.columns.items()]
        empty = spark.range(0).select(*columns).write.format("delta").partitionBy(*table.partitions)
        _patiently(table.name, self.uri, lambda: empty.mode("ignore").save(self.location(table.name)))

    def _require(self, name: str) -> None:
        if not self.has(name):
            raise self._missing(name)

    def _missing(self, name: str) -> LakeError:
        if not self.exists():
            return LakeMissing(self.uri)
        if self._kind(self.location(name)) != pafs.FileType.NotFound and name.count("/") == 1:
            return NotADeltaTable(name, self.location(name))
        return TableMissing(name, self.uri, self.tables())

    def _newest(self, name: str) -> int | None:
        """Return the newest version of a table, None if there is none.

        Looks for commits from the last checkpoint on, at most ten as a rule: to open a table, or to list its log, takes
        the longer the more commits it has.
        """
        log = f"{self.location(name)}/_delta_log"
        checkpoint = f"{log}/_last_checkpoint"
        newest = -1
        if self._kind(checkpoint) == pafs.FileType.File:
            with self._files.open_input_stream(checkpoint) as file:
                newest = int(json.loads(file.read())["version"])
        while self._kind(f"{log}/{newest + 1:020}.json") == pafs.FileType.File:
            newest += 1
        return newest if newest >= 0 else None

    def _kind(self, path: str) -> pafs.FileType:
        return self._files.get_file_info(path).type

    def _listed(self, folder: str) -> list[str]:
        selector = pafs.FileSelector(folder, allow_not_found=True)
        return [info.path for info in self._files.get_file_info(selector) if info.type == pafs.FileType.Directory]


class Staging:
    """A folder for the intermediate results of one job.

    What several queries need is written here once: the embedded engine does not cache, and what it reads from a file it
    knows the size of, so that it joins in the right order.
    """

    def __init__(self, spark: SparkSession, folder: str) -> None:
        self._spark = spark
        self.folder = folder

    def keep(self, name: str, rows: DataFrame) -> DataFrame:
        """Write a frame, and return it as read back."""
        path = f"{self.folder}/{name}"
        _translated("staging rows", self.folder, lambda: rows.write.format("delta").mode("overwrite").save(path))
        return self._spark.read.format("delta").load(path)


def _typed(table: Table) -> list[Column]:
    """Return the columns of a table, each of its declared type."""
    # Nested ones have to come as declared: Sail's cast changes even an equal type.
    return [
        F.col(name) if kind.startswith("array") else F.col(name).cast(kind).alias(name)
        for name, kind in table.columns.items()
    ]


def _rows(actions: Any, columns: list[str]) -> list[dict[str, Any]]:
    """Return some columns of the table of files, a dictionary for each file; a column that is not there is left out."""
    known = [column for column in columns if column in actions.column_names]
    names = [column.split(".", 1)[1] for column in known]
    rows = zip(*(actions.column(column).to_pylist() for column in known), strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows] if known else [{}] * actions.num_rows


def _patiently(table: str, uri: str, write: Callable[[], None]) -> None:
    """Write; after a lost race for the next version try again, with growing, jittered pauses."""
    for attempt in range(1, MOST_TRIES + 1):
        try:
            return _translated(f"writing {table}", uri, write)
        except CommitConflict:
            if attempt == MOST_TRIES:
                raise CommitConflict(table, attempt) from None
            # Jitter need not be unpredictable, only different between writers.
            time.sleep(FIRST_PAUSE_SECONDS * 2**attempt * random.random())  # noqa: S311


def _translated(doing: str, uri: str, work: Callable[[], Answer]) -> Answer:
    """Do work of the engine; its errors become ours."""
    try:
        return work()
    except PySparkException as problem:
        said = str(problem)
        if any(sign in said.lower() for sign in NO_SPACE):
            raise LakeFull(uri) from problem
        if any(sign in said.lower() for sign in LOST_RACE):
            raise CommitConflict(doing, 1) from problem
        raise EngineFailed(doing, said) from problem
