"""Formats: each file format is declared once; the mapping, the command line and the docs use this table."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING, TypeAlias

from shipment_etl.errors import ExtraMissing, FileUnreadable, join_names

if TYPE_CHECKING:
    import pyarrow as pa

    from shipment_etl.ingest.inputs import Opened
    from shipment_etl.ingest.mapping import SourceMapping
    from shipment_etl.ingest.records import Notes

__all__ = ["FORMATS", "PACKED", "Format", "Reader", "describe_formats", "find_format", "format_of"]

Reader: TypeAlias = "Callable[[Opened, SourceMapping, Notes], Iterator[pa.RecordBatch]]"
"""Reads one file, once, in batches of the schema `records.RECORDS`."""


@dataclass(frozen=True, slots=True)
class Format:
    """A file format.

    Attributes:
        name: used for `format` in a mapping.
        title: used in help and docs.
        extensions: file extensions of the format.
        module: the module whose function `read` is its `Reader`.
        options: keys of [file] that it supports, besides format.
        extra, package: the extra that it needs, and the package that this extra installs.
    """

    name: str
    title: str
    extensions: tuple[str, ...]
    module: str
    options: tuple[str, ...] = ()
    extra: str = ""
    package: str = ""

    def reader(self) -> Reader:
        """Return the function that reads it.

        Raises:
            ExtraMissing: a package is not installed.
        """
        try:
            read: Reader = import_module(f"shipment_etl.ingest.{self.module}").read
        except ModuleNotFoundError as problem:
            if problem.name != self.package:
                raise
            raise ExtraMissing(f"To read {self.title}", self.package, self.extra) from None
        return read


TEXT = ("encoding",)
LINES = ("header", "skip_rows")

FORMATS = {
    each.name: each
    for each in (
        Format(
            "csv",
            "CSV",
            (".csv", ".tsv", ".txt"),
            "csv_file",
            (*TEXT, *LINES, "delimiter", "quote", "escape", "multiline", "ignore_lines"),
        ),
        Format("jsonl", "JSON lines", (".jsonl", ".ndjson"), "json_file", (*TEXT, "records")),
        Format("json", "JSON", (".json",), "json_file", (*TEXT, "records")),
        Format("parquet", "Parquet", (".parquet",), "parquet_file"),
        Format("excel", "Excel", (".xlsx", ".xlsm"), "excel_file", (*LINES, "sheet"), "excel", "openpyxl"),
    )
}
"""Name → format."""

PACKED = (".gz", ".bz2", ".xz")
"""Extensions of compressed files, which are unpacked while reading; zip archives are unpacked file by file."""


def format_of(name: str) -> Format:
    """Return the format of a file by its name.

    Raises:
        FileUnreadable: the name does not show a format.
    """
    found = find_format(name)
    if found is None:
        remedy = f"Set format under [file] in the mapping, to one of {join_names(FORMATS)}."
        raise FileUnreadable(name, "its name does not show its format", remedy)
    return found


def find_format(name: str) -> Format | None:
    """Return the format that the name of a file shows; None if it shows none."""
    shown = [each.lower() for each in PurePath(name).suffixes if each.lower() not in PACKED][-1:]
    return next((each for each in FORMATS.values() if shown and shown[0] in each.extensions), None)


def describe_formats() -> str:
    """Return the titles of all formats, for help."""
    *others, last = (each.title for each in FORMATS.values())
    return f"{', '.join(others)} or {last}"
