"""Parquet: typed columns, landed as text; null stays null."""

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shipment_etl.errors import FileEmpty, FileUnreadable, RecordTooLarge
from shipment_etl.ingest.csv_file import name_columns
from shipment_etl.ingest.inputs import Opened
from shipment_etl.ingest.limits import (
    MAX_BATCH_BYTES,
    MAX_BATCH_ROWS,
    MAX_BATCH_VALUES,
    MAX_RECORD_BYTES,
)
from shipment_etl.ingest.mapping import SourceMapping
from shipment_etl.ingest.records import Notes, record_batch, values_beside

__all__ = ["read"]

TEXTS = ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")
ESCAPED = r'["\\\\\x00-\x1f]'
OTHER_LAYOUT = "Write the file with other column names or types, or as CSV."


def read(opened: Opened, mapping: SourceMapping, notes: Notes) -> Iterator[pa.RecordBatch]:
    r"""Yield the rows of a file as batches of records. Dates and timestamps are ISO 8601, numbers without exponent.

    A timestamp with a zone lands as UTC, with a Z. Binary values are text, with invalid UTF-8 bytes written as `\xff`; those
    of a fixed size are hexadecimal digits.

    Raises:
        FileEmpty: it has no rows.
        FileUnreadable: it is not a Parquet file, or has two columns with the same name.
        UnknownColumn: the mapping names a column that is missing.
    """
    path = opened.name
    with opened.seekable() as data:
        try:
            with _open(data) as file:
                names = _names(file, mapping, opened)
                for batch in _batches(file, path):
                    yield _land(batch, names, notes, opened.input.partitions)
        except UnicodeDecodeError as problem:
            raise FileUnreadable(path, "the name of a column is not UTF-8", OTHER_LAYOUT) from problem
        except (pa.ArrowException, OSError) as problem:
            why = f"it is not a Parquet file, or a damaged one ({problem})"
            raise FileUnreadable(path, why, "Fetch it again, or set its format under [file] in the mapping.") from problem


def _open(data: Any) -> pq.ParquetFile:
    """Open a file so that repeated values are kept once in memory, and row groups are not read ahead as a whole."""
    schema = pq.read_metadata(data).schema
    texts = [schema.column(at).path for at in range(len(schema)) if schema.column(at).physical_type in TEXTS]
    data.seek(0)
    return pq.ParquetFile(data, read_dictionary=texts, buffer_size=1 << 20, pre_buffer=False)


def _batches(file: pq.ParquetFile, path: str) -> Iterator[pa.RecordBatch]:
    """Yield the rows in batches whose size as text is bounded."""
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
    """Yield a batch, split in halves until no part is too large as text."""
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


def _names(file: pq.ParquetFile, mapping: SourceMapping, opened: Opened) -> tuple[str, ...]:
    """Return the names of the columns, checked against the mapping."""
    names = name_columns(file.schema_arrow.names, mapping, opened.name)
    mapping.check_columns([*names, *opened.input.partitions], opened.name)
    if file.metadata.num_rows == 0:
        raise FileEmpty(opened.name, "it has columns, but no rows")
    return names


def _land(batch: pa.RecordBatch, names: Sequence[str], notes: Notes, partitions: Mapping[str, str]) -> pa.RecordBatch:
    """Return rows as JSON objects."""
    parts: list[pa.Array | pa.Scalar] = []
    for name, column in zip(names, batch.columns, strict=True):
        texts = _texts(column)
        if name in notes.watched:
            notes.see_column(name, texts.drop_null())
        parts.append(pa.scalar(("{" if not parts else ", ") + _quote(name) + ": "))
        parts.append(_json_texts(texts))
    tail = "".join(f", {_quote(name)}: {_quote(value)}" for name, value in values_beside(names, partitions).items())
    return record_batch(pc.binary_join_element_wise(*parts, pa.scalar(tail + "}"), ""))


def _json_texts(texts: pa.Array) -> pa.Array:
    """Return texts as JSON: quoted, with escapes where needed; null stays null."""
    if pc.any(pc.match_substring_regex(texts, ESCAPED)).as_py():
        return pa.array(["null" if each is None else _quote(each) for each in texts.to_pylist()], pa.string())
    return pc.fill_null(pc.binary_join_element_wise('"', texts, '"', ""), "null")


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _texts(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_dictionary(kind):
        # Converts each distinct value once.
        return _texts(column.dictionary).take(column.indices)
    if pa.types.is_fixed_size_binary(kind):
        return pa.array([None if each is None else each.hex() for each in column.to_pylist()], pa.string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        # One by one: the result must not depend on neighbouring values.
        return pa.array([None if each is None else _decode(each) for each in column.to_pylist()], pa.string())
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        texts = column.cast(pa.string())
        # Not 1e-05 for 0.00001, because mappings describe numbers as people write them.
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


def _decode(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def _plain(text: str | None) -> str | None:
    return format(Decimal(text), "f") if text and "e" in text.lower() else text


def _json(value: Any) -> str:
    if isinstance(value, bytes):
        return _decode(value)
    return json.dumps(
        value, ensure_ascii=False, default=lambda each: _decode(each) if isinstance(each, bytes) else str(each)
    )
