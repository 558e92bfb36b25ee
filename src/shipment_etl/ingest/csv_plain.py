"""Plain CSV: a block of lines without quotes is split as a whole, by its bytes.

Most files consist of plain blocks, and the others mostly do. `csv_file` reads the remaining blocks record by record.
"""

import json
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shipment_etl.ingest.records import record_batch, values_beside
from shipment_etl.ingest.text import Lines

__all__ = ["MAX_PARALLEL_BLOCKS", "Blocks", "PlainBlock", "PlainCsv"]

MAX_PARALLEL_BLOCKS = 2
"""Blocks that are split in parallel; each takes about 100 MB."""
FEED = ord("\n")
FIRST_PRINTABLE = 32


class PlainBlock(NamedTuple):
    """The records of a plain block.

    Attributes:
        records: the batch of records.
        lines: number of lines.
        watched: columns for `Notes`.
    """

    records: pa.RecordBatch
    lines: int
    watched: Mapping[str, pa.Array]


class PlainCsv:
    """Splits plain blocks of a file; can split several in parallel.

    Args:
        header: names of the columns.
        delimiter: one character.
        special: quote and escape characters: a block with one of them is not plain.
        watched: columns for `Notes`.
        partitions: names and values that are added to records without these names.
    """

    def __init__(
        self, header: Sequence[str], delimiter: str, special: str, watched: set[str], partitions: Mapping[str, str]
    ) -> None:
        self._width = len(header)
        self._delimiter = ord(delimiter)
        # Quotes and backslashes would have to be escaped in JSON.
        self._special = [each.encode() for each in {'"', "\\", *special}]
        self._watched = {name: header.index(name) for name in watched if name in header}
        starts = [("{" if at == 0 else '", ') + f'{_json(name)}: "' for at, name in enumerate(header)]
        tail = "".join(f", {_json(name)}: {_json(value)}" for name, value in values_beside(header, partitions).items())
        self._texts = [pa.scalar(text) for text in (*starts, f'"{tail}}}')]

    def split(self, block: bytes) -> PlainBlock | None:
        """Return the records of a block; None if it is not plain."""
        if any(each in block for each in self._special):
            return None
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n")
        if not block.endswith(b"\n"):
            block += b"\n"
        if not block.isascii():
            try:
                block.decode()
            except UnicodeDecodeError:
                return None
        data = np.frombuffer(block, np.uint8)
        ends = self._ends(data)
        if ends is None:
            return None
        rows = len(ends) // self._width
        values, first = _values(data, ends), np.arange(rows) * self._width
        columns = [values.take(pa.array(first + at)) for at in range(self._width)]
        watched = {name: columns[at] for name, at in self._watched.items()}
        return PlainBlock(record_batch(self._join(columns)), rows, watched)

    def _ends(self, data: np.ndarray) -> np.ndarray | None:
        """Return where each value ends; None unless all rows are as wide as the header and have no control characters."""
        feeds = data == FEED
        splits = feeds | (data == self._delimiter)
        if np.count_nonzero((data < FIRST_PRINTABLE) & ~splits):
            return None
        ends = np.flatnonzero(splits)
        last = feeds[ends]
        if len(ends) % self._width or not last[self._width - 1 :: self._width].all():
            return None
        if np.count_nonzero(last) != len(ends) // self._width:
            return None
        rows = ends[self._width - 1 :: self._width]
        # A row of only delimiters is left to the record-by-record reader.
        return None if np.diff(rows, prepend=-1).min() <= self._width else ends

    def _join(self, columns: Sequence[pa.Array]) -> pa.Array:
        *starts, tail = self._texts
        parts = [part for pair in zip(starts, columns, strict=True) for part in pair]
        return pc.binary_join_element_wise(*parts, tail, "")


class Blocks:
    """Reads the blocks of a file, and splits the next ones in the background.

    Args:
        lines: the lines of the file.
        plain: splits the blocks; None if no block can be plain.
        pool: runs the splitting.
    """

    def __init__(self, lines: Lines, plain: PlainCsv | None, pool: Executor) -> None:
        self._lines = lines
        self._plain = plain
        self._pool = pool
        self._ahead: deque[tuple[bytes, Future[PlainBlock | None]]] = deque()
        # One at first: a caller that reads only the head of a file should not wait for more.
        self._max_ahead = 1

    def next(self) -> tuple[bytes, PlainBlock | None] | None:
        """Return the next block, and its records if it is plain; None at the end.

        If it is not plain, the lines continue right after it: a record that begins in it may end in a later block.
        """
        if self._plain is None:
            block = self._lines.next_block()
            return None if block is None else (block, None)
        while len(self._ahead) < self._max_ahead and (block := self._lines.next_block()) is not None:
            self._ahead.append((block, self._pool.submit(self._plain.split, block)))
        if not self._ahead:
            return None
        block, split = self._ahead.popleft()
        found = split.result()
        if found is None:
            self._lines.give_back_blocks(each for each, _ in self._ahead)
            self._ahead.clear()
        self._max_ahead = 1 if found is None else MAX_PARALLEL_BLOCKS
        return block, found


def _values(data: np.ndarray, ends: np.ndarray) -> pa.Array:
    """Return the values between ends as one array of texts, made from the bytes without delimiters and line ends."""
    kept = np.ones(len(data), bool)
    kept[ends] = False
    offsets = np.zeros(len(ends) + 1, np.int32)
    offsets[1:] = ends - np.arange(len(ends))
    return pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(data[kept]))


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
