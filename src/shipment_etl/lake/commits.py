"""Commits: what changes in a table, as one Delta commit, and what commits of a log say.

The files of a commit are written before it, by an engine; the commit only names them. It becomes the version right after
the one it was prepared for, or it fails: no commit is tried again on top of somebody else's. Each says which run made it, so
that the commits of a run that was never logged can be told from all others.
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

MARK = "shipment_etl.run"
"""In the commit's metadata: the run that made it."""
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
        rows: how many; None where the log does not say.
        size: bytes.
        least, most: least and most values of the columns that have ranges, as far as they are known.
    """

    path: str
    partition: Mapping[str, Any]
    rows: int | None
    size: int
    least: Mapping[str, Any] = field(default_factory=dict)
    most: Mapping[str, Any] = field(default_factory=dict)

    @property
    def partition_texts(self) -> dict[str, str]:
        """The values of the partition columns as texts, which they are in paths and in a log."""
        return {name: str(value) for name, value in self.partition.items()}


@dataclass(frozen=True, slots=True)
class Commit:
    """What a commit of a Delta log says: the run of ours that made it, files that came and went, whether rows changed."""

    run: str | None
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changes_rows: bool


def describe_file(storage: Storage, table: Table, path: str, size: int, partition: Mapping[str, str]) -> DataFile:
    """Return what the footer of a Parquet file says, for the log of a table."""
    with storage.open(f"{table.name}/{path}") as opened:
        return describe_footer(pq.read_metadata(opened), table, path, size, partition)


def describe_footer(footer: pq.FileMetaData, table: Table, path: str, size: int, partition: Mapping[str, str]) -> DataFile:
    """Return what a footer says, as `describe_file` does."""
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
) -> int:
    """Commit files to a table, and return the version that it has now. Arguments and errors are those of `Lake.commit`.

    In place of a version, `known` is the table at the version that the commit follows; the commit moves it to the next one.
    """
    now = int(time.time() * 1000)
    adds = [AddAction(each.path, each.size, _texts(each.partition), now, True, _statistics(each)) for each in add]
    removes = [RemoveAction(each.path, True, now, each.size, _texts(each.partition)) for each in remove]
    location = f"{storage.uri}/{table.name}"
    if known is not None and _lay_out_anew(storage, table, schema, known, remove, run):
        removes = []
    elif known is not None:
        _add_columns(storage, table, schema, known, run)
        _add_properties(storage, table, known, run)
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
                commit_properties=mark(run),
            )
        else:
            known.create_write_transaction(
                [*adds, *removes], "append", known.schema(), list(table.partitions), commit_properties=mark(run)
            )

    try:
        translate_errors(f"writing {table.name}", storage, make)
    except (CommitConflict, EngineFailed, StorageError) as problem:
        # The answer to a commit can get lost: it was made, or its repetition is refused for what it made itself.
        made = read_commit(storage, table.name, target)
        if made is None or made.run != run or set(made.added) != {each.path for each in add}:
            if isinstance(problem, CommitConflict):
                raise CommitConflict(table.name, 1) from None
            raise
    return target


def _lay_out_anew(
    storage: Storage, table: Table, schema: Schema, known: DeltaTable, remove: Sequence[DataFile], run: str
) -> bool:
    """Empty a table that an earlier release laid out otherwise, in a commit of its own; return whether it had to be.

    Only where all its files are replaced: others keep the columns that they have.
    """
    same_columns = _columns(known.schema()) == _columns(schema)
    if same_columns and known.metadata().partition_columns == list(table.partitions):
        return False
    if {each.path for each in remove} != set(known.get_add_actions(flatten=True).column("path").to_pylist()):
        return False
    empty = pa.schema(schema.to_arrow()).empty_table()
    translate_errors(
        f"laying out {table.name} anew",
        storage,
        lambda: write_deltalake(
            known,
            empty,
            mode="overwrite",
            schema_mode="overwrite",
            partition_by=list(table.partitions),
            commit_properties=mark(run),
        ),
    )
    return True


def _add_columns(storage: Storage, table: Table, schema: Schema, known: DeltaTable, run: str) -> None:
    """Give a table of an earlier release the columns that it lacks, in a commit of its own.

    Rows that are there have nulls in them.
    """
    names = _columns(known.schema()).keys()
    missing = [each for each in schema.fields if each.name not in names]
    if missing:
        translate_errors(
            f"adding columns to {table.name}",
            storage,
            lambda: known.alter.add_columns(missing, commit_properties=mark(run)),
        )


def _add_properties(storage: Storage, table: Table, known: DeltaTable, run: str) -> None:
    """Give a table of an earlier release the properties that it lacks, in a commit of its own."""
    missing = {name: value for name, value in table.properties.items() if name not in known.metadata().configuration}
    if missing:
        translate_errors(
            f"setting properties of {table.name}",
            storage,
            lambda: known.alter.set_table_properties(missing, commit_properties=mark(run)),
        )


def _columns(schema: Schema) -> dict[str, str]:
    return {each.name: str(each.type) for each in schema.fields}


def mark(run: str) -> CommitProperties:
    """Return the properties of a commit of a run, which is tried once."""
    return CommitProperties(custom_metadata={MARK: run}, max_commit_retries=0)


def read_commit(storage: Storage, table: str, version: int) -> Commit | None:
    """Return what a commit says, None if it is not in the log."""
    content = storage.read(f"{table}/_delta_log/{version:020}.json")
    if content is None:
        return None
    run, changes = None, False
    files: dict[str, list[str]] = {"add": [], "remove": []}
    for kind, action in _actions(content):
        if kind == "commitInfo":
            run = action.get(MARK)
        elif kind in files:
            # A writer that leaves the word out has changed rows, for all we know.
            changes = changes or bool(action.get("dataChange", True))
            files[kind].append(str(action["path"]))
    return Commit(run, tuple(files["add"]), tuple(files["remove"]), changes)


def translate_errors(doing: str, storage: Storage, work: Callable[[], Answer]) -> Answer:
    """Do work of the engine, or of what writes Delta without one; its errors become ours."""
    try:
        return work()
    except (PySparkException, Py4JError, DeltaError, pa.ArrowException, OSError) as problem:
        text = reason_of(problem)
        if any(sign in text.lower() for sign in NO_SPACE):
            raise LakeFull(storage.uri) from problem
        if isinstance(problem, DeltaError) and any(sign in text.lower() for sign in CONFLICT):
            raise CommitConflict(doing, 1) from problem
        # Where the storage is to blame, its own error says so better.
        storage.check()
        raise storage.failure_in(text) or EngineFailed(doing, text) from problem


def reason_of(problem: Exception) -> str:
    """Return what an engine says of a failure. Java's bridge says first which call of its own failed, gRPC that one did."""
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
