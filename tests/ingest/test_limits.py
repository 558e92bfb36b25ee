"""Limits: a file that exceeds a limit is refused with that limit, and other files land in bounded memory."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from shipment_etl import run_ingest
from shipment_etl.errors import (
    FileUnreadable,
    LimitExceeded,
    NothingReadable,
    RecordTooLarge,
    RecordTooLong,
    TooManyFields,
    UnpackedTooLarge,
)
from shipment_etl.ingest import limits
from shipment_etl.ingest.inputs import find_inputs
from shipment_etl.ingest.mapping import FileFormat
from shipment_etl.ingest.reader import land, read
from tests.ingest.mappings import HEADER, mapping

HEAD = ",".join(HEADER)
LINE = "1,A,B,2026-01-01,2026-01-02,2026-01-03,5"


def batches(path: Path) -> list[pa.RecordBatch]:
    return list(read(path, mapping()))


def test_records_that_do_not_end_are_read_again_only_up_to_a_limit(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    # Each line opens a quote that is never closed.
    lines = limits.MAX_RECORD_CHARACTERS // 10 + 1000
    path.write_text(f'{HEAD}\n"' + '\n......","' * lines + '"\n')
    with pytest.raises(RecordTooLong, match=r"the record that starts on line [0-9]+ has more than 4,194,304 characters"):
        batches(path)


@pytest.mark.parametrize("name", ["f.csv", "f.jsonl"])
def test_an_endless_line_is_not_read_to_its_end(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("x" * (limits.MAX_RECORD_CHARACTERS + 1))
    with pytest.raises(RecordTooLong, match="has more than 4,194,304 characters"):
        batches(path)


def test_a_record_has_a_maximum_number_of_fields(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text(f"{HEAD}\n{LINE}\n" + "," * limits.MAX_FIELDS + "\n")
    with pytest.raises(TooManyFields, match="line 3 has more than 16,384 fields"):
        batches(path)
    path.write_text(HEAD + "".join(f",c{number}" for number in range(limits.MAX_FIELDS)) + "\n")
    with pytest.raises(TooManyFields, match="line 1 has more than 16,384 fields"):
        batches(path)


def test_an_object_has_a_maximum_number_of_fields(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    wide = json.dumps({str(number): 1 for number in range(limits.MAX_FIELDS + 1)})
    for text in (wide, f"[{wide}]"):
        path.write_text(text)
        with pytest.raises(TooManyFields, match=r"f\.json cannot be read: an object has more than 16,384 fields"):
            batches(path)


def test_a_table_has_a_maximum_number_of_columns(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    pq.write_table(pa.table({str(number): pa.array([1]) for number in range(limits.MAX_FIELDS + 1)}), path)
    with pytest.raises(TooManyFields, match="its header has more than 16,384 fields"):
        batches(path)


def test_rows_of_growing_width_are_read_in_batches_of_bounded_size(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text(f"{HEAD}\n" + "".join("x" + "," * width + "\n" for width in range(1, 3000)))
    found = batches(path)
    assert sum(len(batch) for batch in found) == 2999
    assert max(batch.nbytes for batch in found) < 2 * limits.MAX_BATCH_BYTES


def write_long_values(path: Path, rows: int) -> None:
    columns = {name: pa.array(["2026-01-01"] * rows) for name in HEADER}
    columns["from"] = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["w" * (1 << 20)]))
    pq.write_table(pa.table(columns), path)


def test_a_value_that_repeats_in_many_rows_is_not_copied_for_each_row(tmp_path: Path) -> None:
    path, rows = tmp_path / "f.parquet", 200
    write_long_values(path, rows)
    found = batches(path)
    assert sum(len(batch) for batch in found) == rows
    assert max(batch.nbytes for batch in found) < 2 * limits.MAX_BATCH_BYTES


def test_rows_of_long_values_land_in_bounded_memory(spark: SparkSession, tmp_path: Path) -> None:
    path, rows = tmp_path / "f.parquet", 600
    write_long_values(path, rows)
    usual, counted = pa.default_memory_pool(), pa.proxy_memory_pool(pa.default_memory_pool())
    pa.set_memory_pool(counted)
    try:
        run = run_ingest(tmp_path / "lake", file=path, mapping=mapping(), source="acme", date="2026-01-01", spark=spark)
    finally:
        pa.set_memory_pool(usual)
    assert run.counts.accepted == rows
    # As text they are 600 MiB, in the lake's files about 30.
    assert counted.max_memory() < 300 << 20


def test_a_row_has_a_maximum_number_of_bytes(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    row = dict.fromkeys(HEADER, "1")
    pq.write_table(pa.Table.from_pylist([row, {**row, "from": "w" * (limits.MAX_BATCH_BYTES + 1)}, row]), path)
    with pytest.raises(RecordTooLarge, match="row 2 has more than 16,777,216 bytes"):
        batches(path)


def test_a_compressed_file_has_a_maximum_unpacked_size(tmp_path: Path) -> None:
    path = tmp_path / "f.csv.gz"
    with gzip.open(path, "wb") as file:
        file.write(f"{HEAD}\n".encode())
        for _ in range(2000):
            file.write(f"{LINE}\n".encode() * 1000)
    with pytest.raises(UnpackedTooLarge, match=r"has more than 67,[0-9,]+ bytes when unpacked. Unpack it yourself"):
        batches(path)


def test_a_file_of_broken_records_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text(f"{HEAD}\n" + "x\n" * 50_000 + f"{LINE}\n")
    with pytest.raises(NothingReadable, match=r"None of the first [12]\d,\d{3} records of f.csv .* expected 7 fields"):
        land(find_inputs([path]), mapping(), tmp_path / "landed.parquet", max_broken_at_first=10_000)
    assert not [*tmp_path.glob("landed*")]
    landed = land(find_inputs([path]), mapping(), tmp_path / "landed.parquet", max_broken_at_first=50_000)
    assert (landed.rows, landed.problems.total()) == (50_001, 50_000)


def test_limits_are_errors_of_files() -> None:
    every = (RecordTooLarge, RecordTooLong, TooManyFields, UnpackedTooLarge)
    assert all(issubclass(each, LimitExceeded) and issubclass(each, FileUnreadable) for each in every)


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("utf-16", f"{HEAD}\n{LINE}\n".encode("utf-16-le")),
        ("utf-16", b"\xfe\xff\x00"),
        ("utf-32", b"abcdefgh" * 9),
        ("utf-7", b"+\xff\n"),
        ("punycode", b"ID,From\nx-\xc3,\n"),
        ("idna", b"xn--\xff" * 99),
        ("unicode_escape", b"\\x\n"),
    ],
)
def test_bytes_that_are_invalid_in_an_encoding_are_reported(tmp_path: Path, encoding: str, content: bytes) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(content)
    with pytest.raises(FileUnreadable, match="encoding"):
        list(read(path, mapping(FileFormat(encoding=encoding))))


def test_utf_16_without_a_byte_order_mark_names_encodings_that_need_none(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(f"{HEAD}\n{LINE}\n".encode("utf-16-le"))
    with pytest.raises(FileUnreadable, match=r"no byte order mark: set its encoding .* to utf-16-le or utf-16-be"):
        list(read(path, mapping(FileFormat(encoding="utf-16"))))


def test_a_column_whose_name_is_not_utf_8_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    pq.write_table(pa.table({"abcdefgh": ["1"]}), path, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"abcdefgh", b"abc\xff\xfe\xfdgh"))
    with pytest.raises(FileUnreadable, match=r"the name of a column is not UTF-8|no column"):
        batches(path)
