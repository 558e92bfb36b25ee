"""Views: a snapshot of a lake as SQL for DuckDB, on the files of its versions, without the Delta extension."""

from collections.abc import Mapping
from typing import Any

from shipment_etl.lake.commits import DataFile
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.snapshot import Snapshot
from shipment_etl.lake.tables import RUNS

__all__ = ["views_of"]

TYPES = {
    "string": "VARCHAR",
    "byte": "TINYINT",
    "short": "SMALLINT",
    "integer": "INTEGER",
    "long": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "binary": "BLOB",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
    "timestamp_ntz": "TIMESTAMP",
}
"""Type of Delta → type of DuckDB; decimals have the same name in both."""


def views_of(snapshot: Snapshot) -> str:
    """Return SQL that creates a view of each table of a snapshot, such as processed.shipments, and of the log of runs.

    The views show these versions for as long as their files exist: until `maintain` deletes files that are older than its
    retention.

    Raises:
        NotPlainParquet: a table uses features of Delta that make its files hold other rows than the table.
        LakeMissing, TableMissing, VersionMissing: a table no longer exists in its version.
    """
    lake, tables = snapshot.lake, dict(snapshot.tables)
    if snapshot.runs is not None:
        tables[RUNS.name] = snapshot.runs
    statements = [f"-- The lake {' '.join(lake.uri.split())}, as its newest run left it."]
    statements += [f"CREATE SCHEMA IF NOT EXISTS {_name(each)};" for each in sorted({_split(name)[0] for name in tables})]
    statements += [_view(lake, name, version) for name, version in sorted(tables.items())]
    return "\n".join(statements) + "\n"


def _view(lake: Lake, name: str, version: int) -> str:
    lake.require_plain(name, version)
    table = lake.delta(name, version)
    fields = {field.name: _type(field.type) for field in table.schema().fields}
    by_partition: dict[tuple[tuple[str, Any], ...], list[DataFile]] = {}
    for file in lake.files(name, version):
        by_partition.setdefault(tuple(sorted(file.partition.items())), []).append(file)
    parts = [
        _select(lake.location(name), fields, dict(values), files) for values, files in sorted(by_partition.items(), key=str)
    ]
    if not parts:
        parts = [
            f"SELECT {', '.join(f'CAST(NULL AS {kind}) AS {_name(each)}' for each, kind in fields.items())} WHERE false"
        ]
    schema, view = _split(name)
    body = "\nUNION ALL ".join(parts)
    return f"CREATE OR REPLACE VIEW {_name(schema)}.{_name(view)} AS -- version {version}\n{body};"


def _select(place: str, fields: Mapping[str, str], values: Mapping[str, Any], files: list[DataFile]) -> str:
    """Return SQL that reads the files of one partition, whose values are only in the log."""
    columns = (
        f"CAST({_literal(values[name])} AS {kind}) AS {_name(name)}" if name in values else _name(name)
        for name, kind in fields.items()
    )
    paths = ", ".join(sorted(_literal(f"{place}/{file.path}") for file in files))
    reader = f"read_parquet([{paths}], union_by_name = true, hive_partitioning = false)"
    return f"SELECT {', '.join(columns)} FROM {reader}"  # nosec B608 # names and addresses are quoted above


def _type(kind: Any) -> str:
    if kind.type == "array":
        return f"{_type(kind.element_type)}[]"
    if kind.type == "map":
        return f"MAP({_type(kind.key_type)}, {_type(kind.value_type)})"
    if kind.type == "struct":
        return f"STRUCT({', '.join(f'{_name(field.name)} {_type(field.type)}' for field in kind.fields)})"
    return TYPES.get(kind.type, str(kind.type).upper())


def _split(name: str) -> tuple[str, str]:
    schema, _, view = name.partition("/")
    return schema, view


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: object) -> str:
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"
