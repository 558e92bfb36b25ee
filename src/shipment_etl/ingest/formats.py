"""Formats: each kind of file that can be read, declared once; the mapping, the command line and the docs read this table."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING, TypeAlias

from shipment_etl.errors import ExtraMissing, FileUnreadable, listed

if TYPE_CHECKING:
    import pyarrow as pa

    from shipment_etl.ingest.inputs import Opened
    from shipment_etl.ingest.mapping import SourceMapping
    from shipment_etl.ingest.records import Notes

__all__ = ["FORMATS", "PACKED", "Format", "Reader", "describe_formats", "format_of"]

Reader: TypeAlias = "Callable[[Opened, SourceMapping, Notes], Iterator[pa.RecordBatch]]"
"""Reads one file, once, in batches of the schema `records.RECORDS`."""


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file.

    Attributes:
        name: in `format` of a mapping.
        title: in help and docs.
        extensions: that tell it.
        module: whose function `read` is its `Reader`.
        options: keys of [file] that it knows, beside format.
        extra: of the package that it needs, and the package that this extra brings.
    """

    name: str
    title: str
    extensions: tuple[str, ...]
    module: str
    options: tuple[str, ...] = ()
    extra: str = ""
    package: str = ""

    def reader(self) -> Reader:
        """Return what reads it.

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
"""Extensions of packed files, which are unpacked on the way; zip archives are unpacked by file."""


def format_of(name: str) -> Format:
    """Return the format that the name of a file tells.

    Raises:
        FileUnreadable: it tells none.
    """
    suffixes = [suffix.lower() for suffix in PurePath(name).suffixes if suffix.lower() not in PACKED]
    found = _by_extension(suffixes[-1:])
    if found is None:
        remedy = f"Set format under [file] in the mapping, to one of {listed(FORMATS)}."
        raise FileUnreadable(name, "its name does not tell its format", remedy)
    return found


def is_known(name: str) -> bool:
    """Whether the name of a file tells its format."""
    suffixes = [suffix.lower() for suffix in PurePath(name).suffixes if suffix.lower() not in PACKED]
    return _by_extension(suffixes[-1:]) is not None


def describe_formats() -> str:
    """Return the titles of all formats, for help."""
    *others, last = (each.title for each in FORMATS.values())
    return f"{', '.join(others)} or {last}"


def _by_extension(suffixes: Iterable[str]) -> Format | None:
    for suffix in suffixes:
        for each in FORMATS.values():
            if suffix in each.extensions:
                return each
    return None
