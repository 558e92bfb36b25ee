"""Fingerprint: one word that says whether two tables hold the same rows, whatever their order, files or engine.

Each row is a chain of xxhash64 over its columns in the order of their names; the word is made of the number of rows, and
of the exclusive or and the sum of the hashes, so that parts of a table can be told apart and put together.
"""

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, DateType, DecimalType, DoubleType, StringType, StructType

__all__ = ["fingerprint", "fingerprints"]

LOW_BITS = (1 << 32) - 1
LONGEST_EXACT_DECIMAL = 18


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
    return {row["name"]: f"{row['rows']:x}-{row['xor'] & (1 << 64) - 1:016x}-{row['sum']:x}" for row in rows}


def _parts(frame: DataFrame) -> DataFrame:
    fields = sorted(frame.schema.fields, key=lambda field: field.name)
    # xxhash64 passes over nulls, so which columns are null is hashed as well.
    flags = (F.col(f"`{field.name}`").isNull().cast("long") * (1 << place) for place, field in enumerate(fields))
    nulls = reduce(lambda one, other: one + other, flags)
    values = [_canonical(F.col(f"`{field.name}`"), field.dataType) for field in fields]
    hashed = frame.select(F.xxhash64(nulls, *values).alias("hash"))
    return hashed.select(
        F.count(F.lit(1)).alias("rows"),
        F.coalesce(F.expr("bit_xor(hash)"), F.lit(0).cast("long")).alias("xor"),
        F.coalesce(F.sum(F.col("hash").bitwiseAND(F.lit(LOW_BITS))), F.lit(0).cast("long")).alias("sum"),
    )


def _canonical(value: Column, kind: DataType) -> Column:
    """Return a value in a form that all engines hash alike."""
    if isinstance(kind, DateType):
        return F.unix_date(value).cast("long")
    if isinstance(kind, StringType | DoubleType):
        return value
    if isinstance(kind, DecimalType):
        return value if kind.precision <= LONGEST_EXACT_DECIMAL else value.cast("string")
    if isinstance(kind, ArrayType):
        return F.array_join(F.transform(value, lambda each: _text(each, kind.elementType)), "\x1e")
    return value.cast("long")


def _text(value: Column, kind: DataType) -> Column:
    if isinstance(kind, StructType):
        return F.concat_ws("\x1f", *(F.coalesce(value[name].cast("string"), F.lit("\x00")) for name in kind.names))
    return value.cast("string")
