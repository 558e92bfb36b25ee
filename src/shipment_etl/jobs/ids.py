"""Ids of a batch as hashes, eight bytes per row: which occur more than once, and which are accepted in the end.

They are read into this process once, and sorted here. That is faster than grouping them in an engine, and they are needed
again: later batches look them up.
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

__all__ = ["ID_HASH", "BatchHashes", "Hashes", "Ids", "is_among", "sort_unique"]

ID_HASH = "id_hash"
BLOCK_ROWS = 1 << 20
"""Number of hashes that are copied at a time: a copy of all of them would take as much memory again."""
Hashes = npt.NDArray[np.int64]


class Ids(NamedTuple):
    """The ids that a batch reports on: their hashes, sorted and unique, and the first and last id."""

    batch_date: date
    hashes: Hashes
    first: str
    last: str


class BatchHashes(NamedTuple):
    """Hashes of the ids of all rows of a batch, sorted and unique: ids of one row, and ids of several rows."""

    once: Hashes
    repeated: Hashes

    @classmethod
    def read(cls, staging: Staging, rows: DataFrame) -> Self:
        """Read the hashes of a batch."""
        kept = staging.keep("ids", rows.select(hash_of("shipment_id").alias(ID_HASH)))
        hashes, end = np.empty(kept.rows, np.int64), 0
        for batch in kept.batches():
            hashes[end : end + len(batch)] = batch[ID_HASH].to_numpy()
            end += len(batch)
        hashes.sort()
        is_same = np.zeros(len(hashes) + 1, bool)
        is_same[1:-1] = hashes[1:] == hashes[:-1]
        follows, is_followed = is_same[:-1], is_same[1:]
        repeated = hashes[is_followed & ~follows]
        return cls(_keep_in_place(hashes, ~(follows | is_followed)), repeated)

    def find_accepted(self, rejected: pa.ChunkedArray, suspects: pa.ChunkedArray) -> Hashes:
        """Return the hashes of accepted rows.

        Args:
            rejected: hashes of the rejected rows.
            suspects: hashes of the accepted rows among those with repeated ids.
        """
        kept = ~is_among(self.once, sort_unique(rejected.chunks))
        return _merge(self.once, kept, sort_unique(suspects.chunks))


def sort_unique(parts: Iterable[pa.Array | Hashes]) -> Hashes:
    """Return hashes sorted, each once."""
    found = _concatenate(parts)
    # The parts are mostly sorted already, and a stable sort merges such parts in one pass.
    found.sort(kind="stable")
    kept: Hashes = found[np.concatenate([np.ones(min(1, len(found)), bool), found[1:] != found[:-1]])]
    return kept


def is_among(hashes: Hashes, few: Hashes) -> npt.NDArray[np.bool_]:
    """Return which of the sorted and unique `hashes` are among `few`, which are sorted too."""
    found = np.zeros(len(hashes), bool)
    places = np.searchsorted(hashes, few)
    inside = places < len(hashes)
    places, few = places[inside], few[inside]
    found[places[hashes[places] == few]] = True
    return found


def _concatenate(parts: Iterable[pa.Array | Hashes]) -> Hashes:
    found: Hashes = np.concatenate([np.empty(0, np.int64), *(np.asarray(each, np.int64) for each in parts)])
    return found


def _keep_in_place(hashes: Hashes, kept: npt.NDArray[np.bool_]) -> Hashes:
    """Return the hashes to keep, in the same memory."""
    end = 0
    for first in range(0, len(hashes), BLOCK_ROWS):
        part = hashes[first : first + BLOCK_ROWS][kept[first : first + BLOCK_ROWS]]
        hashes[end : end + len(part)] = part
        end += len(part)
    return hashes[:end]


def _merge(hashes: Hashes, kept: npt.NDArray[np.bool_], more: Hashes) -> Hashes:
    """Return the hashes to keep, merged with more hashes, sorted."""
    merged, used, end = np.empty(np.count_nonzero(kept) + len(more), np.int64), 0, 0
    for first in range(0, max(1, len(hashes)), BLOCK_ROWS):
        last = first + BLOCK_ROWS
        until = int(np.searchsorted(more, hashes[last])) if last < len(hashes) else len(more)
        block, among = hashes[first:last][kept[first:last]], more[used:until]
        part = np.insert(block, np.searchsorted(block, among), among)
        merged[end : end + len(part)] = part
        used, end = until, end + len(part)
    return merged
