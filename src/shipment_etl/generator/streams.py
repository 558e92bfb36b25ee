"""Randomness: a value depends only on the seed, the batch date, the name of its stream and the row's number.

So a row is the same on any engine and for any number of partitions or rows, and a new stream changes no other value.
"""

from datetime import date
from hashlib import blake2b

from pyspark.sql import Column
from pyspark.sql import functions as F

__all__ = ["draw_below", "slot", "stream_key"]

# xxhash64 gives 64 bits; the sign bit and the one below are masked, because Sail and Spark differ on shifts of
# negative numbers.
MASK = (1 << 62) - 1


def stream_key(seed: int, batch_date: date, stream: str) -> int:
    """Return the 64-bit key of a stream of a batch; a stream is identified by its name, never by its position."""
    text = f"{seed}\x1f{batch_date.isoformat()}\x1f{stream}"
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little", signed=True)


def slot(row: Column, key: Column | int, bits: int) -> Column:
    """Return a whole number, uniform in 0 … 2^bits − 1: the upper bits of xxhash64(row, key) below the mask."""
    return F.shiftright(F.xxhash64(row, F.lit(key).cast("long")).bitwiseAND(F.lit(MASK)), 62 - bits)


def draw_below(row: Column, key: Column | int, limit: int) -> Column:
    """Return a whole number, uniform in 0 … limit − 1 (to within limit / 2^31), for limits up to 2^31."""
    return F.shiftright(slot(row, key, 31) * F.lit(limit), 31)
