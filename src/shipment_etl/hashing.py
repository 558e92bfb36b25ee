"""Hashes of rows that are the same on every engine."""

import numpy as np
import numpy.typing as npt
from pyspark.sql import Column
from pyspark.sql import functions as F

__all__ = ["SEED", "Words", "hash_of", "hash_words"]

SEED = 42
"""Seed of xxhash64 in Spark and in Sail."""
PRIMES = tuple(
    np.uint64(prime)
    for prime in (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)
)
"""Primes of XXH64."""

Words = npt.NDArray[np.uint64]
"""Unsigned 64-bit integers."""


def hash_of(*values: Column | str) -> Column:
    """Return xxhash64 over values: a long, never null; nulls among the values are skipped.

    Sail 0.7.2 fails on columns of a Parquet file that have the same value, or null, in all rows: it makes each of them one
    value instead of one per row. So one more value is hashed, which Sail does not treat as a constant; it is always null,
    so it changes no hash.
    """
    return F.xxhash64(*values, F.when(F.monotonically_increasing_id() < 0, F.lit(0)))


def hash_words(words: Words, seeds: Words) -> Words:
    """Return xxhash64 of words of eight bytes, each with its own seed.

    Source: the specification of XXH64, https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md, for eight bytes.
    """
    hashes = seeds + PRIMES[4] + np.uint64(8)
    hashes ^= _rotate(words * PRIMES[1], 31) * PRIMES[0]
    hashes = _rotate(hashes, 27) * PRIMES[0] + PRIMES[3]
    hashes = (hashes ^ hashes >> np.uint64(33)) * PRIMES[1]
    hashes = (hashes ^ hashes >> np.uint64(29)) * PRIMES[2]
    return hashes ^ hashes >> np.uint64(32)


def _rotate(words: Words, bits: int) -> Words:
    return words << np.uint64(bits) | words >> np.uint64(64 - bits)
