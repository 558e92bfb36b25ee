"""Commits: change a table in one Delta commit, and read the commits of a Delta log.

The files of a commit are written before it, by an engine; the commit only names them. It becomes the version right after
the one it was prepared for, or it fails: no commit is retried on top of another writer's. Each says which run made it, so
that commits of a run that was never logged can be recognised.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Schema, write_deltalake
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from shipment_etl.errors import CommitConflict, EngineFailed, LakeFull, StorageError
from shipment_etl.lake.storage import Storage
from shipment_etl.lake.tables import Table

__all__ = [
    "Commit",
    "DataFile",
    "commit_files",
    "describe_file",
    "describe_footer",
    "mark",
    "read_commit",
    "reason_of",
    "translate_errors",
]

MARK, LAKE_MARK = "shipment_etl.run", "shipment_etl.lake"
"""Keys in a commit's metadata: the run that made it, and the identity of its lake."""
Answer = TypeVar("Answer")
GRPC_DETAILS = re.compile(r'^\s*details = "(.*)"\n\s*debug_error_string', re.MULTILINE | re.DOTALL)
CONFLICT = ("failed to commit transaction", "concurrent", "conflict", "missing commit file", "already exists")
NO_SPACE = ("no space left", "os error 28", "disk quota", "os error 122", "file too large", "os error 27")


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of a table.

    Attributes:
        path: within the table's folder.
        partition: values of the partition columns.
        rows: number of rows; None if the log does not have it.
        size: in bytes.
        least, most: minimum and maximum of the columns that have ranges, if known.
    """

    path: str
    partition: Mapping[str, Any]
    rows: int | None
    size: int
    least: Mapping[str, Any] = field(default_factory=dict)
    most: Mapping[str, Any] = field(default_factory=dict)

    @property
    def partition_texts(self) -> dict[str, str]:
        """The values of the partition columns as texts, as they are in paths and in a log."""
        return {name: str(value) for name, value in self.partition.items()}


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of a Delta log: our run that made it, files added and removed, whether rows changed, and the run's lake.

    `lake` is None if another program made it, or an earlier release, or the first run before the lake had a log.
    """

    run: str | None
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changes_rows: bool
    lake: str | None


def describe_file(storage: Storage, table: Table, path: str, size: int, partition: Mapping[str, str]) -> DataFile:
    """Describe a Parquet file from its footer, for the log of a table."""
    with storage.open(f"{table.name}/{path}") as opened:
        return describe_footer(pq.read_metadata(opened), table, path, size, partition)


def describe_footer(footer: pq.FileMetaData, table: Table, path: str, size: int, partition: Mapping[str, str]) -> DataFile:
    """Describe a file from its footer, as `describe_file` does."""
    places = {footer.schema.column(at).name: at for at in range(footer.num_columns)}
    least, most = {}, {}
    for name in table.ranges:
        groups = [footer.row_group(at).column(places[name]).statistics for at in range(footer.num_row_groups)]
        if groups and all(each is not None and each.has_min_max for each in groups):
            least[name], most[name] = min(each.min for each in groups), max(each.max for each in groups)
    return DataFile(path, partition, footer.num_rows, size, least, most)


def commit_files(
    storage: Storage,
    table: Table,
    schema: Schema,
    *,
    known: DeltaTable | None,
    add: Sequence[DataFile],
    remove: Sequence[DataFile],
    run: str,
    lake: str | None,
) -> int:
    """Commit files to a table, and return its new version. Arguments and errors are those of `Lake.commit`.

    Instead of a version, `known` is the table at the version that the commit follows; the commit moves it to the next one.
    `lake` is the identity of the lake.
    """
    properties = mark(run, lake)
    now = int(time.time() * 1000)
    adds = [AddAction(each.path, each.size, _texts(each.partition), now, True, _statistics(each)) for each in add]
    removes = [RemoveAction(each.path, True, now, each.size, _texts(each.partition)) for each in remove]
    location = f"{storage.uri}/{table.name}"
    if known is not None and _change_layout(storage, table, schema, known, remove, properties):
        removes = []
    elif known is not None:
        _add_columns(storage, table, schema, known, properties)
        _add_properties(storage, table, known, properties)
    target = 0 if known is None else known.version() + 1

    def make() -> None:
        if known is None:
            create_table_with_add_actions(
                location,
                schema,
                adds,
                partition_by=list(table.partitions),
                configuration=table.properties,
                storage_options=storage.options,
                commit_properties=properties,
            )
        else:
            known.create_write_transaction(
                [*adds, *removes], "append", known.schema(), list(table.partitions), commit_properties=properties
            )

    try:
        translate_errors(f"writing {table.name}", storage, make)
    except (CommitConflict, EngineFailed, StorageError) as problem:
        # The response to a commit can get lost: then it was made, or its retry is refused because of itself.
        made = read_commit(storage, table.name, target)
        if made is None or made.run != run or set(made.added) != {each.path for each in add}:
            if isinstance(problem, CommitConflict):
                raise CommitConflict(table.name, 1) from None
            raise
    return target


def _change_layout(
    storage: Storage,
    table: Table,
    schema: Schema,
    known: DeltaTable,
    remove: Sequence[DataFile],
    properties: CommitProperties,
) -> bool:
    """Empty a table that has the layout of an earlier release, in a separate commit; return whether this was needed.

    Only if all its files are replaced: other tables keep their columns.
    """
    same_columns = _columns(known.schema()) == _columns(schema)
    if same_columns and known.metadata().partition_columns == list(table.partitions):
        return False
    if {each.path for each in remove} != set(known.get_add_actions(flatten=True).column("path").to_pylist()):
        return False
    empty = pa.schema(schema.to_arrow()).empty_table()
    translate_errors(
        f"changing the layout of {table.name}",
        storage,
        lambda: write_deltalake(
            known,
            empty,
            mode="overwrite",
            schema_mode="overwrite",
            partition_by=list(table.partitions),
            commit_properties=properties,
        ),
    )
    return True


def _add_columns(storage: Storage, table: Table, schema: Schema, known: DeltaTable, properties: CommitProperties) -> None:
    """Add the columns that a table of an earlier release lacks, in a separate commit.

    Existing rows have nulls in them.
    """
    names = _columns(known.schema()).keys()
    missing = [each for each in schema.fields if each.name not in names]
    if missing:
        translate_errors(
            f"adding columns to {table.name}",
            storage,
            lambda: known.alter.add_columns(missing, commit_properties=properties),
        )


def _add_properties(storage: Storage, table: Table, known: DeltaTable, properties: CommitProperties) -> None:
    """Add the properties that a table of an earlier release lacks, in a separate commit."""
    missing = {name: value for name, value in table.properties.items() if name not in known.metadata().configuration}
    if missing:
        translate_errors(
            f"setting properties of {table.name}",
            storage,
            lambda: known.alter.set_table_properties(missing, commit_properties=properties),
        )


def _columns(schema: Schema) -> dict[str, str]:
    return {each.name: str(each.type) for each in schema.fields}


def mark(run: str, lake: str | None) -> CommitProperties:
    """Return the properties of a commit of a run: it names the run and the lake, and is not retried."""
    marks = {MARK: run} if lake is None else {MARK: run, LAKE_MARK: lake}
    return CommitProperties(custom_metadata=marks, max_commit_retries=0)


def read_commit(storage: Storage, table: str, version: int) -> Commit | None:
    """Return a commit, None if it is not in the log."""
    content = storage.read(f"{table}/_delta_log/{version:020}.json")
    if content is None:
        return None
    run, lake, changes = None, None, False
    files: dict[str, list[str]] = {"add": [], "remove": []}
    for kind, action in _actions(content):
        if kind == "commitInfo":
            run, lake = action.get(MARK), action.get(LAKE_MARK)
        elif kind in files:
            # If a writer leaves dataChange out, assume that rows changed.
            changes = changes or bool(action.get("dataChange", True))
            files[kind].append(str(action["path"]))
    return Commit(run, tuple(files["add"]), tuple(files["remove"]), changes, lake)


def translate_errors(doing: str, storage: Storage, work: Callable[[], Answer]) -> Answer:
    """Run work of the engine, or of the library that writes Delta without one; its errors become ours."""
    try:
        return work()
    except (PySparkException, Py4JError, DeltaError, pa.ArrowException, OSError) as problem:
        text = reason_of(problem).replace(storage.engine_uri, storage.uri)
        if any(sign in text.lower() for sign in NO_SPACE):
            raise LakeFull(storage.uri) from problem
        if isinstance(problem, DeltaError) and any(sign in text.lower() for sign in CONFLICT):
            raise CommitConflict(doing, 1) from problem
        # If the storage is the cause, its own error explains it better.
        storage.check()
        raise storage.failure_in(text) or EngineFailed(doing, text) from problem


def reason_of(problem: Exception) -> str:
    """Return an engine's reason for a failure, without what the bridge to Java, or gRPC, puts before it."""
    text = str(problem)
    if details := GRPC_DETAILS.search(text):
        return details[1]
    return text.partition("\n: ")[2] or text


def _actions(content: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    for line in content.splitlines():
        if line.strip():
            yield from json.loads(line).items()


def _texts(partition: Mapping[str, Any]) -> dict[str, str | None]:
    return {name: None if value is None else str(value) for name, value in partition.items()}


def _statistics(file: DataFile) -> str:
    told: dict[str, Any] = {"numRecords": file.rows}
    if file.least:
        told |= {
            "minValues": {name: str(value) for name, value in file.least.items()},
            "maxValues": {name: str(value) for name, value in file.most.items()},
            "nullCount": dict.fromkeys(file.least, 0),
        }
    return json.dumps(told)
