"""The reader: a file of any format becomes batches of records, text as it stands in the file, in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from shipment_etl.errors import FileUnreadable
from shipment_etl.ingest.csv_file import csv_records
from shipment_etl.ingest.files import Lines
from shipment_etl.ingest.jsonl_file import jsonl_records
from shipment_etl.ingest.mapping import Mapping
from shipment_etl.ingest.parquet_file import parquet_batches
from shipment_etl.ingest.records import RECORDS, batches
from shipment_etl.printable import printable

__all__ = ["LandedFile", "land", "read"]

FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
}
ROW_GROUP_BYTES = 1 << 23


@dataclass(frozen=True, slots=True)
class LandedFile:
    """What was landed of a file: its name, printable; how many records, and how many of them have a problem."""

    file: str
    rows: int
    problems: int


def read(path: str | Path, mapping: Mapping) -> Iterator[pa.RecordBatch]:
    """Yield the records of a file, batch by batch.

    Columns:
        source_row: int64, the number of the record, from 1 below the header.
        record: map<string, string>, value by column name, exactly as in the file; null only where the file says so.
        problem: string, what is wrong with the record as a whole; null for most.

    Raises:
        FileMissing: there is no such file.
        FileEmpty: it holds no records.
        FileUnreadable: it is not what its name or the mapping says.
        UnknownColumn: the mapping names a column that it lacks.
    """
    path = Path(path)
    kind = mapping.file.format or _format_of(path)
    if kind == "parquet":
        yield from parquet_batches(path, mapping)
        return
    # Within quotes of CSV every line end counts, in JSON only the line feed is one.
    lines = Lines(path, mapping.file.encoding, newline="" if kind == "csv" else "\n")
    if kind == "csv":
        delimiter = mapping.file.delimiter or ("\t" if ".tsv" in path.name.lower() else ",")
        records = csv_records(lines, delimiter, mapping)
    else:
        records = jsonl_records(lines, mapping)
    yield from batches(records, lambda: lines.characters)


def land(path: str | Path, mapping: Mapping, target: str | Path) -> LandedFile:
    """Write the records of a file to a Parquet file, with the columns of `read`.

    The target is there once it is whole: what is written before has the name with `.part` after it, and goes if
    anything fails.

    Raises:
        FileMissing, FileEmpty, FileUnreadable, UnknownColumn: as `read`.
    """
    path, target = Path(path), Path(target)
    part = target.with_name(f"{target.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    rows = problems = 0
    try:
        with pq.ParquetWriter(part, RECORDS, compression="zstd") as writer:
            for table in _tables(read(path, mapping)):
                writer.write_table(table)
                rows += table.num_rows
                problems += table.num_rows - table["problem"].null_count
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return LandedFile(printable(path.name), rows, problems)


def _tables(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Gather batches: each table becomes a row group, and small ones cost."""
    gathered: list[pa.RecordBatch] = []
    for batch in batches:
        gathered.append(batch)
        if sum(each.nbytes for each in gathered) > ROW_GROUP_BYTES:
            yield pa.Table.from_batches(gathered)
            gathered = []
    if gathered:
        yield pa.Table.from_batches(gathered)


def _format_of(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    if not suffixes or suffixes[-1] not in FORMATS:
        raise FileUnreadable(
            str(path),
            "its name does not tell its format",
            'Set format = "csv", "jsonl" or "parquet" under [file] in the mapping.',
        )
    return FORMATS[suffixes[-1]]
