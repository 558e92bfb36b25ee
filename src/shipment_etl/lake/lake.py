"""The lake: Delta tables in a folder or on S3. Every read and write of the package goes through here.

An engine reads and writes Parquet files. The Delta log says which files a table consists of; it is read and written without
an engine (`lake.commits`).
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from deltalake import DeltaTable, Schema
from deltalake.exceptions import DeltaError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from shipment_etl.errors import (
    HasDeletionVectors,
    LakeError,
    LakeMissing,
    NotADeltaTable,
    NotPlainParquet,
    TableMissing,
    VersionMissing,
)
from shipment_etl.lake.commits import DataFile, commit_files, describe_file, describe_footer, translate_errors
from shipment_etl.lake.staging import Staging
from shipment_etl.lake.storage import STAGING, storage_of
from shipment_etl.lake.tables import RUNS, Table
from shipment_etl.lake.written import Written, cast_columns, read_parquet, repeats, typed_columns, whole_schema

if TYPE_CHECKING:
    from shipment_etl.lake.snapshot import Snapshot

__all__ = ["DataFile", "Lake", "LakeAddress", "Staging", "Written", "as_lake"]


MAX_ROWS_ON_ONE_THREAD = 100_000
LAYERS = ("processed", "raw", "truth")
"""Folders of tables."""
DELETION_VECTORS = "deletionVectors"
"""The feature of Delta by which a file also holds rows that were deleted. Removing such a file has to name its vector."""
PLAIN_READER_VERSION = 1
"""Newest reader version of Delta's protocol in which the files of a table hold exactly its rows."""
LakeAddress = Union["Lake", str, Path]
"""A lake, or where it is."""


def as_lake(lake: LakeAddress) -> "Lake":
    """Return the lake at an address; a lake is returned as it is."""
    return lake if isinstance(lake, Lake) else Lake(lake)


class Lake:
    r"""Delta tables in one place; nothing is read or created until a table is.

    Args:
        uri: a folder, or s3://bucket/prefix. A prefix may only contain letters, digits and . _ ~ - /; the path of a folder
            may not contain control characters, * ? [ ] { } \, and codes such as %20. Keys, region and endpoint of S3 come
            from the environment, or from the profile that it names.
        wait: seconds that a job waits for another job that is writing to the lake.

    Raises:
        InvalidValue: the path contains other characters.
        ExtraMissing: S3 needs a package that is not installed.
    """

    def __init__(self, uri: str | Path, *, wait: float = 0.0) -> None:
        self.storage = storage_of(uri)
        self.uri = self.storage.uri
        self.wait = wait
        self._opened: dict[tuple[str, int | None], DeltaTable] | None = None
        self._identity: str | None = None

    def __repr__(self) -> str:
        return f"Lake({self.uri!r})"

    def location(self, name: str) -> str:
        """Return the address of a table."""
        return f"{self.uri}/{name}"

    def _engine_location(self, name: str) -> str:
        """Return the address of a table for engines."""
        return f"{self.storage.engine_uri}/{name}"

    def exists(self) -> bool:
        """Whether there is anything at the lake's address.

        Raises:
            StorageError: the storage cannot be read; every method that reads the lake can raise this.
        """
        return self.storage.exists()

    def snapshot(self, run: str | None = None) -> "Snapshot":
        """Return the versions of all tables that belong together, as a run left them.

        Args:
            run: id of the run, or the beginning of it; the newest run if None.

        Raises:
            LakeMissing: there is no lake.
            RunMissing: there is no such run, or it did not record which versions it left.
        """
        from shipment_etl.lake.snapshot import snapshot_of

        return snapshot_of(self, run)

    def tables(self) -> list[str]:
        """Return the names of all tables, such as raw/shipments.

        Raises:
            LakeMissing: there is no lake.
        """
        if not self.exists():
            raise LakeMissing(self.uri)
        # Other folders are not ours: backups, lost+found at a mount point.
        return sorted(name for layer in LAYERS for name in self.storage.folders(layer) if self.has(name))

    def has(self, name: str) -> bool:
        """Whether the lake has a table of this name."""
        return self._newest(name) is not None

    def read(self, spark: SparkSession, name: str, version: int | None = None) -> DataFrame:
        """Return a version of a table, the newest if None.

        Raises:
            LakeMissing, TableMissing, NotADeltaTable: there is none.
        """
        self._require(name)
        reader = spark.read.format("delta")
        return (reader if version is None else reader.option("versionAsOf", version)).load(self._engine_location(name))

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
            ranges: columns whose minimum and maximum are returned.

        Raises:
            LakeMissing, TableMissing, NotADeltaTable: there is none.
            VersionMissing: the log does not reach back to that version.
        """
        actions = self.delta(name, version).get_add_actions(flatten=True)
        partitions = [each for each in actions.column_names if each.startswith("partition.")]
        parts = [_rows(actions, names) for names in (partitions, [f"min.{e}" for e in ranges], [f"max.{e}" for e in ranges])]
        known = (actions.column(each).to_pylist() for each in ("path", "num_records", "size_bytes"))
        return [
            DataFile(path, partition, rows, size, least, most)
            for path, rows, size, partition, least, most in zip(*known, *parts, strict=True)
        ]

    def delta(self, name: str, version: int | None = None) -> DeltaTable:
        """Open a table without an engine, at a version, the newest if None. Errors as for `files`."""
        if self._opened and (name, version) in self._opened:
            return self._opened[name, version]
        self._require(name)
        with self.storage.translate_failures():
            try:
                table = DeltaTable(self.location(name), version=version, storage_options=self.storage.options)
            except DeltaError as problem:
                if version is None:
                    raise
                raise VersionMissing(name, version) from problem
        if self._opened is not None and version is not None:
            self._opened[name, version] = table
        return table

    @contextmanager
    def keep_open(self) -> Iterator[None]:
        """Open each version of a table only once in the body: opening one reads its log. Only while holding the lock."""
        self._opened, self._identity = {}, None
        try:
            yield
        finally:
            self._opened, self._identity = None, None

    def identity(self) -> str | None:
        """Return the id of the log of runs, which tells this lake from others; None if there is no log yet."""
        if self._identity is not None:
            return self._identity
        found = str(self.delta(RUNS.name).metadata().id) if self.has(RUNS.name) else None
        if self._opened is not None:
            self._identity = found
        return found

    def dataset(self, name: str, version: int | None = None) -> pads.Dataset:
        """Return a version of a table, the newest if None, as a dataset of pyarrow. Errors as for `files`."""
        # With a file system of pyarrow's own: threads that still read ahead through one made in Python abort the whole
        # process when it ends.
        files = pafs.SubTreeFileSystem(name, self.storage.files)
        return self.delta(name, version).to_pyarrow_dataset(filesystem=files)

    def partitions(self, name: str) -> list[str]:
        """Return the columns that a table is partitioned by. Errors as for `version`."""
        return self.delta(name).metadata().partition_columns

    def content(
        self,
        name: str,
        path: str,
        columns: Sequence[str] | None = None,
        *,
        encoded: Callable[[pa.Field], bool] | None = None,
    ) -> pa.Table:
        """Return the rows of one file of a table, without its partitions.

        Args:
            name: name of the table.
            path: path of the file.
            columns: columns to return, some of which the file may lack; all if None.
            encoded: selects the text columns to return as dictionaries. If a text `repeats`, reading and writing it takes
                half the time, and a long text of many rows is in memory only once.
        """
        with self.storage.open(f"{name}/{path}") as opened:
            file = pq.ParquetFile(opened)
            schema = file.schema_arrow
            if encoded:
                texts = [each.name for each in schema if pa.types.is_string(each.type) and encoded(each)]
                file = pq.ParquetFile(opened, metadata=file.metadata, read_dictionary=texts)
            names = schema.names if columns is None else [each for each in columns if each in schema.names]
            # Jobs read many small files at a time, each on its own thread; more threads would only wait for one another.
            return file.read(names, use_threads=file.metadata.num_rows > MAX_ROWS_ON_ONE_THREAD)

    def is_plain(self, name: str, version: int) -> bool:
        """Whether the files of a table hold exactly its rows: no deletion vectors, no columns with other names."""
        return self._reader_version(name, version) <= PLAIN_READER_VERSION

    def require_plain(self, name: str, version: int | None) -> None:
        """Raise NotPlainParquet if the files of a table do not hold exactly its rows."""
        if (needed := self._reader_version(name, version)) > PLAIN_READER_VERSION:
            raise NotPlainParquet(name, needed)

    def _reader_version(self, name: str, version: int | None) -> int:
        return int(self.delta(name, version).protocol().min_reader_version)

    def schema(self, name: str, version: int) -> StructType:
        """Return the columns of a version of a table that its files hold: all but the partitions."""
        table = self.delta(name, version)
        partitions = table.metadata().partition_columns
        fields = json.loads(table.schema().to_json())["fields"]
        return StructType.fromJson({"type": "struct", "fields": [each for each in fields if each["name"] not in partitions]})

    def read_files(self, spark: SparkSession, name: str, files: Sequence[DataFile], schema: StructType) -> DataFrame:
        """Return the rows of some files of a table, without its partitions; `schema` has their columns."""
        return read_parquet(spark, {f"{self._engine_location(name)}/{each.path}": each.size for each in files}, schema)

    def write_files(
        self, table: Table, rows: DataFrame, folder: str, split: Sequence[str] = (), beside: Sequence[str] = ()
    ) -> Written:
        """Write a frame as Parquet files into a folder of a table; they only belong to it once they are committed.

        Args:
            table: declares the columns; those that the frame lacks are partitions, and not in the files.
            rows: the frame.
            folder: within the table's.
            split: columns of the frame to partition by.
            beside: more columns of the frame to write, which the table does not have.

        Raises:
            NotADeltaTable: something else is in the table's folder.
            LakeFull, StorageError, EngineFailed: they could not be written.
        """
        if not self.has(table.name) and self._is_foreign(table.name):
            raise NotADeltaTable(table.name, self.location(table.name))
        # The frame's schema only if needed: an engine plans the whole frame for it.
        columns, schema = typed_columns(table, table.schema or rows.schema, beside)
        place = f"{table.name}/{folder}"

        def write() -> None:
            writer = rows.select(*columns).write.mode("overwrite").option("compression", "snappy")
            (writer.partitionBy(*split) if split else writer).parquet(f"{self.storage.engine_uri}/{place}")

        translate_errors(f"writing {table.name}", self.storage, write)
        files = [
            describe_file(self.storage, table, f"{folder}/{path}", size, _partition_of(path))
            for path, size in sorted(self.storage.sizes(place).items())
            if path.endswith(".parquet")
        ]
        own = StructType([each for each in schema.fields if each.name not in split])
        return Written(tuple(each for each in files if each.rows), own, whole_schema(table, schema))

    def write_table(
        self,
        table: Table,
        parts: Iterable[pa.Table],
        schema: Schema,
        path: str,
        partition: Mapping[str, str] | None = None,
    ) -> DataFile:
        """Write rows as one Parquet file of a table, without an engine. Errors as for `write_files`.

        Args:
            table: the table.
            parts: rows with all its columns but the partitions.
            schema: all columns of the table.
            path: of the file, within the table's folder.
            partition: values of the partitions.
        """
        partition = partition or {}
        types = pa.schema(schema.to_arrow())
        typed = pa.schema([types.field(name) for name in table.columns if name not in partition])
        rows = pa.concat_tables(cast_columns(part, typed) for part in parts)
        place = f"{table.name}/{path}"

        footers: list[pq.FileMetaData] = []

        def write() -> int:
            with self.storage.create_file(place) as target:
                pq.write_table(
                    rows,
                    target,
                    # Both together double the time to write, and are of no use for other columns.
                    use_dictionary=[each.name for each in rows.schema if repeats(each)],
                    write_statistics=list(table.ranges),
                    # Without Arrow's own schema, which makes readers take encoded text for another type.
                    store_schema=False,
                    metadata_collector=footers,
                )
                return target.stat().st_size

        size = translate_errors(f"writing {table.name}", self.storage, write)
        return describe_footer(footers[0], table, path, size, partition)

    def commit(
        self,
        table: Table,
        schema: Schema,
        *,
        version: int | None,
        add: Sequence[DataFile],
        remove: Sequence[DataFile],
        run: str,
    ) -> int:
        """Commit files to a table, and return its new version.

        Args:
            table: the table to commit to.
            schema: its columns, if the commit creates it.
            version: the version that the commit follows; None to create the table.
            add: files in the table's folder.
            remove: files of that version.
            run: id of the run that commits.

        Raises:
            CommitConflict: another writer has changed the table since that version; its changes stay.
            HasDeletionVectors: files are to be removed that may have deletion vectors.
            LakeFull, StorageError, EngineFailed: it could not be committed; the table is as it was.
        """
        known = None
        if version is not None:
            known = translate_errors(f"reading {table.name}", self.storage, lambda: self.delta(table.name, version))
            if remove and DELETION_VECTORS in (known.protocol().reader_features or ()):
                raise HasDeletionVectors(table.name, self.location(table.name))
        if self._opened:
            # A commit moves the open table to the next version.
            self._opened.pop((table.name, version), None)
        return commit_files(self.storage, table, schema, known=known, add=add, remove=remove, run=run, lake=self.identity())

    def write_text(self, name: str, text: str) -> None:
        """Write a file beside the tables, such as _reports/RUN_ID.json."""
        self.storage.write(name, text.encode())

    @contextmanager
    def staging(self, spark: SparkSession, name: str) -> Iterator[Staging]:
        """Open a folder for the intermediate results of one job, emptied before and after."""
        folder = f"{STAGING}/{name}"
        self.storage.make_empty(folder)
        try:
            yield Staging(spark, self.storage, folder)
        finally:
            self.storage.delete(folder)
            if not self.storage.folders(STAGING):
                self.storage.delete(STAGING)

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
        """Whether something else is in the folder of a table; files of runs that were not logged do not matter."""
        kind = self.storage.kind(name)
        if kind != pafs.FileType.Directory:
            return bool(kind != pafs.FileType.NotFound)
        return any(not path.startswith(("_delta_log/", RUN_FOLDER)) for path in self.storage.sizes(name))

    def _newest(self, name: str) -> int | None:
        """Return the newest version of a table, or None."""
        return self.storage.newest_commit(f"{name}/_delta_log")


RUN_FOLDER = "run-"
"""Prefix of the folders that runs write the files of a table into."""


def _partition_of(path: str) -> Mapping[str, str]:
    """Return the partition values in the folders of a path, such as month=2026-11/part-0.parquet."""
    return {name: unquote(value) for name, _, value in (part.partition("=") for part in path.split("/")[:-1])}


def _rows(actions: Any, columns: list[str]) -> list[dict[str, Any]]:
    """Return some columns of the table of files, a dictionary for each file; missing columns are left out."""
    known = [column for column in columns if column in actions.column_names]
    names = [column.split(".", 1)[1] for column in known]
    rows = zip(*(actions.column(column).to_pylist() for column in known), strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows] if known else [{}] * actions.num_rows
