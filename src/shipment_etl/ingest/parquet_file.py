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

from shipment_etl.errors import FileEmpty, FileUnreadable, RecordTooLarge, TooManyFields, listed
from shipment_etl.ingest.files import is_packed, open_bytes
from shipment_etl.ingest.limits import (
    MAX_BATCH_BYTES,
    MAX_BATCH_ROWS,
    MAX_BATCH_VALUES,
    MAX_FIELDS,
    MAX_RECORD_BYTES,
)
from shipment_etl.ingest.mapping import Mapping
from shipment_etl.ingest.records import record_batch

__all__ = ["parquet_batches"]

TEXTS = ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")
OTHER_LAYOUT = "Write the file with other column names or types, or as CSV."


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
            with _opened(data) as file:
                _check(file, mapping, str(path))
                landed = 0
                for batch in _batches(file, str(path)):
                    yield _landed(batch, landed)
                    landed += len(batch)
        except UnicodeDecodeError as problem:
            raise FileUnreadable(str(path), "the name of a column is not UTF-8", OTHER_LAYOUT) from problem
        except (pa.ArrowException, OSError) as problem:
            why = f"it is not a Parquet file, or a damaged one ({problem})"
            raise FileUnreadable(
                str(path), why, "Fetch it again, or set its format under [file] in the mapping."
            ) from problem


def _opened(data: Any) -> pq.ParquetFile:
    """Open a file so that a value which stands in many rows is held once, and no row group is read ahead as a whole."""
    schema = pq.read_metadata(data).schema
    texts = [schema.column(at).path for at in range(len(schema)) if schema.column(at).physical_type in TEXTS]
    data.seek(0)
    return pq.ParquetFile(data, read_dictionary=texts, buffer_size=1 << 20, pre_buffer=False)


def _batches(file: pq.ParquetFile, path: str) -> Iterator[pa.RecordBatch]:
    """Yield the rows in batches of bounded size, as text."""
    row = 0
    for group in range(file.num_row_groups):
        about = file.metadata.row_group(group)
        width = max(1, file.metadata.num_columns)
        row_bytes = max(1, about.total_byte_size // max(1, about.num_rows))
        rows = max(1, min(MAX_BATCH_ROWS, MAX_BATCH_VALUES // width, MAX_BATCH_BYTES // row_bytes))
        for batch in file.iter_batches(rows, row_groups=[group]):
            for part in _parts(batch, path, row):
                yield part
                row += len(part)


def _parts(batch: pa.RecordBatch, path: str, row: int) -> Iterator[pa.RecordBatch]:
    """Yield a batch, halved until no part is too large as text."""
    size = sum(_bytes_as_text(column) for column in batch.columns)
    if len(batch) <= 1 or size <= MAX_BATCH_BYTES:
        if size > MAX_RECORD_BYTES and len(batch) == 1:
            raise RecordTooLarge(path, f"row {row + 1:,}", MAX_RECORD_BYTES, OTHER_LAYOUT)
        yield batch
        return
    half = len(batch) // 2
    yield from _parts(batch.slice(0, half), path, row)
    yield from _parts(batch.slice(half), path, row + half)


def _bytes_as_text(column: pa.Array) -> int:
    if pa.types.is_dictionary(column.type):
        lengths = pc.binary_length(column.dictionary).take(column.indices)
        return int(pc.sum(lengths).as_py() or 0)
    return int(column.nbytes)


def _check(file: pq.ParquetFile, mapping: Mapping, path: str) -> None:
    names = file.schema_arrow.names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FileUnreadable(path, f"it has more than one column {listed(twice)}", "Give each a name of its own.")
    if len(names) > MAX_FIELDS:
        raise TooManyFields(path, "it", MAX_FIELDS, OTHER_LAYOUT)
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
