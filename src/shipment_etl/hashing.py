"""Hashes of rows, which every engine computes alike."""

from pyspark.sql import Column
from pyspark.sql import functions as F

__all__ = ["SEED", "hash_of"]

SEED = 42
"""Of every chain of xxhash64, in Spark and in Sail."""


def hash_of(*values: Column | str) -> Column:
    """Return xxhash64 over values: a long, never null; nulls among the values are passed over.

    Sail 0.7.2 fails on columns of a Parquet file that are the same, or null, in all of its rows: it makes each of them one
    value in place of one for each row. So one more value is hashed, which it takes for no constant; always null, it changes
    no hash.
    """
    return F.xxhash64(*values, F.when(F.monotonically_increasing_id() < 0, F.lit(0)))
