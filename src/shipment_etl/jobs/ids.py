"""Ids of a batch as hashes, eight bytes a row: which of them stand more than once, and which are left in the end.

They come to this process once, and are sorted here. That takes less time than to let an engine group them, and they are
needed again: later batches have to know them.
"""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame

from shipment_etl.hashing import hash_of
from shipment_etl.lake.staging import Staging

__all__ = ["ID_HASH", "BatchHashes", "Hashes", "Ids", "in_order", "is_among"]

ID_HASH = "id_hash"
Hashes = npt.NDArray[np.int64]


class Ids(NamedTuple):
    """The ids that a batch reports on: their hashes, each once and in order, and the first and the last id."""

    batch_date: date
    hashes: Hashes
    first: str
    last: str


class BatchHashes(NamedTuple):
    """Hashes of the ids of all rows of a batch, each once and in order: of one row, or of several."""

    once: Hashes
    repeated: Hashes

    @classmethod
    def read(cls, staging: Staging, rows: DataFrame) -> Self:
        """Read those of a batch."""
        kept = staging.keep("ids", rows.select(hash_of("shipment_id").alias(ID_HASH)))
        hashes = _concatenate(kept.content()[ID_HASH].chunks if kept.rows else [])
        hashes.sort()
        is_same = np.zeros(len(hashes) + 1, bool)
        is_same[1:-1] = hashes[1:] == hashes[:-1]
        follows, is_followed = is_same[:-1], is_same[1:]
        return cls(hashes[~(follows | is_followed)], hashes[is_followed & ~follows])

    def accepted(self, rejected: pa.ChunkedArray, suspects: pa.ChunkedArray) -> Hashes:
        """Return those of accepted rows.

        Args:
            rejected: hashes of the rejected rows.
            suspects: hashes of the accepted rows among those that are repeated.
        """
        once, several = self.once[~is_among(self.once, in_order(rejected.chunks))], in_order(suspects.chunks)
        # Put in where they belong: to sort all of them again would take half as much memory once more.
        merged: Hashes = np.insert(once, np.searchsorted(once, several), several)
        return merged


def in_order(parts: Iterable[pa.Array | Hashes]) -> Hashes:
    """Return hashes in order, each once."""
    found = _concatenate(parts)
    # The parts are mostly in order themselves, and this sort puts such together in one pass.
    found.sort(kind="stable")
    kept: Hashes = found[np.concatenate([np.ones(min(1, len(found)), bool), found[1:] != found[:-1]])]
    return kept


def is_among(hashes: Hashes, few: Hashes) -> npt.NDArray[np.bool_]:
    """Return which of some hashes, each once and in order, are among others in order."""
    found = np.zeros(len(hashes), bool)
    places = np.searchsorted(hashes, few)
    inside = places < len(hashes)
    places, few = places[inside], few[inside]
    found[places[hashes[places] == few]] = True
    return found


def _concatenate(parts: Iterable[pa.Array | Hashes]) -> Hashes:
    found: Hashes = np.concatenate([np.empty(0, np.int64), *(np.asarray(each, np.int64) for each in parts)])
    return found
