"""Parquet: typed columns, landed as text; null stays null."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shipment_etl.errors import FileEmpty, FileUnreadable, listed
from shipment_etl.ingest.files import is_packed, open_bytes
from shipment_etl.ingest.mapping import Mapping
from shipment_etl.ingest.records import ROWS, record_batch

__all__ = ["parquet_batches"]


def parquet_batches(path: Path, mapping: Mapping) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a file as batches of records. Dates and timestamps are ISO 8601, numbers plain digits.

    Raises:
        FileEmpty: it has no rows.
        FileUnreadable: it is no Parquet file, or has two columns of one name.
        UnknownColumn: the mapping names a column that it lacks.
    """
    if is_packed(path):
        raise FileUnreadable(str(path), "it is a packed Parquet file", "Unpack it; Parquet is packed in itself.")
    with open_bytes(path, unpack=False) as data:
        try:
            with pq.ParquetFile(data) as file:
                _check(file, mapping, str(path))
                landed = 0
                for batch in file.iter_batches(ROWS):
                    yield _landed(batch, landed)
                    landed += len(batch)
        except (pa.ArrowException, OSError) as problem:
            why = f"it is not a Parquet file, or a damaged one ({problem})"
            raise FileUnreadable(
                str(path), why, "Fetch it again, or set its format under [file] in the mapping."
            ) from problem


def _check(file: pq.ParquetFile, mapping: Mapping, path: str) -> None:
    names = file.schema_arrow.names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FileUnreadable(path, f"it has more than one column {listed(twice)}", "Give each a name of its own.")
    mapping.check_columns(names, path)
    if file.metadata.num_rows == 0:
        raise FileEmpty(path, "it has columns, but no rows")


def _landed(batch: pa.RecordBatch, landed: int) -> pa.RecordBatch:
    rows, width = batch.num_rows, batch.num_columns
    columns = pa.concat_arrays([_texts(column) for column in batch.columns])
    # Columns one after the other become rows one after the other.
    items = columns.take(pa.array(np.arange(rows * width).reshape(width, rows).T.ravel()))
    keys = pa.array(batch.schema.names, pa.string()).take(pa.array(np.tile(np.arange(width), rows)))
    offsets = pa.array(np.arange(0, rows * width + 1, width, dtype=np.int32))
    return record_batch(landed, pa.MapArray.from_arrays(offsets, keys, items), pa.nulls(rows, pa.string()))


def _texts(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        texts = column.cast(pa.string())
        # 1e-05 is how a computer writes 0.00001; a mapping says how people do.
        if pc.any(pc.match_substring_regex(texts, "[eE]")).as_py():
            texts = pa.array([_plain(each) for each in texts.to_pylist()], pa.string())
        return texts
    if pa.types.is_timestamp(kind):
        texts = pc.replace_substring(column.cast(pa.string()), " ", "T")
        return pc.replace_substring_regex(texts, r"\.0+(Z?)$", r"\1")
    try:
        return column.cast(pa.string())
    except pa.ArrowException:
        return pa.array([None if each is None else _json(each) for each in column.to_pylist()], pa.string())


def _plain(text: str | None) -> str | None:
    return format(Decimal(text), "f") if text and "e" in text.lower() else text


def _json(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    return json.dumps(value, ensure_ascii=False, default=lambda each: each.hex() if isinstance(each, bytes) else str(each))
