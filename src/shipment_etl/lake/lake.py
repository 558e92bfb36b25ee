"""The lake: Delta tables in a folder or on S3. Every read and write of the package goes through here."""

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from deltalake import DeltaTable, Schema, write_deltalake
from deltalake.exceptions import DeltaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from shipment_etl.errors import (
    CommitConflict,
    EngineFailed,
    LakeError,
    LakeFull,
    LakeMissing,
    NotADeltaTable,
    TableMissing,
    VersionMissing,
)
from shipment_etl.lake.changes import changes
from shipment_etl.lake.storage import STAGING, Storage, storage_of
from shipment_etl.lake.tables import Table

__all__ = ["DataFile", "Lake", "Staging"]

Answer = TypeVar("Answer")

MOST_TRIES = 8
FIRST_PAUSE_SECONDS = 0.1
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
    """Delta tables in one place; nothing is read or made before a table is.

    Args:
        uri: a folder, or s3://bucket/prefix. The path may hold letters, digits and . _ ~ - / only. Keys, region and
            endpoint of S3 are those of the environment or of the profile it names.

    Raises:
        InvalidValue: the path holds something else, which the embedded engine would not find again.
        ExtraMissing: S3 needs a package that is not installed.
    """

    def __init__(self, uri: str | Path) -> None:
        self.storage = storage_of(uri)
        self.uri = self.storage.uri

    def __repr__(self) -> str:
        return f"Lake({self.uri!r})"

    def location(self, name: str) -> str:
        """Return where a table lies."""
        return f"{self.uri}/{name}"

    def exists(self) -> bool:
        """Whether there is anything at the lake's address.

        Raises:
            StorageError: it cannot be told; so of every method that looks into the lake.
        """
        return self.storage.exists()

    def tables(self) -> list[str]:
        """Return the names of all tables, as raw/shipments.

        Raises:
            LakeMissing: there is no lake.
        """
        if not self.exists():
            raise LakeMissing(self.uri)
        rooms = (each for each in self.storage.folders("") if not each.startswith(("_", ".")))
        return sorted(name for room in rooms for name in self.storage.folders(room) if self.has(name))

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
            VersionMissing: the log does not reach back to that version.
        """
        actions = self.delta(name, version).get_add_actions(flatten=True)
        partitions = [each for each in actions.column_names if each.startswith("partition.")]
        parts = [_rows(actions, names) for names in (partitions, [f"min.{e}" for e in ranges], [f"max.{e}" for e in ranges])]
        return [DataFile(*each) for each in zip(actions.column("path").to_pylist(), *parts, strict=True)]

    def delta(self, name: str, version: int | None = None) -> DeltaTable:
        """Open a table without an engine, at a version, the newest if None. Errors as for `files`."""
        self._require(name)
        with self.storage.watched():
            try:
                return DeltaTable(self.location(name), version=version, storage_options=self.storage.options)
            except DeltaError as problem:
                if version is None:
                    raise
                raise VersionMissing(name, version) from problem

    def dataset(self, name: str, version: int | None = None) -> pads.Dataset:
        """Return a version of a table, the newest if None, as a dataset of pyarrow. Errors as for `files`."""
        # Through a file system of pyarrow's own: threads that are still reading ahead through one made in Python abort the
        # whole process as it ends.
        files = pafs.SubTreeFileSystem(name, self.storage.files)
        return self.delta(name, version).to_pyarrow_dataset(filesystem=files)

    def partitions(self, name: str) -> list[str]:
        """Return the columns that a table is partitioned by. Errors as for `version`."""
        return self.delta(name).metadata().partition_columns

    def content(self, name: str, file: DataFile) -> pa.Table:
        """Return the rows of one file of a table, without its partitions."""
        with self.storage.open(f"{name}/{file.path}") as opened:
            return pq.read_table(opened)

    def changes(self, name: str, since: int) -> list[dict[str, str]]:
        """Return the partitions of the files whose rows came or went after a version; compaction changes no row.

        Raises:
            LakeMissing, TableMissing, NotADeltaTable: there is none.
            VersionMissing: the log does not tell it.
        """
        return changes(self.storage, name, since, self.version(name))

    def replace_batch(self, table: Table, rows: DataFrame, source: str, batch_date: date) -> None:
        """Replace all rows of one batch by others, in one commit.

        `source` and `batch_date` are set here, so that no row can lie outside.

        Raises:
            NotADeltaTable, CommitConflict, LakeFull, EngineFailed: it could not be written; the table is as it was.
        """
        keyed = rows.withColumn("source", F.lit(source)).withColumn("batch_date", F.lit(batch_date))
        self.replace(table, keyed, f"source = '{source}' AND batch_date = DATE'{batch_date.isoformat()}'")

    def replace(self, table: Table, rows: DataFrame, where: str) -> None:
        """Replace the rows that a condition holds for, in one commit. Errors as for `replace_batch`."""
        self._overwrite(table, rows, {"replaceWhere": where})

    def overwrite(self, table: Table, rows: DataFrame) -> None:
        """Replace all rows, in one commit. Errors as for `replace_batch`."""
        self._overwrite(table, rows, {})

    def append(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add a few rows to a table of flat columns, in one commit and without an engine. Errors as for `replace_batch`."""
        self._create(table, lambda: _flat(table))

        def write() -> None:
            known = self.delta(table.name)
            typed = pa.Table.from_pylist(list(rows), schema=pa.schema(known.schema().to_arrow()))
            write_deltalake(known, typed, mode="append")

        _patiently(table.name, self.storage, write)

    def restore(self, name: str, version: int | None) -> None:
        """Put a table back to a version; to None takes it away. Needs no engine."""
        if version is None:
            self.storage.delete(name)
        elif self.version(name) != version:
            with self.storage.watched():
                self.delta(name).restore(version)

    def write_text(self, name: str, text: str) -> None:
        """Write a file beside the tables, as _reports/RUN_ID.json."""
        self.storage.write(name, text.encode())

    @contextmanager
    def staging(self, spark: SparkSession, name: str, kept: str = "delta") -> Iterator["Staging"]:
        """Open a folder for the intermediate results of one job, emptied before and after.

        Args:
            spark: a session.
            name: of the folder.
            kept: delta or parquet, the format of intermediate results. Parquet costs no commits, but is only for engines
                that write a file where there are no rows.
        """
        folder = f"{STAGING}/{name}"
        self.storage.make_empty(folder)
        try:
            yield Staging(spark, self.storage, folder, kept)
        finally:
            self.storage.delete(folder)
            if not self.storage.folders(STAGING):
                self.storage.delete(STAGING)

    def _overwrite(self, table: Table, rows: DataFrame, options: dict[str, str]) -> None:
        typed = rows.select(*_typed(table))
        self._create(table, lambda: typed.schema.jsonValue())
        writer = typed.write.format("delta").mode("overwrite").options(**options)
        _patiently(table.name, self.storage, lambda: writer.save(self.location(table.name)))

    def _create(self, table: Table, schema: Callable[[], dict[str, Any]]) -> None:
        """Make a table without rows, so that its columns are those declared, whoever writes first."""
        # Not by the engine, which would take a commit of its own, on classic Spark for seconds.
        if self.has(table.name):
            return
        # Asked again, because another job may have made and filled it in between.
        if self._is_foreign(table.name) and not self.has(table.name):
            raise NotADeltaTable(table.name, self.location(table.name))

        def create() -> None:
            try:
                DeltaTable.create(
                    self.location(table.name),
                    Schema.from_json(json.dumps(_nullable(schema()))),
                    partition_by=list(table.partitions),
                    configuration=table.properties,
                    storage_options=self.storage.options,
                )
            except DeltaError:
                # Another job that made it first, made the same.
                if not self.has(table.name):
                    raise

        _translated(f"making {table.name}", self.storage, create)

    def _require(self, name: str) -> None:
        if not self.has(name):
            raise self._missing(name)

    def _missing(self, name: str) -> LakeError:
        if not self.exists():
            return LakeMissing(self.uri)
        if name.count("/") == 1 and self._is_foreign(name):
            return NotADeltaTable(name, self.location(name))
        return TableMissing(name, self.uri, self.tables())

    def _is_foreign(self, name: str) -> bool:
        """Whether there is something at the place of a table that is none, not even one that is being made."""
        kind = self.storage.kind(name)
        if kind != pafs.FileType.Directory:
            return bool(kind != pafs.FileType.NotFound)
        return any(not path.startswith("_delta_log/") for path in self.storage.sizes(name))

    def _newest(self, name: str) -> int | None:
        """Return the newest version of a table, None if there is none."""
        return self.storage.newest_commit(f"{name}/_delta_log")


class Staging:
    """A folder for the intermediate results of one job.

    What several queries need is written here once: the embedded engine does not cache, and what it reads from a file it
    knows the size of, so that it joins in the right order.
    """

    def __init__(self, spark: SparkSession, storage: Storage, folder: str, kept: str) -> None:
        self._spark = spark
        self._storage = storage
        self._folder = folder
        self._kept = kept

    def keep(self, name: str, rows: DataFrame) -> DataFrame:
        """Write a frame, and return it as read back."""
        path = f"{self._storage.uri}/{self._folder}/{name}"
        _translated("staging rows", self._storage, lambda: rows.write.format(self._kept).mode("overwrite").save(path))
        read = self._spark.read.format(self._kept)
        # A Delta log tells the columns; of Parquet, engines would have to open a file to learn them.
        return (read if self._kept == "delta" else read.schema(rows.schema)).load(path)

    @contextmanager
    def parquet(self, name: str) -> Iterator[Path]:
        """Give a path on this machine for a Parquet file; after the body, `read_parquet` has it."""
        with self._storage.incoming(f"{self._folder}/{name}") as path:
            yield path

    def read_parquet(self, name: str) -> DataFrame:
        """Return what the body of `parquet` wrote."""
        return self._spark.read.parquet(f"{self._storage.uri}/{self._folder}/{name}")


def _typed(table: Table) -> list[Column]:
    """Return the columns of a table, each of its declared type."""
    # Nested ones have to come as declared: Sail's cast changes even an equal type.
    return [
        F.col(name) if kind.startswith("array") else F.col(name).cast(kind).alias(name)
        for name, kind in table.columns.items()
    ]


def _flat(table: Table) -> dict[str, Any]:
    """Return the columns of a table without nested ones, as Spark's JSON of a schema."""
    names = {"bigint": "long", "int": "integer"}
    plain = {"nullable": True, "metadata": {}}
    fields = [{"name": name, "type": names.get(kind, kind), **plain} for name, kind in table.columns.items()]
    return {"type": "struct", "fields": fields}


def _nullable(schema: Any) -> Any:
    """Return a schema, as Spark's JSON has it, in which every field and element may be null, and none has metadata."""
    if isinstance(schema, list):
        return [_nullable(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    # Metadata, which createDataFrame gives to nested fields, Sail would insist on from every frame after.
    loose = {"nullable": True, "containsNull": True, "metadata": {}}
    return {name: loose.get(name, _nullable(value)) for name, value in schema.items()}


def _rows(actions: Any, columns: list[str]) -> list[dict[str, Any]]:
    """Return some columns of the table of files, a dictionary for each file; a column that is not there is left out."""
    known = [column for column in columns if column in actions.column_names]
    names = [column.split(".", 1)[1] for column in known]
    rows = zip(*(actions.column(column).to_pylist() for column in known), strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows] if known else [{}] * actions.num_rows


def _patiently(table: str, storage: Storage, write: Callable[[], None]) -> None:
    """Write; after a lost race for the next version try again, with growing, jittered pauses."""
    for attempt in range(1, MOST_TRIES + 1):
        try:
            return _translated(f"writing {table}", storage, write)
        except CommitConflict:
            if attempt == MOST_TRIES:
                raise CommitConflict(table, attempt) from None
            # Jitter need not be unpredictable, only different between writers.
            time.sleep(FIRST_PAUSE_SECONDS * 2**attempt * random.random())  # nosec B311 # spreads writers out, guards nothing


def _translated(doing: str, storage: Storage, work: Callable[[], Answer]) -> Answer:
    """Do work of the engine, or of what writes Delta without one; its errors become ours."""
    try:
        return work()
    except (PySparkException, DeltaError, OSError) as problem:
        said = str(problem)
        if any(sign in said.lower() for sign in NO_SPACE):
            raise LakeFull(storage.uri) from problem
        if any(sign in said.lower() for sign in LOST_RACE):
            raise CommitConflict(doing, 1) from problem
        # Where the storage is to blame, its own error says so better.
        storage.check()
        raise EngineFailed(doing, said) from problem
