"""Excel: the rows of one sheet, landed as text; dates in ISO 8601, numbers without exponent."""

import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal
from itertools import compress, islice
from typing import Any
from xml.etree.ElementTree import ParseError  # nosec B405 # only the name of the error that openpyxl's parser raises

import openpyxl
import pyarrow as pa
from openpyxl.utils.exceptions import InvalidFileException

from shipment_etl.errors import FileEmpty, FileUnreadable, UnknownColumn, UnpackedTooLarge, join_names
from shipment_etl.ingest.csv_file import name_columns
from shipment_etl.ingest.inputs import Opened, unpacked_limit
from shipment_etl.ingest.mapping import SourceMapping
from shipment_etl.ingest.names import tidy
from shipment_etl.ingest.records import Notes, Record, gather

__all__ = ["first_rows", "read"]

MAX_TITLE_ROWS = 50
NOT_SHOWN = re.compile(r'"[^"]*"|[\\_*].|\[[^\]]*\]')
"""Parts of a number format that do not stand for a part of the value."""
DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ParseError, InvalidFileException),
    *(AttributeError, KeyError, IndexError, OverflowError, TypeError, ValueError),
)
"""Exceptions that openpyxl raises or passes on where an archive, its XML or its content is damaged."""


def read(opened: Opened, mapping: SourceMapping, notes: Notes) -> Iterator[pa.RecordBatch]:
    """Yield the rows below the header of a sheet: the one that `sheet` names, else the first.

    Formulas have the value that Excel computed last. Empty rows are skipped. Midnight is a day, unless the mapping reads the
    column with a time of day, and the cell shows one.

    Raises:
        FileEmpty: there is no header, or no row below it.
        FileUnreadable: it is not an Excel file, or has no such sheet.
        UnknownColumn: the mapping names a column that the header does not have.
        UnpackedTooLarge: it is too large when unpacked.
    """
    with opened.seekable() as data:
        book = _open(data, opened.name)
        sheet = _sheet(book, mapping, opened.name)
        cells = _cells(sheet, opened.name)
        header = _header(map(_texts, cells), mapping, opened)
        timed = [name in mapping.timed_columns for name in header]
        rows = (_texts(row, timed) for row in cells)
        seen = False
        for batch in gather(_records(rows, header), notes, opened.input.partitions):
            yield batch
            seen = True
        if not seen:
            raise FileEmpty(opened.name, "it has a header, but no rows")


def first_rows(opened: Opened, count: int) -> dict[str, list[list[str | None]]]:
    """Return the first rows of every sheet, including empty rows, by the name of the sheet.

    Raises:
        FileUnreadable: it is not an Excel file.
        UnpackedTooLarge: it is too large when unpacked.
    """
    with opened.seekable() as data:
        book = _open(data, opened.name)
        return {sheet.title: list(map(_texts, islice(_cells(sheet, opened.name), count))) for sheet in book.worksheets}


def _open(data: Any, name: str) -> Any:
    _check_size(data, name)
    try:
        return openpyxl.load_workbook(data, read_only=True, data_only=True)
    except DAMAGED as problem:
        raise _refusal(name, problem) from problem


def _check_size(data: Any, name: str) -> None:
    try:
        with zipfile.ZipFile(data) as archive:
            members = archive.infolist()
    except DAMAGED as problem:
        raise _refusal(name, problem) from problem
    data.seek(0)
    limit = unpacked_limit(sum(each.compress_size for each in members))
    if sum(each.file_size for each in members) > limit:
        raise UnpackedTooLarge(name, "its content", limit, "Save it as CSV if you trust it.")


def _sheet(book: Any, mapping: SourceMapping, name: str) -> Any:
    wanted = mapping.file.sheet
    if wanted is None:
        return book.worksheets[0]
    if wanted not in book.sheetnames:
        remedy = f"Set sheet under [file] in the mapping to one of {join_names(book.sheetnames)}."
        raise FileUnreadable(name, f"it has no sheet {wanted!r}", remedy)
    return book[wanted]


def _cells(sheet: Any, name: str) -> Iterator[Sequence[Any]]:
    # The dimensions in the file may be wrong, and would cut off rows.
    sheet.reset_dimensions()
    try:
        yield from sheet.iter_rows()
    except DAMAGED as problem:
        raise _refusal(name, problem) from problem


def _header(rows: Iterator[list[str | None]], mapping: SourceMapping, opened: Opened) -> tuple[str, ...]:
    partitions = opened.input.partitions
    if mapping.file.header:
        given = tuple(tidy(name) for name in mapping.file.header)
        mapping.check_columns([*given, *partitions], opened.name)
        for _ in islice(rows, mapping.file.skip_rows):
            pass
        return given
    for number, row in enumerate(rows, 1):
        if number > mapping.file.skip_rows and any(row):
            while row and row[-1] is None:
                row.pop()
            header = name_columns(row, mapping, opened.name)
            try:
                mapping.check_columns([*header, *partitions], opened.name)
            except UnknownColumn:
                for further, each in enumerate(islice(rows, MAX_TITLE_ROWS), number + 1):
                    if mapping.names <= {tidy(name or "") for name in each} | {*partitions}:
                        why = f"row {number} is not a header with the columns that the mapping names, but row {further} is"
                        remedy = f"Set skip_rows = {further - 1} under [file] in the mapping."
                        raise FileUnreadable(opened.name, why, remedy) from None
                raise
            return header
    raise FileEmpty(opened.name, "it has no header")


def _records(rows: Iterable[list[str | None]], header: tuple[str, ...]) -> Iterator[Record]:
    width = len(header)
    for row in rows:
        if not any(row):
            continue
        surplus = [each for each in row[width:] if each is not None]
        if surplus:
            names = (*header, *(f"column {number}" for number in range(width + 1, len(row) + 1)))
            yield names, row, f"expected {width} cells, found {len(row)}"
        else:
            yield header, [*row[:width], *([None] * (width - len(row)))], None


def _texts(row: Sequence[Any], timed: Sequence[bool] = ()) -> list[str | None]:
    """Return the texts of cells; `timed`: whether those of a column are read with a time of day."""
    texts = [_text(cell.value) for cell in row]
    for at in compress(range(len(texts)), timed):
        value = row[at].value
        if isinstance(value, datetime) and value.time() == time() and _shows_time(row[at].number_format):
            texts[at] = value.isoformat()
    return texts


def _shows_time(number_format: str) -> bool:
    """Whether a number format shows a time of day; letters in a text, a colour or a language are no part of it."""
    return bool(re.search("[hs]", NOT_SHOWN.sub("", number_format), re.IGNORECASE))


def _text(value: Any) -> str | None:
    match value:
        case None:
            return None
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case float():
            text = format(Decimal(repr(value)), "f") if value == value and abs(value) != float("inf") else str(value)
            return text.removesuffix(".0")
        case datetime():
            # A date is stored as midnight.
            return value.date().isoformat() if value.time() == time() else value.isoformat(timespec="auto")
        case timedelta():
            return str(value)
        case _:
            return str(value.isoformat() if hasattr(value, "isoformat") else value)


def _refusal(name: str, problem: Exception) -> FileUnreadable:
    why = f"it is not an Excel file (.xlsx), or a damaged one ({type(problem).__name__}: {problem})"
    return FileUnreadable(name, why, "Save it again as .xlsx or CSV.")
