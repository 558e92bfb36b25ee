"""Parquet files that engines write and read, without a Delta log: their columns, as engines and as Delta have them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
from deltalake import Schema
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from shipment_etl.lake.commits import DataFile
from shipment_etl.lake.tables import JSON_NAMES, PLAIN_FIELD, Table

__all__ = [
    "Written",
    "cast_columns",
    "empty_written",
    "is_text",
    "make_nullable",
    "read_parquet",
    "repeats",
    "typed_columns",
    "whole_schema",
]

MAX_BYTES_IN_ONE_PART = 16 << 20
"""Up to this size a frame is read as one partition: Spark need not shuffle it, which would be one more job."""


class Written:
    """Files that were written for a table, and are not committed yet.

    Attributes:
        files: those that have rows.
        own: the columns in them.
        schema: all columns of the table.
    """

    def __init__(self, files: tuple[DataFile, ...], own: StructType, schema: Schema) -> None:
        self.files = files
        self.own = own
        self.schema = schema

    @property
    def rows(self) -> int:
        """Number of rows, from the footers of the files."""
        return sum(each.rows or 0 for each in self.files)

    @property
    def arrow(self) -> pa.Schema:
        """All columns of the table, with Arrow types."""
        return pa.schema(self.schema.to_arrow())

    def with_files(self, files: Iterable[DataFile]) -> "Written":
        """Return the same columns, with other files."""
        return Written(tuple(files), self.own, self.schema)

    def part(self, **partition: str) -> "Written":
        """Return the files of one partition, as in `part(source="acme")`."""
        return self.with_files(each for each in self.files if partition.items() <= each.partition.items())

    def __add__(self, other: "Written") -> "Written":
        """Return the files of both, which have the same columns."""
        return self.with_files((*self.files, *other.files))


def empty_written(table: Table, columns: StructType) -> Written:
    """Return a `Written` without files, with some columns of a table; the others are partitions of plain types."""
    own = StructType.fromJson(make_nullable(columns.jsonValue()))
    return Written((), own, whole_schema(table, own))


def read_parquet(spark: SparkSession, sizes: Mapping[str, int], schema: StructType) -> DataFrame:
    """Return the rows of Parquet files: address → bytes. No file is opened before a query runs."""
    if not sizes:
        return spark.createDataFrame([], schema)
    # Given the schema, engines need not open a file to learn it.
    rows = spark.read.schema(schema).parquet(*sizes)
    return rows.coalesce(1) if sum(sizes.values()) <= MAX_BYTES_IN_ONE_PART else rows


def typed_columns(table: Table, given: StructType, beside: Sequence[str]) -> tuple[list[Column], StructType]:
    """Return the columns of a table that a frame has, with their declared types, those in `beside`, and their schema.

    The schema is computed here, because an engine has to plan the whole frame for it.
    """
    told = {name: kind for name, kind in table.columns.items() if name in given.names}
    # Nested columns must already have the declared type: Sail's cast changes even an equal type.
    plain = {name: kind for name, kind in told.items() if not kind.startswith("array")}
    columns = [F.col(name).cast(plain[name]).alias(name) if name in plain else F.col(name) for name in (*told, *beside)]
    types = {name: JSON_NAMES.get(kind, kind) for name, kind in plain.items()}
    fields = [{**given[name].jsonValue(), **({"type": types[name]} if name in types else {})} for name in (*told, *beside)]
    return columns, StructType.fromJson(make_nullable({"type": "struct", "fields": fields}))


def cast_columns(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Cast the columns of rows to the types of a schema; dictionaries stay, because Parquet stores them as they are."""
    columns = [
        column if column.type == each.type or pa.types.is_dictionary(column.type) else column.cast(each.type)
        for each, column in zip(schema, rows.select(schema.names).columns, strict=True)
    ]
    return pa.Table.from_arrays(columns, names=schema.names)


def is_text(field: pa.Field) -> bool:
    """Whether a column is text, for `Lake.content` to read all of it as dictionaries."""
    return bool(pa.types.is_string(field.type))


def repeats(field: pa.Field) -> bool:
    """Whether most values of a column repeat in a file, so that Parquet should store it as a dictionary."""
    kind = field.type
    few = (pa.types.is_string, pa.types.is_dictionary, pa.types.is_date, pa.types.is_int32)
    return field.name != "shipment_id" and any(is_such(kind) for is_such in few)


def whole_schema(table: Table, known: StructType) -> Schema:
    """Return all columns of a table; those that are not known are partitions of plain types."""
    fields = {each.name: each.jsonValue() for each in known.fields}
    every = [fields.get(name) or {"name": name, "type": kind, **PLAIN_FIELD} for name, kind in table.columns.items()]
    return Schema.from_json(json.dumps({"type": "struct", "fields": every}))


def make_nullable(schema: Any) -> Any:
    """Return a schema, as Spark's JSON has it, in which every field and element may be null, and none has metadata."""
    if isinstance(schema, list):
        return [make_nullable(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    loose = {"nullable": True, "containsNull": True, "metadata": {}}
    return {name: loose.get(name, make_nullable(value)) for name, value in schema.items()}
