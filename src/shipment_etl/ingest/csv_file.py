"""CSV: a record a line (or more, within quotes), and what is ragged lands as it is."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

from shipment_etl.errors import FileEmpty, FileUnreadable, RecordTooLong, TooManyFields, listed, shorten
from shipment_etl.ingest.files import Lines
from shipment_etl.ingest.limits import MAX_FIELDS, MAX_RECORD_CHARACTERS
from shipment_etl.ingest.mapping import Mapping
from shipment_etl.ingest.records import Record

__all__ = ["csv_records"]

QUOTES = 'Look for a quote that is not closed or not doubled (""), and at delimiter under [file] in the mapping.'
DELIMITER = "Look at delimiter under [file] in the mapping."
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


def csv_records(lines: Lines, delimiter: str, mapping: Mapping) -> Iterator[Record]:
    """Yield every record below the header.

    A record with too few or too many fields has a problem, and keeps those it has; the surplus is named `column 34` and
    so on. Blank lines are no records.

    Raises:
        FileEmpty: there is no header, or no record.
        FileUnreadable: it is not CSV, or its header cannot be used.
        UnknownColumn: the mapping names a column that the header does not.
    """
    file = str(lines.path)
    # Process-wide, so only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_RECORD_CHARACTERS))
    rows = _rows(lines, delimiter)
    first = next(rows, None)
    if first is None:
        raise FileEmpty(file, "it has no header")
    header = _header(first, delimiter, file)
    mapping.check_columns(header, file)
    width, seen = len(header), False

    # Few, for each holds a name for each field, and each record may have another number of fields.
    @lru_cache(maxsize=8)
    def names(fields: int) -> Sequence[str]:
        extra = (_unused(f"column {number}", header) for number in range(width + 1, fields + 1))
        return (*header[:fields], *extra)

    for row in rows:
        seen = True
        if len(row) == width:
            yield header, row, None
        else:
            yield names(len(row)), row, f"expected {width} fields, found {len(row)}"
    if not seen:
        raise FileEmpty(file, "it has a header, but no record below it")


def _rows(lines: Lines, delimiter: str) -> Iterator[list[str]]:
    last_line = 0

    def bounded() -> Iterator[str]:
        """Yield the lines, no more in a row for one record than it may have."""
        started, length = 0, 0
        for text in lines:
            if started != last_line:
                started, length = last_line, 0
            length += len(text)
            if length > MAX_RECORD_CHARACTERS:
                where = f"the record that starts on line {last_line + 1:,}"
                raise RecordTooLong(str(lines.path), where, MAX_RECORD_CHARACTERS, QUOTES)
            yield text

    reader = csv.reader(bounded(), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            last_line = reader.line_num
            if len(row) > MAX_FIELDS:
                raise TooManyFields(str(lines.path), f"line {last_line:,}", MAX_FIELDS, DELIMITER)
            if row:
                yield row
    except csv.Error as problem:
        raise FileUnreadable(
            str(lines.path),
            f"the record that starts on line {last_line + 1:,} is not CSV ({problem})",
            QUOTES,
        ) from problem


def _header(first: Sequence[str], delimiter: str, file: str) -> tuple[str, ...]:
    other = next((each for each in DELIMITERS if each != delimiter and each in first[0]), None)
    if len(first) == 1 and other:
        raise FileUnreadable(
            file,
            f"its header is one field, {shorten(first[0])}",
            f"It looks separated by a {DELIMITERS[other]}: set delimiter = {_toml(other)} under [file] in the mapping.",
        )
    header = tuple(name or f"column {number}" for number, name in enumerate(first, 1))
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        names = listed(repr(name) for name in twice)
        raise FileUnreadable(file, f"its header has more than one {names}", "Give each column a name of its own.")
    return header


def _unused(name: str, header: Sequence[str]) -> str:
    while name in header:
        name += "'"
    return name


def _toml(character: str) -> str:
    return r'"\t"' if character == "\t" else f'"{character}"'
