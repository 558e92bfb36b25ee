"""Plain CSV: a block of lines without quotes is split as a whole, by its bytes.

Most files are plain all the way, and all others mostly. What is not is left to `csv_file`, which takes records one by one.
"""

import json
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shipment_etl.ingest.records import Notes, record_batch

__all__ = ["PlainCsv"]

FEED = ord("\n")
FIRST_PRINTABLE = 32


class PlainCsv:
    """Splits plain blocks of a file.

    Args:
        header: names of the columns.
        delimiter: one character.
        special: characters that make a block not plain: those that quote and escape.
        notes: of the file.
        partitions: what each record gets as well.
    """

    def __init__(
        self, header: Sequence[str], delimiter: str, special: str, notes: Notes, partitions: Mapping[str, str]
    ) -> None:
        self._width = len(header)
        self._delimiter = ord(delimiter)
        # A quote and a backslash would have to be escaped in JSON.
        self._special = [each.encode() for each in {'"', "\\", *special}]
        self._notes = notes
        self._noted = {name: header.index(name) for name in notes.watched if name in header}
        starts = [("{" if at == 0 else '", ') + f'{_json(name)}: "' for at, name in enumerate(header)]
        tail = "".join(f", {_json(name)}: {_json(value)}" for name, value in partitions.items())
        self._texts = [pa.scalar(text) for text in (*starts, f'"{tail}}}')]

    def split(self, block: bytes) -> tuple[pa.RecordBatch, int] | None:
        """Return the records of a block and how many lines it has; None if it is not plain."""
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
        record = self._join(_values(data, ends), rows)
        return record_batch(record), rows

    def _ends(self, data: np.ndarray) -> np.ndarray | None:
        """Return where each value ends; None where there is anything but values and rows of them as wide as the header."""
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
        # A row of nothing but delimiters is left to the reader of single records.
        return None if np.diff(rows, prepend=-1).min() <= self._width else ends

    def _join(self, values: pa.Array, rows: int) -> pa.Array:
        first = np.arange(rows) * self._width
        columns = [values.take(pa.array(first + at)) for at in range(self._width)]
        for name, at in self._noted.items():
            self._notes.see_column(name, columns[at])
        *starts, tail = self._texts
        parts = [part for pair in zip(starts, columns, strict=True) for part in pair]
        return pc.binary_join_element_wise(*parts, tail, "")


def _values(data: np.ndarray, ends: np.ndarray) -> pa.Array:
    """Return the values between ends as one array of texts, made of the bytes without what splits them."""
    kept = np.ones(len(data), bool)
    kept[ends] = False
    offsets = np.zeros(len(ends) + 1, np.int32)
    offsets[1:] = ends - np.arange(len(ends))
    return pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(data[kept]))


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
