"""Fingerprint: a checksum of a table's rows, the same for the same rows in any order, in any files, on any engine.

The hash of a row is a chain of xxhash64 over its columns in the order of their names. The fingerprint consists of the number
of rows, the XOR of the hashes and their sum, so that parts of a table can be hashed separately and then combined.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import reduce
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, DateType, DecimalType, DoubleType, StringType, StructType
from xxhash import xxh64_intdigest

from shipment_etl.hashing import SEED, Words, hash_of, hash_words

__all__ = ["PARTS", "fingerprint", "fingerprint_of_content", "fingerprints", "join_parts", "row_hash"]

LOW_BITS = (1 << 32) - 1
MAX_EXACT_DIGITS = 18
PLAIN_PLACES = 6
"""Up to this many places, Spark and Arrow write every decimal without an exponent."""


def fingerprint(frame: DataFrame) -> str:
    """Return the fingerprint of a frame: three hexadecimal numbers joined by dashes.

    Null differs from every value; a frame may have up to 62 columns.

    Dates count as days since 1970, whole numbers and booleans as 64-bit integers, decimals
    of more than 18 digits and texts by their UTF-8, doubles by their bits (engines write them differently).
    """
    return fingerprints({"it": frame})["it"]


def fingerprints(frames: Mapping[str, DataFrame]) -> dict[str, str]:
    """Return the fingerprint of each frame by its name, from one query."""
    parts = [_parts(frame).withColumn("name", F.lit(name)) for name, frame in frames.items()]
    rows = reduce(lambda one, other: one.unionByName(other), parts).collect()
    return {row["name"]: join_parts(row["rows"], [row["xor"]], [row["sum"]]) for row in rows}


def row_hash(schema: StructType) -> Column:
    """Return the hash of a row: a long, of a frame with these columns."""
    fields = sorted(schema.fields, key=lambda field: field.name)
    # xxhash64 skips nulls, so which columns are null is hashed as well.
    flags = (F.when(F.col(f"`{field.name}`").isNull(), 1 << place).otherwise(0) for place, field in enumerate(fields))
    nulls = reduce(lambda one, other: one + other, flags).cast("long")
    return hash_of(nulls, *(_canonical(F.col(f"`{field.name}`"), field.dataType) for field in fields))


PARTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"xor": ("bit_xor", "row_hash"), "sum": ("sum", f"row_hash & {LOW_BITS}L")}
)
"""Parts of a fingerprint besides the number of rows, for any group of rows: name → an aggregate function of SQL, and its
argument."""


def join_parts(rows: int, xors: Iterable[int | None], sums: Iterable[int | None]) -> str:
    """Return the fingerprint of a table from the parts of groups of its rows; a group without rows has nulls."""
    xor = reduce(lambda one, other: one ^ (other or 0), xors, 0)
    return f"{rows:x}-{xor & (1 << 64) - 1:016x}-{sum(each or 0 for each in sums):x}"


def fingerprint_of_content(rows: pa.Table) -> str:
    """Return the fingerprint of a table in memory: without an engine, so faster for few rows."""
    columns = [rows[name].combine_chunks() for name in sorted(rows.column_names)]
    known = [column.is_valid().to_numpy(zero_copy_only=False) for column in columns]
    nulls = sum((~each * np.uint64(1 << place) for place, each in enumerate(known)), np.zeros(rows.num_rows, np.uint64))
    hashes = hash_words(nulls, np.full(rows.num_rows, SEED, np.uint64))
    for column, is_known in zip(columns, known, strict=True):
        hashes[is_known] = _hash_values(column.drop_null(), hashes[is_known])
    low = int((hashes & np.uint64(LOW_BITS)).sum())
    return join_parts(rows.num_rows, [int(np.bitwise_xor.reduce(hashes))], [low])


def _parts(frame: DataFrame) -> DataFrame:
    hashed = frame.select(row_hash(frame.schema).alias("row_hash"))
    parts = (F.expr(f"{function}({value})").alias(name) for name, (function, value) in PARTS.items())
    return hashed.select(F.count(F.lit(1)).alias("rows"), *parts)


def _canonical(value: Column, kind: DataType) -> Column:
    """Return a value in a form that all engines hash alike."""
    if isinstance(kind, DateType):
        return F.unix_date(value).cast("long")
    if isinstance(kind, StringType | DoubleType):
        return value
    if isinstance(kind, DecimalType):
        return value if kind.precision <= MAX_EXACT_DIGITS else _digits(value, kind.scale)
    if isinstance(kind, ArrayType):
        return F.array_join(F.transform(value, lambda each: _text(each, kind.elementType)), "\x1e")
    return value.cast("long")


def _digits(value: Column, scale: int) -> Column:
    """Return the digits of a decimal. With more than 6 places, Spark writes numbers below 0.000001, and 0, as 1E-9."""
    if scale <= PLAIN_PLACES:
        return value.cast("string")
    # Others become null before the multiplication: an engine may multiply all of them, and some are too large.
    tiny = F.when(F.abs(value) < F.lit(Decimal(1).scaleb(-PLAIN_PLACES)), value)
    whole = F.abs(tiny * 10**scale).cast("bigint").cast("string")
    plain = F.concat(F.when(tiny < 0, "-").otherwise(""), F.lit("0."), F.lpad(whole, scale, "0"))
    return F.coalesce(plain, value.cast("string"))


def _text(value: Column, kind: DataType) -> Column:
    if isinstance(kind, StructType):
        return F.concat_ws("\x1f", *(F.coalesce(value[name].cast("string"), F.lit("\x00")) for name in kind.names))
    return value.cast("string")


def _hash_values(values: pa.Array, seeds: Words) -> Words:
    """Return the hashes of values, in the form of `_canonical`, none of which is null."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        # A long text of many rows is not copied for each of them.
        texts = values.dictionary.cast(pa.binary()).to_pylist()
        return _hash_texts((texts[place] for place in values.indices.to_numpy()), seeds)
    if pa.types.is_string(kind):
        return _hash_texts(values.cast(pa.binary()).to_pylist(), seeds)
    if pa.types.is_list(kind):
        return _hash_texts(map(_join_list, values.to_pylist()), seeds)
    if pa.types.is_decimal(kind) and kind.precision > MAX_EXACT_DIGITS:
        if kind.scale <= PLAIN_PLACES:
            return _hash_values(values.cast(pa.string()), seeds)
        return _hash_texts((f"{value:f}".encode() for value in values.to_pylist()), seeds)
    if pa.types.is_decimal(kind):
        # The lower half of a decimal of 16 bytes, which is enough for so few digits.
        halves = np.frombuffer(values.buffers()[1], np.uint64)[2 * values.offset : 2 * (values.offset + len(values))]
        return hash_words(halves[::2], seeds)
    if pa.types.is_floating(kind):
        # 0.0 and -0.0 are the same value.
        return hash_words((values.to_numpy() + 0.0).view(np.uint64), seeds)
    if pa.types.is_timestamp(kind):
        values = pc.floor_temporal(values, unit="second").cast(pa.timestamp("s", kind.tz))
    elif pa.types.is_date(kind):
        values = values.cast(pa.int32())
    return hash_words(values.cast(pa.int64()).to_numpy(zero_copy_only=False).view(np.uint64), seeds)


def _hash_texts(texts: Iterable[bytes], seeds: Words) -> Words:
    return np.fromiter(map(xxh64_intdigest, texts, seeds.tolist()), np.uint64, len(seeds))


def _join_list(values: list[Any]) -> bytes:
    """Join texts, or structures of texts, into one text."""
    return "\x1e".join(
        "\x1f".join("\x00" if part is None else part for part in value.values()) if isinstance(value, dict) else value
        for value in values
    ).encode()
