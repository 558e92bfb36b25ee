"""Records: what a file holds, row by row, gathered to batches of bounded size."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from shipment_etl.ingest.limits import MAX_BATCH_BYTES, MAX_BATCH_ROWS, MAX_BATCH_VALUES

__all__ = ["RECORDS", "Record", "batches", "record_batch"]

Record: TypeAlias = tuple[Sequence[str], Sequence[str | None], str | None]
"""Names, values, and what is wrong with it (None for nothing)."""

RECORDS = pa.schema(
    [
        pa.field("source_row", pa.int64(), nullable=False),
        pa.field("record", pa.map_(pa.string(), pa.string()), nullable=False),
        pa.field("problem", pa.string()),
    ]
)
"""Schema of a landed file: the number of the record, from 1; its values by name; what is wrong with it."""


def batches(records: Iterable[Record], characters: Callable[[], int]) -> Iterator[pa.RecordBatch]:
    """Gather records; `characters` tells how many were read up to now, for a file may have few but long ones."""
    landed, before = 0, 0
    gathered = _Gathered()
    for record in records:
        gathered.add(*record)
        if (
            len(gathered.names) == MAX_BATCH_ROWS
            or len(gathered.values) > MAX_BATCH_VALUES
            or characters() - before > MAX_BATCH_BYTES
        ):
            yield gathered.batch(landed)
            landed, before, gathered = landed + len(gathered.names), characters(), _Gathered()
    if gathered.names:
        yield gathered.batch(landed)


def record_batch(landed: int, record: pa.MapArray, problem: pa.Array) -> pa.RecordBatch:
    """Return a batch whose rows are numbered on from those landed before."""
    rows = pa.array(np.arange(landed + 1, landed + 1 + len(record), dtype=np.int64))
    return pa.RecordBatch.from_arrays([rows, record, problem], schema=RECORDS)


class _Gathered:
    """Records of a batch, in flat lists: a container a record would keep the garbage collector busy, half the time."""

    def __init__(self) -> None:
        self.names: list[Sequence[str]] = []
        self.values: list[str | None] = []
        self.ends: list[int] = [0]
        self.problems: list[str | None] = []

    def add(self, names: Sequence[str], values: Sequence[str | None], problem: str | None) -> None:
        self.names.append(names)
        self.values.extend(values)
        self.ends.append(len(self.values))
        self.problems.append(problem)

    def batch(self, landed: int) -> pa.RecordBatch:
        items = pa.array(self.values, pa.string())
        record = pa.MapArray.from_arrays(pa.array(self.ends, pa.int32()), self._keys(), items)
        return record_batch(landed, record, pa.array(self.problems, pa.string()))

    def _keys(self) -> pa.Array:
        first = self.names[0]
        if all(names is first for names in self.names):
            return pa.array(first, pa.string()).take(pa.array(np.tile(np.arange(len(first)), len(self.names))))
        return pa.array([*chain.from_iterable(self.names)], pa.string())
