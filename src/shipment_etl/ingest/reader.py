"""The reader: files of any format become one stream of records, with their text unchanged, in bounded memory."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shipment_etl.errors import FileEmpty, MixedCurrencies, NothingReadable, shorten
from shipment_etl.ingest.currencies import currency_names, find_codes
from shipment_etl.ingest.formats import FORMATS, format_of
from shipment_etl.ingest.inputs import Input, find_inputs, open_input
from shipment_etl.ingest.mapping import SourceMapping
from shipment_etl.ingest.names import NOTHING, tidy
from shipment_etl.ingest.records import RECORDS, Notes

__all__ = ["LANDED", "Landed", "land", "read"]

LANDED = pa.schema([pa.field("source_file", pa.string()), pa.field("source_row", pa.int64()), *RECORDS])
"""Schema of landed files: the name of the file, and the number of the record over all files.

Numbers are counted on from the last record of the batch that files are added to, otherwise from 1.
"""

ROW_GROUP_BYTES = 1 << 23
MAX_KINDS = 1000
MAX_WARNINGS = 20
MAX_LEFT_OUT = 5
"""Values of a column that an error shows, if all records are left out."""


@dataclass(slots=True)
class Landed:
    """The result of landing files.

    Attributes:
        files: printable names of the files.
        rows: number of records.
        filtered: number of records left out by `where`.
        left_out: column that `where` names → some of its values in these records, as they are compared.
        problems: problem of a record as a whole → number of records.
        warnings: probable mistakes in the mapping.
    """

    files: list[str] = field(default_factory=list)
    rows: int = 0
    filtered: int = 0
    left_out: dict[str, dict[str, None]] = field(default_factory=dict)
    problems: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)

    @property
    def main_problem(self) -> str:
        """The most common problem; there must be one."""
        return self.problems.most_common(1)[0][0]

    @property
    def file(self) -> str:
        """The name of the file, or the number of files."""
        return self.files[0] if len(self.files) == 1 else f"{len(self.files)} files"


def read(source: Input | str | Path, mapping: SourceMapping, notes: Notes | None = None) -> Iterator[pa.RecordBatch]:
    """Yield the records of a file, batch by batch, each as a JSON object of texts and nulls by column name.

    Columns:
        record: string, the object, its values exactly as in the file, except for Unicode normalization (NFC).
        problem: string, what is wrong with the record as a whole; null for most.

    Raises:
        FileMissing: there is no such file.
        FileEmpty: it has no records.
        FileUnreadable: it is not what its name or the mapping says.
        LimitExceeded: it exceeds one of the `limits`.
        UnknownColumn: the mapping names a column that is missing.
        ExtraMissing: its format needs a package that is not installed.
    """
    if not isinstance(source, Input):
        (source,) = find_inputs([source])
    kind = FORMATS[mapping.file.format] if mapping.file.format else format_of(source.name)
    with open_input(source) as opened:
        yield from kind.reader()(opened, mapping, notes or Notes())


def land(
    sources: Iterable[Input],
    mapping: SourceMapping,
    target: str | Path,
    last_row: int = 0,
    max_broken_at_first: int | None = None,
) -> Landed:
    """Write the records of files to a Parquet file, with the columns of `LANDED`; row numbers continue from `last_row`.

    The target appears only when it is complete: until then the file has the suffix `.part`, and is removed if anything
    fails. If the first records have a problem, and they are more than `max_broken_at_first`, the rest is not read.

    Raises:
        IngestError, UnknownColumn, ExtraMissing: as `read`.
        FileEmpty: all records are left out by `where`.
        NothingReadable: more than `max_broken_at_first` records have a problem before the first valid one.
        MixedCurrencies: costs are in several currencies, and the mapping does not declare them.
    """
    target = Path(target)
    part = target.with_name(f"{target.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    landed = Landed()
    try:
        with pq.ParquetWriter(part, LANDED, compression="snappy", use_dictionary=["source_file", "problem"]) as writer:
            batches = _number(sources, mapping, landed, last_row)
            _write(_tables(batches if max_broken_at_first is None else _watch(batches, landed, max_broken_at_first)), writer)
        if landed.filtered and not landed.rows:
            raise FileEmpty(landed.file, _describe_left_out(landed), "Check the values of [where].")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return landed


def _write(tables: Iterator[pa.Table], writer: pq.ParquetWriter) -> None:
    """Write tables; each is written while the next one is read."""
    with ThreadPoolExecutor(1) as pool:
        written: Future[None] | None = None
        for table in tables:
            if written is not None:
                written.result()
            written = pool.submit(writer.write_table, table)
        if written is not None:
            written.result()


def _number(sources: Iterable[Input], mapping: SourceMapping, landed: Landed, number: int) -> Iterator[pa.RecordBatch]:
    placeholders = dict.fromkeys(mapping.text_columns, NOTHING - mapping.all_nulls)
    notes = Notes(placeholders, currency_names(mapping.undeclared_amounts))
    for source in sources:
        landed.files.append(source.short_name)
        for batch in read(source, mapping, notes):
            rows = pa.array(np.arange(number + 1, number + 1 + len(batch), dtype=np.int64))
            number += len(batch)
            name = pa.array([source.short_name], pa.string()).take(pa.array(np.zeros(len(batch), np.int32)))
            numbered = pa.RecordBatch.from_arrays([name, rows, *batch.columns], schema=LANDED)
            kept = _filter(numbered, mapping, landed)
            landed.rows += len(kept)
            _count_problems(kept, landed)
            yield kept
    codes = find_codes(notes.values)
    for name, found in codes.items():
        if len(found) > 1:
            raise MixedCurrencies(name, sorted(found))
    landed.warnings += _warnings(notes, mapping)


def _watch(batches: Iterator[pa.RecordBatch], landed: Landed, max_broken: int) -> Iterator[pa.RecordBatch]:
    """Pass batches on; stop if all records so far are broken, and they are more than the maximum."""
    for batch in batches:
        if landed.problems.total() == landed.rows > max_broken:
            raise NothingReadable(landed.file, landed.rows, landed.main_problem)
        yield batch


def _filter(batch: pa.RecordBatch, mapping: SourceMapping, landed: Landed) -> pa.RecordBatch:
    """Keep records with the values of `where`, and records that cannot be read; note what the others have instead."""
    if not mapping.where:
        return batch
    allowed = {tidy(name): frozenset(map(tidy, values)) for name, values in mapping.where.items()}
    keep = []
    for text, problem in zip(batch["record"].to_pylist(), batch["problem"].to_pylist(), strict=True):
        record = {} if problem is not None else json.loads(text)
        others = {name: tidy(record.get(name) or "") for name in allowed if problem is None}
        others = {name: value for name, value in others.items() if value not in allowed[name]}
        keep.append(not others)
        landed.filtered += bool(others)
        for name, value in others.items():
            seen = landed.left_out.setdefault(name, {})
            if len(seen) < MAX_LEFT_OUT:
                seen[value] = None
    return batch.filter(pa.array(keep, pa.bool_()))


def _describe_left_out(landed: Landed) -> str:
    found = "; ".join(
        f"column {shorten(name)} has {', '.join(map(shorten, seen))}" for name, seen in landed.left_out.items()
    )
    return f"all {landed.filtered:,} records are left out by [where] in the mapping: {found}"


def _count_problems(batch: pa.RecordBatch, landed: Landed) -> None:
    if batch["problem"].null_count == len(batch):
        return
    for each in pc.value_counts(batch["problem"].drop_null()).to_pylist():
        kind = each["values"] if len(landed.problems) < MAX_KINDS or each["values"] in landed.problems else "others"
        landed.problems[kind] += each["counts"]


def _warnings(notes: Notes, mapping: SourceMapping) -> Iterator[str]:
    by_column: dict[str, list[str]] = {}
    for (name, word), _ in notes.counts.most_common(MAX_WARNINGS):
        by_column.setdefault(name, []).append(word)
    for name, words in by_column.items():
        rows = sum(notes.counts[name, word] for word in words)
        line = f"nulls = {json.dumps(sorted(words), ensure_ascii=False)}"
        yield (
            f"column {name!r}, mapped to {mapping.text_columns[name]}, has placeholder words in {rows:,} rows, which "
            f"are read as names; if they are not names, add to the mapping: {line}"
        )


def _tables(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Combine batches into tables: each becomes a row group, and small row groups are slow."""
    gathered: list[pa.RecordBatch] = []
    for batch in batches:
        if len(batch):
            gathered.append(batch)
        if sum(each.nbytes for each in gathered) > ROW_GROUP_BYTES:
            yield pa.Table.from_batches(gathered)
            gathered = []
    if gathered:
        yield pa.Table.from_batches(gathered)
