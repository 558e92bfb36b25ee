"""Sample: the first records of a file, and its layout; bounded for files of any size."""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from shipment_etl.contracts.columns import COLUMNS, MEASURES
from shipment_etl.errors import FileUnreadable, IngestError, join_names
from shipment_etl.ingest.formats import FORMATS, find_format
from shipment_etl.ingest.inputs import STDIN, Input, find_inputs, open_input
from shipment_etl.ingest.mapping import MAY_BE_LEFT_OUT, ColumnMapping, FileFormat, SourceMapping
from shipment_etl.ingest.names import tidy
from shipment_etl.ingest.reader import read
from shipment_etl.mapping_draft.csv_layout import find_csv_layout, find_encoding, is_typed

__all__ = ["MAX_RECORDS", "Sample", "take_sample"]

MAX_RECORDS = 5_000
"""Records that a draft is made from."""
HEAD_BYTES = 1 << 20
MAX_DEPTH = 4
MAX_LIST = 2
"""Items of a list within a record that become columns."""


@dataclass(frozen=True)
class Sample:
    """The first records of a file.

    Attributes:
        name: name of the file.
        file: layout of the file.
        evidence: evidence for `file`, by key.
        records: records without a problem, flat: nested names are joined by dots.
        problems: problems of the other records.
        is_whole: whether the file has no more records.
        notes: additional notes for the reader of the draft.
    """

    name: str
    file: FileFormat
    evidence: dict[str, str]
    records: list[dict[str, str | None]]
    problems: list[str]
    is_whole: bool
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> dict[str, list[str | None]]:
        """Column → its values, normalized, None where empty."""
        names = dict.fromkeys(name for record in self.records for name in record)
        return {name: [tidy(record.get(name) or "") or None for record in self.records] for name in names}


def take_sample(path: str) -> Sample:
    """Return a sample of a file, or of the first of several.

    Raises:
        IngestError, ExtraMissing: as `ingest.reader.read`.
    """
    if path == STDIN:
        raise FileUnreadable("stdin", "it can be read only once, but a draft reads it twice", "Save it to a file first.")
    sources = find_inputs([path])
    first = sources[0]
    kind = find_format(first.name)
    if kind is None:
        endings = join_names(ending for each in FORMATS.values() for ending in each.extensions)
        remedy = f"Rename it, so that its name ends in one of {endings}."
        raise FileUnreadable(first.name, "its name does not show its format", remedy)
    notes = () if len(sources) == 1 else (f"the draft was made from the first of {len(sources)} files, {first.short_name}",)
    file, evidence = _layout(first, kind.name)
    file, found = _records_within(first, replace(file, format=kind.name), evidence)
    records, problems, is_whole = found
    return Sample(first.short_name, file, evidence, [_flatten(each) for each in records], problems, is_whole, notes)


def _layout(source: Input, kind: str) -> tuple[FileFormat, dict[str, str]]:
    evidence = {"format": f"the name of the file says {FORMATS[kind].title}"}
    if kind == "excel":
        return _sheet_layout(source, evidence)
    if kind == "parquet":
        return FileFormat(), evidence
    with open_input(source) as opened:
        head = opened.data.read(HEAD_BYTES)
        is_whole = not opened.data.read(1)
    encoding, evidence["encoding"] = find_encoding(head, is_whole=is_whole)
    if kind != "csv":
        return FileFormat(encoding=encoding), evidence
    text = head.decode(encoding, "replace").removeprefix("\ufeff")
    layout = find_csv_layout(text, is_whole=is_whole)
    evidence |= dict(layout.evidence)
    return (
        FileFormat(
            encoding=encoding,
            delimiter=layout.delimiter,
            escape=layout.escape,
            skip_rows=layout.skip_rows,
            header=layout.header,
            ignore_lines=layout.ignore_lines,
        ),
        evidence,
    )


def _sheet_layout(source: Input, evidence: dict[str, str]) -> tuple[FileFormat, dict[str, str]]:
    from shipment_etl.ingest.excel_file import first_rows

    with open_input(source) as opened:
        sheets = first_rows(opened, 50)
    # The first sheet with a table; a cover sheet has few columns.
    name = next((each for each, rows in sheets.items() if _width(rows) > 2), next(iter(sheets)))
    if len(sheets) > 1:
        others = ", ".join(repr(each) for each in sheets if each != name)
        evidence["sheet"] = f"CHECK: there are other sheets, {others[:100]}"
    rows = sheets[name]
    width = _width(rows)
    for number, row in enumerate(rows):
        filled = sum(cell is not None for cell in row)
        if filled >= max(1, width / 2) and sum(map(is_typed, row)) < filled / 2:
            if number:
                titles = "; ".join(cell for each in rows[:number] for cell in each if cell)
                evidence["skip_rows"] = f"above the header: {titles[:120] or 'blank rows'}"
            return FileFormat(sheet=name if len(sheets) > 1 else None, skip_rows=number), evidence
    return FileFormat(sheet=name if len(sheets) > 1 else None), evidence


def _width(rows: Iterable[list[str | None]]) -> int:
    return max((sum(cell is not None for cell in row) for row in rows), default=0)


Found = tuple[list[dict[str, str | None]], list[str], bool]


def _records_within(source: Input, file: FileFormat, evidence: dict[str, str]) -> tuple[FileFormat, Found]:
    """Return the records of a file; if it is one JSON object with a list of objects, those of the list."""
    found = _take(source, file)
    if file.format not in ("json", "jsonl") or len(found[0]) != 1 or not found[2]:
        return file, found
    path = _longest_list(found[0][0])
    if not path:
        return file, found
    with suppress(IngestError):
        inner = replace(file, records=path)
        found = _take(source, inner)
        evidence["records"] = "the file is one object, and this is the list of objects within it"
        return inner, found
    return file, found


def _take(source: Input, file: FileFormat) -> Found:
    records: list[dict[str, str | None]] = []
    problems: list[str] = []
    for text, problem in islice(_rows(source, file), MAX_RECORDS + 1):
        if problem is None:
            records.append(json.loads(text))
        else:
            problems.append(problem)
    is_whole = len(records) + len(problems) <= MAX_RECORDS
    return records[:MAX_RECORDS], problems, is_whole


def _rows(source: Input, file: FileFormat) -> Iterator[tuple[str, str | None]]:
    for batch in read(source, _open_mapping(file)):
        yield from zip(batch["record"].to_pylist(), batch["problem"].to_pylist(), strict=True)


def _open_mapping(file: FileFormat) -> SourceMapping:
    """Return a mapping that names no column of the file, so that any can be read with it."""
    names = [name for name in COLUMNS if name not in (*MEASURES, *MAY_BE_LEFT_OUT)]
    return SourceMapping(columns={name: ColumnMapping(constant="-") for name in names}, file=file)


def _longest_list(record: dict[str, str | None]) -> str:
    found: dict[str, int] = {}

    def visit(value: Any, path: str) -> None:
        if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            found[path] = len(value)
        elif isinstance(value, dict):
            for name, each in value.items():
                visit(each, f"{path}.{name}" if path else name)

    visit({name: _parse(value) for name, value in record.items()}, "")
    return max(found, key=lambda each: found[each], default="")


def _parse(value: str | None) -> Any:
    if value and value.lstrip().startswith(("{", "[")):
        with suppress(ValueError, RecursionError):
            # Numbers stay as written in the file.
            return json.loads(value, parse_float=str, parse_int=str)
    return value


def _flatten(record: dict[str, str | None]) -> dict[str, str | None]:
    """Return a record with its nested values, by path."""
    made: dict[str, str | None] = {}

    def visit(value: Any, path: str, depth: int) -> None:
        if isinstance(value, dict) and depth < MAX_DEPTH:
            for name, each in value.items():
                visit(each, f"{path}.{name}", depth + 1)
        elif isinstance(value, list) and depth < MAX_DEPTH:
            for number, each in enumerate(value[:MAX_LIST]):
                visit(each, f"{path}.{number}", depth + 1)
        else:
            made[path] = None if value is None else str(value).lower() if isinstance(value, bool) else str(value)

    for name, value in record.items():
        visit(_parse(value), tidy(name), 0)
    return made
