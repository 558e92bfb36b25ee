"""CSV: one record per line, or more lines within quotes; ragged or broken records get a problem, and the others land."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import PurePath

import pyarrow as pa

from shipment_etl.errors import (
    FileEmpty,
    FileUnreadable,
    RecordTooLong,
    TooManyFields,
    UnknownColumn,
    join_names,
    shorten,
)
from shipment_etl.ingest.csv_plain import MAX_PARALLEL_BLOCKS, Blocks, PlainCsv
from shipment_etl.ingest.inputs import Opened
from shipment_etl.ingest.limits import MAX_FIELDS, MAX_RECORD_CHARACTERS
from shipment_etl.ingest.mapping import SourceMapping
from shipment_etl.ingest.names import tidy
from shipment_etl.ingest.patterns import portable_regex
from shipment_etl.ingest.records import BROKEN, Notes, Record, escape_broken, gather
from shipment_etl.ingest.text import Lines

__all__ = ["DELIMITERS", "name_columns", "read"]

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\r?\n?')
"""The line with the delimiter that Excel writes and reads above a header."""
MAX_READ_AGAIN = 8 * MAX_RECORD_CHARACTERS
"""Characters of broken records that are read again, line by line, in a whole file; more would take too long."""
MAX_TITLE_LINES = 50
LINE = ("line",)
QUOTES = 'Look for a quote that is not closed or doubled (""), and check delimiter and escape under [file] in the mapping.'
DELIMITER = "Check delimiter under [file] in the mapping."


@dataclass(frozen=True, slots=True)
class _Dialect:
    """How a file is written."""

    delimiter: str
    quote: str
    escape: str
    multiline: bool | None

    def reader(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Return Python's csv reader for such lines."""
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote or None,
            escapechar=self.escape or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            strict=True,
        )


def read(opened: Opened, mapping: SourceMapping, notes: Notes) -> Iterator[pa.RecordBatch]:
    """Yield every record below the header, in batches.

    A record with too few or too many fields has a problem, but keeps its fields; surplus fields are named `column 34` and
    so on. Blank lines, and lines of only delimiters, are skipped.

    Raises:
        FileEmpty: there is no header, or no record.
        FileUnreadable: the header cannot be used.
        UnknownColumn: the mapping names a column that the header does not have.
    """
    yield from _CsvFile(opened, mapping, notes).batches()


class _CsvFile:
    def __init__(self, opened: Opened, mapping: SourceMapping, notes: Notes) -> None:
        self._file = opened.name
        self._partitions = opened.input.partitions
        self._mapping = mapping
        self._notes = notes
        self._lines = Lines(opened, mapping.file.encoding)
        self._ignored = [re.compile(portable_regex(each)) for each in mapping.file.ignore_lines]
        self._read_again = 0
        self._pending: list[str] = []
        self._length = 0
        # Process-wide, so only ever raised.
        csv.field_size_limit(max(csv.field_size_limit(), MAX_RECORD_CHARACTERS))

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield batches of records: plain blocks as a whole, others record by record."""
        with ThreadPoolExecutor(MAX_PARALLEL_BLOCKS) as pool:
            yield from self._batches(pool)

    def _batches(self, pool: Executor) -> Iterator[pa.RecordBatch]:
        self._dialect = self._find_dialect()
        self._reader = self._dialect.reader(self._pull())
        header = self._find_header()
        width, delimiter = len(header), self._dialect.delimiter
        special = self._dialect.quote + self._dialect.escape
        # A plain row must have a delimiter; otherwise blank lines would be rows.
        is_simple = not self._ignored and width > 1 and delimiter.isascii()
        plain = PlainCsv(header, delimiter, special, self._notes.watched, self._partitions) if is_simple else None
        blocks = Blocks(self._lines, plain, pool)
        seen = False
        while True:
            if not self._lines.within_block:
                found = blocks.next()
                if found is None:
                    break
                block, records = found
                if records:
                    self._lines.number += records.lines
                    for name, column in records.watched.items():
                        self._notes.see_column(name, column)
                    yield records.records
                    seen = True
                    continue
                self._lines.split(block)
            for batch in gather(self._records(header), self._notes, self._partitions):
                yield batch
                seen = True
        if not seen:
            raise FileEmpty(self._file, "it has a header, but no records")

    def _records(self, header: Sequence[str]) -> Iterator[Record]:
        """Yield the records that begin in the current block."""
        width = len(header)

        # A small cache, because each entry has a name for each field, and each record may have another number of fields.
        @lru_cache(maxsize=8)
        def names(fields: int) -> Sequence[str]:
            extra = (_unused_name(f"column {number}", header) for number in range(width + 1, fields + 1))
            return (*header[:fields], *extra)

        while self._lines.within_block:
            if self._skip_ignored():
                continue
            row, problem = self._next()
            if problem is not None:
                yield from ((LINE, (escape_broken(line.rstrip("\r\n")),), problem) for line in self._pending)
            elif len(row) == width:
                if any(row):
                    yield header, row, None
            elif row and (any(row) or len(row) > width):
                yield names(len(row)), row, f"expected {width} fields, found {len(row)}"

    def _next(self) -> tuple[list[str], str | None]:
        """Return the next record, or its problem; its lines are in `_pending`."""
        self._pending.clear()
        self._length = 0
        first = self._lines.number + 1
        try:
            row = next(self._reader)
        except StopIteration:
            return [], None
        except (csv.Error, _TooLong) as problem:
            self._restart(problem, first)
            return [], f"not CSV: {_explain(problem)}"
        if len(row) > MAX_FIELDS:
            raise TooManyFields(self._file, f"line {first:,}", MAX_FIELDS, DELIMITER)
        if len(self._pending) > 1 and (problem_text := self._judge_lines(row, first)):
            return [], problem_text
        if any(BROKEN.search(line) for line in self._pending if not line.isascii() or "\0" in line):
            return [], _explain_broken(self._pending, self._mapping.file.encoding)
        return row, None

    def _judge_lines(self, row: list[str], first: int) -> str | None:
        """Return what is wrong with a record of several lines, or None."""
        if self._dialect.multiline:
            return None
        last = first + len(self._pending) - 1
        if self._dialect.multiline is False:
            return f"lines {first:,} to {last:,} are one record in quotes, but multiline is false"
        inside = sum(field.count(self._dialect.delimiter) for field in row if "\n" in field or "\r" in field)
        if inside < max(1, self._width - 1):
            return None
        return (
            f"a quote is missing or stray: lines {first:,} to {last:,} are one record in quotes, with as many delimiters "
            "inside as a record has; if that is intended, set multiline = true"
        )

    def _restart(self, problem: Exception, first: int) -> None:
        """Continue after the first line of a broken record."""
        self._read_again += self._length
        if self._read_again > MAX_READ_AGAIN:
            if isinstance(problem, _TooLong):
                where = f"the record that starts on line {first:,}"
                raise RecordTooLong(self._file, where, MAX_RECORD_CHARACTERS, QUOTES)
            raise FileUnreadable(self._file, f"its quotes do not match, on line {first:,} and many lines before it", QUOTES)
        self._lines.give_back(self._pending[1:])
        del self._pending[1:]
        self._reader = self._dialect.reader(self._pull())

    def _pull(self) -> Iterator[str]:
        """Yield lines for the current record."""
        for line in self._lines:
            self._pending.append(line)
            self._length += len(line)
            if self._length > MAX_RECORD_CHARACTERS and len(self._pending) > 1:
                raise _TooLong
            # A NUL would stop the reader; the record gets its problem afterwards.
            yield line.replace("\0", "\ufffd") if "\0" in line else line

    def _skip_ignored(self) -> bool:
        """Skip the next line if it matches `ignore_lines`; return whether it did."""
        if not self._ignored:
            return False
        line = next(self._lines)
        if any(pattern.search(line.rstrip("\r\n")) for pattern in self._ignored):
            return True
        self._lines.give_back([line])
        return False

    def _find_dialect(self) -> _Dialect:
        file = self._mapping.file
        delimiter = file.delimiter or ("\t" if ".tsv" in PurePath(self._file.lower()).suffixes else "")
        for line in islice(self._lines, 1):
            if found := SEPARATOR_LINE.fullmatch(line):
                delimiter = file.delimiter or found[1]
            else:
                self._lines.give_back([line])
        for _ in islice(self._lines, file.skip_rows):
            pass
        return _Dialect(delimiter or ",", file.quote, file.escape, file.multiline)

    def _find_header(self) -> tuple[str, ...]:
        if self._mapping.file.header:
            header = tuple(tidy(name) for name in self._mapping.file.header)
            self._width = len(header)
            self._mapping.check_columns([*header, *self._partitions], self._file)
            return header
        self._width = MAX_FIELDS
        row: list[str] = []
        for line in self._lines:
            self._lines.give_back([line])
            if self._skip_ignored():
                continue
            number = self._lines.number + 1
            row, problem = self._next()
            if problem is not None:
                raise FileUnreadable(self._file, f"its header, line {number:,}, is {problem}", QUOTES)
            if row:
                break
        if not row:
            raise FileEmpty(self._file, "it has no header")
        self._width = len(row)
        header = name_columns(row, self._mapping, self._file)
        self._check(header, row, number)
        return header

    def _check(self, header: Sequence[str], row: Sequence[str], number: int) -> None:
        try:
            self._mapping.check_columns([*header, *self._partitions], self._file)
        except UnknownColumn:
            ahead = [line for line in islice(self._lines, MAX_TITLE_LINES) if len(line) < MAX_RECORD_CHARACTERS]
            for further, line in enumerate(ahead, number + 1):
                if self._is_header(line):
                    why = f"line {number:,} is not a header with the columns that the mapping names, but line {further:,} is"
                    remedy = f"Set skip_rows = {further - 1} under [file] in the mapping."
                    raise FileUnreadable(self._file, why, remedy) from None
            other = next((each for each in DELIMITERS if each != self._dialect.delimiter and each in row[0]), None)
            if len(row) == 1 and other:
                raise FileUnreadable(
                    self._file,
                    f"its header is one field, {shorten(row[0])}",
                    f"The delimiter seems to be a {DELIMITERS[other]}: set delimiter = {_toml(other)} under [file] in the "
                    "mapping.",
                ) from None
            raise

    def _is_header(self, line: str) -> bool:
        try:
            row = next(self._dialect.reader([line]), [])
        except csv.Error:
            return False
        return self._mapping.names <= {tidy(name) for name in row} | {*self._partitions}


class _TooLong(Exception):
    """A record has no end."""


def name_columns(row: Sequence[str | None], mapping: SourceMapping, file: str) -> tuple[str, ...]:
    """Return the column names of a header; a name that appears twice gets a number, unless it is mapped.

    Raises:
        FileUnreadable: the mapping names a column that appears twice.
        TooManyFields: the header is too wide.
    """
    if len(row) > MAX_FIELDS:
        raise TooManyFields(file, "its header", MAX_FIELDS, DELIMITER)
    names = [tidy(name or "") or f"column {number}" for number, name in enumerate(row, 1)]
    twice = [name for name, count in Counter(names).items() if count > 1]
    mapped = sorted(mapping.names.intersection(twice))
    if mapped:
        remedy = "Give each column its own name, or set new names with header and skip_rows under [file]."
        raise FileUnreadable(file, f"its header has more than one {join_names(repr(name) for name in mapped)}", remedy)
    made: list[str] = []
    taken = set(names)
    for name in names:
        if name in made:
            number = 2
            while f"{name} ({number})" in taken:
                number += 1
            name = f"{name} ({number})"
            taken.add(name)
        made.append(name)
    return tuple(made)


def _explain(problem: Exception) -> str:
    if isinstance(problem, _TooLong):
        return f"its quote is not closed within {MAX_RECORD_CHARACTERS:,} characters"
    text = str(problem)
    if text == "unexpected end of data":
        return "its quote is never closed"
    if "expected after" in text:
        return f'{text}; a quote within quotes must be doubled (""), or set escape under [file]'
    return text


def _explain_broken(lines: Sequence[str], encoding: str) -> str:
    found = next(match for line in lines if (match := BROKEN.search(line)))
    if found[0] == "\0":
        return "it has a NUL character, which is not text"
    return f"byte {ord(found[0]) & 0xFF:#04x} is not {encoding}; set the file's encoding under [file], such as cp1252"


def _unused_name(name: str, header: Sequence[str]) -> str:
    while name in header:
        name += "'"
    return name


def _toml(character: str) -> str:
    return r'"\t"' if character == "\t" else f'"{character}"'
