"""Records: the rows of a file as JSON text, in batches of bounded size."""

import json
import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias
from unicodedata import category, is_normalized, normalize

import pyarrow as pa
import pyarrow.compute as pc

from shipment_etl.ingest.limits import MAX_BATCH_BYTES, MAX_BATCH_ROWS, MAX_BATCH_VALUES

__all__ = ["BROKEN", "RECORDS", "Notes", "Record", "escape_broken", "gather", "record_batch", "values_beside"]

Record: TypeAlias = tuple[Sequence[str], Sequence[str | None], str | None]
"""Names, values, and the problem or None."""

RECORDS = pa.schema([pa.field("record", pa.string(), nullable=False), pa.field("problem", pa.string())])
"""Schema of what a reader yields: the record as a JSON object of texts and nulls, and its problem, null for most."""

BROKEN = re.compile("[\ud800-\udfff\0]")
"""NUL and surrogates: half of a character, or a placeholder for a byte that is invalid in the file's encoding."""

ESCAPE = re.compile(r"\\(?:[bfnrt]|u[0-9a-f]{4})(?=(.))")
"""A JSON escape, and the character after it."""

MAX_NOTED = 50
"""Distinct values of a column that are collected."""


class Notes:
    """Collects facts about a file while it is read: counts of given words, and distinct values of columns.

    Args:
        words: column → words to count.
        values: columns whose distinct values are collected.
    """

    def __init__(self, words: Mapping[str, frozenset[str]] | None = None, values: Iterable[str] = ()) -> None:
        self.words = dict(words or {})
        self.values: dict[str, set[str]] = {name: set() for name in values}
        self.counts: Counter[tuple[str, str]] = Counter()

    def see(self, record: Mapping[str, str | None]) -> None:
        """Take notes of a record."""
        for name, words in self.words.items():
            value = record.get(name)
            if value is not None and (word := value.strip()) in words:
                self.counts[name, word] += 1
        for name, seen in self.values.items():
            if (value := record.get(name)) and len(seen) < MAX_NOTED:
                seen.add(value.strip())

    def see_column(self, name: str, column: pa.Array) -> None:
        """Take notes of a column of several records."""
        if words := self.words.get(name):
            found = column.filter(pc.is_in(column, pa.array(sorted(words))))
            self.counts.update({(name, each["values"]): each["counts"] for each in pc.value_counts(found).to_pylist()})
        if name in self.values and len(self.values[name]) < MAX_NOTED:
            self.values[name].update(value.strip() for value in pc.unique(column).to_pylist()[:MAX_NOTED] if value)

    @property
    def watched(self) -> set[str]:
        """The columns that notes are taken of."""
        return {*self.words, *self.values}


def gather(records: Iterable[Record], notes: Notes, partitions: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
    """Combine records into batches; `partitions` are names and values that are added to records without these names."""
    texts: list[str] = []
    problems: list[str | None] = []
    values = characters = 0
    for names, found, problem in records:
        record = dict(zip(names, found, strict=False))
        if problem is None:
            notes.see(record)
            if partitions:
                record |= values_beside(record, partitions)
        text = json.dumps(record, ensure_ascii=False)
        texts.append(text)
        problems.append(None if problem is None else escape_broken(problem))
        values += len(names)
        characters += len(text)
        if len(texts) == MAX_BATCH_ROWS or values > MAX_BATCH_VALUES or characters > MAX_BATCH_BYTES:
            yield record_batch(pa.array(texts, pa.string()), pa.array(problems, pa.string()))
            texts, problems, values, characters = [], [], 0, 0
    if texts:
        yield record_batch(pa.array(texts, pa.string()), pa.array(problems, pa.string()))


def values_beside(names: Container[str], partitions: Mapping[str, str]) -> dict[str, str]:
    """Return the values of folders whose names are not among those of the file: its own column counts."""
    return {name: value for name, value in partitions.items() if name not in names}


def record_batch(record: pa.Array, problem: pa.Array | None = None) -> pa.RecordBatch:
    """Return a batch of records, with texts in Unicode's form NFC, so that equal texts have equal bytes."""
    problem = pa.nulls(len(record), pa.string()) if problem is None else problem
    if not pc.all(pc.string_is_ascii(record)).as_py():
        record = _normalize(record)
    return pa.RecordBatch.from_arrays([record, problem], schema=RECORDS)


def _normalize(record: pa.Array) -> pa.Array:
    # pyarrow's own function decomposes instead, before version 26, and takes longer.
    return pa.array(
        [text if is_normalized("NFC", text) else _normalize_text(text) for text in record.to_pylist()], pa.string()
    )


def _normalize_text(text: str) -> str:
    if any(category(found[1]).startswith("M") for found in ESCAPE.finditer(text)):
        # NFC would merge a combining accent with the last letter of the escape before it.
        return _normalize_values(text)
    return normalize("NFC", text)


def _normalize_values(text: str) -> str:
    values = {
        normalize("NFC", name): value if value is None else normalize("NFC", value)
        for name, value in json.loads(text).items()
    }
    return json.dumps(values, ensure_ascii=False)


def escape_broken(text: str) -> str:
    r"""Return text with invalid bytes and NUL written like `\xff`, and lone surrogates like `\ud83d`."""
    return BROKEN.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    number = ord(found[0])
    is_byte = number == 0 or 0xDC00 <= number <= 0xDCFF
    return f"\\x{number & 0xFF:02x}" if is_byte else f"\\u{number:04x}"
