"""The reader: every record of every format, unchanged, and a clear error for a bad file."""

import csv
import gzip
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shipment_etl.errors import FileEmpty, FileMissing, FileUnreadable, UnknownColumn
from shipment_etl.ingest.inputs import find_inputs
from shipment_etl.ingest.mapping import FileFormat
from shipment_etl.ingest.reader import land, read
from tests.ingest.mappings import HEADER, mapping

ROW = ("1", "A", "B", "2026-01-01", "2026-01-02", "2026-01-03", "5")
LINE = ",".join(ROW)
HEAD = ",".join(HEADER)

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), max_size=12)


def rows(path: Path, file: FileFormat | None = None) -> list[dict[str, Any]]:
    every = [row for batch in read(path, mapping(file)) for row in batch.to_pylist()]
    return [{**row, "record": json.loads(row["record"]), "source_row": at} for at, row in enumerate(every, 1)]


def write_file(tmp_path: Path, text: str | bytes, name: str = "f.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(words, min_size=7, max_size=7), min_size=1, max_size=20))
def test_written_csv_is_read_back(tmp_path: Path, table: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerows([HEADER, *table])
    path = write_file(tmp_path, text.getvalue())
    if not any(map(any, table)):
        with pytest.raises(FileEmpty):
            rows(path)
        return
    found = rows(path, FileFormat(multiline=True))
    assert [list(row["record"].values()) for row in found] == [
        [normalize("NFC", value) for value in row] for row in table if any(row)
    ]
    assert all(row["problem"] is None for row in found)


@pytest.mark.parametrize(
    ("content", "file"),
    [
        (f"\ufeff{HEAD}\n{LINE}\n".encode(), None),
        (f"{HEAD}\r\n{LINE}".encode(), None),
        (f"\n{HEAD}\n\n{LINE}\n\n".encode(), None),
        (gzip.compress(f"{HEAD}\n{LINE}\n".encode(), mtime=0), None),
        (f"{HEAD}\n{LINE}\n".replace(",", ";").encode(), FileFormat(delimiter=";")),
        (f"{HEAD}\n{LINE}\n".encode("utf-16"), FileFormat(encoding="utf-16")),
    ],
)
def test_marks_line_ends_compression_and_encodings_do_not_change_records(
    tmp_path: Path, content: bytes, file: FileFormat | None
) -> None:
    (row,) = rows(write_file(tmp_path, content), file)
    assert tuple(row["record"].values()) == ROW


def test_latin_1_is_read_if_declared_and_reported_if_not(tmp_path: Path) -> None:
    path = write_file(tmp_path, f"{HEAD}\n{LINE}\n{LINE.replace('A', 'Zürich')}\n".encode("latin-1"))
    assert rows(path, FileFormat(encoding="latin-1"))[1]["record"]["from"] == "Zürich"
    good, bad = rows(path)
    assert good["problem"] is None
    assert bad["problem"] == "byte 0xfc is not utf-8; set the file's encoding under [file], such as cp1252"
    assert bad["record"] == {"line": LINE.replace("A", r"Z\xfcrich")}


def test_ragged_records_land_with_their_problem(tmp_path: Path) -> None:
    short, long = rows(write_file(tmp_path, f"{HEAD}\n1,A\n{LINE},x,y\n"))
    assert (short["problem"], short["record"]) == ("expected 7 fields, found 2", {"id": "1", "from": "A"})
    assert long["problem"] == "expected 7 fields, found 9"
    assert long["record"]["column 9"] == "y"


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        ("", FileEmpty, "has no rows"),
        (f"{HEAD}\n", FileEmpty, "it has a header, but no records"),
        (HEAD.replace(",", ";") + "\n", FileUnreadable, 'set delimiter = ";" under [file]'),
        (f"id,id,{HEAD}\n{LINE}\n", FileUnreadable, "more than one 'id'"),
        (f"{HEAD.replace('kg', 'kgs')}\n{LINE}\n", UnknownColumn, "has no column 'kg'. Did you mean 'kgs'?"),
        (gzip.compress(f"{HEAD}\n{LINE}\n".encode() * 999, mtime=0)[:-20], FileUnreadable, "Fetch it again"),
    ],
)
def test_a_bad_file_is_reported_with_its_name_and_a_fix(
    tmp_path: Path, content: str | bytes, error: type[Exception], said: str
) -> None:
    path = write_file(tmp_path, content)
    with pytest.raises(error) as caught:
        rows(path)
    assert said in str(caught.value)
    assert "f.csv" in str(caught.value)


def test_a_missing_file_a_folder_and_an_unknown_format_are_reported(tmp_path: Path) -> None:
    with pytest.raises(FileMissing, match=r"There is no file .*none\.csv"):
        rows(tmp_path / "none.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(FileEmpty, match=r"folder\.csv has no rows: it has no file in a known format"):
        rows(tmp_path / "folder.csv")
    with pytest.raises(FileUnreadable, match=r"its name does not show its format. Set format under"):
        rows(write_file(tmp_path, "x", "f.dat"))


def test_json_lines_land_as_text_and_broken_ones_with_their_problem(tmp_path: Path) -> None:
    good = dict(zip(HEADER, [1, "A", None, 1.50, True, {"a": [1]}, "5"], strict=True))
    lines = [json.dumps(good), "not json", "[1]", ""]
    first, second, third = rows(write_file(tmp_path, "\n".join(lines), "f.jsonl"))
    assert tuple(first["record"].values()) == ("1", "A", None, "1.5", "true", '{"a": [1]}', "5")
    assert second["record"] == {"line": "not json"}
    assert second["problem"].startswith("not a JSON object")
    assert third["problem"] == "not a JSON object: it is [1]"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id": 1, "id": 2}', "'id' appears twice"),
        ('{"id": "\\ud800"}', "it has a surrogate or NUL character"),
        ("[" * 100_000, "maximum recursion depth"),
    ],
)
def test_a_json_line_that_would_lose_data_lands_unchanged(tmp_path: Path, line: str, said: str) -> None:
    good = json.dumps(dict(zip(HEADER, ROW, strict=True)))
    first, second = rows(write_file(tmp_path, f"{good}\r\n  {line}\n", "f.jsonl"))
    assert tuple(first["record"].values()) == ROW
    assert second["record"] == {"line": line}
    assert said in second["problem"]


def test_json_numbers_keep_every_digit(tmp_path: Path) -> None:
    text = (
        '{"id": 1.50, "from": 1e3, "to": [0.10, {"a": -0}], "out": 12345678901234567890.10, "due": NaN, "in": "é", "kg": 0}'
    )
    (row,) = rows(write_file(tmp_path, text, "f.ndjson"))
    assert tuple(row["record"].values()) == ("1.50", "1e3", '[0.10, {"a": -0}]', "12345678901234567890.10", "NaN", "é", "0")


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        (" \n\n", FileEmpty, "it has no objects"),
        ("1\n[2]\n", FileUnreadable, "none of its first 2 records is a JSON object: not a JSON object: it is 1. Write one"),
        ('[{"id": 1},\n', FileUnreadable, "its list of records is not closed"),
        ('{"id": 1}\n', UnknownColumn, "has no column 'from'"),
    ],
)
def test_json_without_rows_is_reported(tmp_path: Path, content: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error) as caught:
        rows(write_file(tmp_path, content, "f.json"))
    assert said in str(caught.value)


def test_unnamed_columns_and_surplus_fields_get_their_own_names(tmp_path: Path) -> None:
    (row,) = rows(write_file(tmp_path, f"{HEAD},,column 10\n{LINE},x,y,z\n"))
    assert [*row["record"].items()][len(ROW) :] == [("column 8", "x"), ("column 10", "y"), ("column 10'", "z")]


def test_quotes_line_ends_and_blank_lines_within_a_field_stay(tmp_path: Path) -> None:
    text = f'{HEAD}\r\n\r\n"1",\'A\',"B ""x"" \r\n\r\n,;",,,, 5 \r\n'
    (row,) = rows(write_file(tmp_path, text))
    assert tuple(row["record"].values()) == ("1", "'A'", 'B "x" \r\n\r\n,;', "", "", "", " 5 ")
    assert row["source_row"] == 1


def test_a_tsv_is_separated_by_tabs(tmp_path: Path) -> None:
    path = write_file(tmp_path, gzip.compress(f"{HEAD}\n{LINE}\n".replace(",", "\t").encode()), "f.TSV.gz")
    assert tuple(rows(path)[0]["record"].values()) == ROW


def test_a_csv_in_a_folder_named_like_a_tsv_is_separated_by_commas(tmp_path: Path) -> None:
    (tmp_path / "exports.tsv").mkdir()
    assert tuple(rows(write_file(tmp_path, f"{HEAD}\n{LINE}\n", "exports.tsv/f.csv"))[0]["record"].values()) == ROW


def test_a_quote_never_closed_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = write_file(tmp_path, f'{HEAD}\n{LINE}\n"' + f"{LINE}\n" * 600_000)
    problems = [row["problem"] for batch in read(path, mapping()) for row in batch.to_pylist() if row["problem"]]
    assert problems == ["not CSV: its quote is not closed within 4,194,304 characters"]


def test_a_line_that_never_ends_does_not_fill_the_memory(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match=r"has more than 4,194,304 characters"):
        rows(write_file(tmp_path, "x" * (1 << 25)))


@pytest.mark.parametrize("lines", [1, 3_000, 30_000])
def test_invalid_bytes_are_reported_by_line_anywhere_in_a_file(tmp_path: Path, lines: int) -> None:
    content = f"{HEAD}\n".encode() + f"{LINE}é\n".encode() * lines + b"1,\xff\n" + f"{LINE}\n".encode() * 9
    found = rows(write_file(tmp_path, content))
    assert [row["source_row"] for row in found if row["problem"]] == [lines + 1]
    assert found[lines]["problem"].startswith("byte 0xff is not utf-8")
    assert len(found) == lines + 10


def test_a_file_named_gz_must_be_gzip(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match=r"If it is not compressed, remove \.gz from its name"):
        rows(write_file(tmp_path, f"{HEAD}\n{LINE}\n", "f.csv.gz"))


def test_parquet_numbers_are_plain_and_other_types_iso_or_json(tmp_path: Path) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    values = {
        "id": pa.array([1e-7, None]),
        "from": pa.array([Decimal("0.0000000001"), None]),
        "to": pa.array([moment, moment.replace(microsecond=20)]),
        "out": pa.array([moment.replace(tzinfo=None), None]),
        "due": pa.array([[1, 2], None]),
        "in": pa.array([{"a": Decimal("1.0")}, None]),
        "kg": pa.array([b"\xff", b"ok"]),
        "more": pa.array(["x", "y"]).dictionary_encode(),
    }
    pq.write_table(pa.table(values), tmp_path / "f.parquet")
    first, second = rows(tmp_path / "f.parquet")
    assert first["record"] == {
        "id": "0.0000001",
        "from": "0.0000000001",
        "to": "2026-01-02T03:04:05Z",
        "out": "2026-01-02T03:04:05",
        "due": "[1, 2]",
        "in": '{"a": "1.0"}',
        "kg": r"\xff",
        "more": "x",
    }
    assert second["record"]["to"] == "2026-01-02T03:04:05.000020Z"
    assert second["record"]["id"] is None


@pytest.mark.parametrize(
    ("columns", "error", "said"),
    [
        ({name: pa.array([], pa.string()) for name in HEADER}, FileEmpty, "it has columns, but no rows"),
        ({"id": pa.array(["1"])}, UnknownColumn, "has no column 'from'"),
    ],
)
def test_unusable_parquet_is_reported(tmp_path: Path, columns: dict[str, Any], error: type[Exception], said: str) -> None:
    pq.write_table(pa.table(columns), tmp_path / "f.parquet")
    with pytest.raises(error, match=said):
        rows(tmp_path / "f.parquet")
    content = (tmp_path / "f.parquet").read_bytes()
    with pytest.raises(error, match=said):
        rows(write_file(tmp_path, gzip.compress(content), "f.parquet.gz"))
    with pytest.raises(FileUnreadable, match="it is not a Parquet file, or a damaged one"):
        rows(write_file(tmp_path, content[:-9], "cut.parquet"))


def test_parquet_lands_as_text(tmp_path: Path) -> None:
    values = [7, "A", None, date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3), Decimal("1.50")]
    table = pa.table({name: [value] for name, value in zip(HEADER, values, strict=True)})
    pq.write_table(table, tmp_path / "f.parquet")
    (row,) = rows(tmp_path / "f.parquet")
    assert tuple(row["record"].values()) == ("7", "A", None, "2026-01-01", "2026-01-02", "2026-01-03", "1.50")
    with pytest.raises(FileUnreadable, match="it is not a Parquet file"):
        rows(write_file(tmp_path, "PAR1 no", "g.parquet"))


def test_landing_writes_all_records_or_no_file(tmp_path: Path) -> None:
    target = tmp_path / "staged" / "records.parquet"
    landed = land(find_inputs([write_file(tmp_path, f"{HEAD}\n" + f"{LINE}\n" * 20_000 + "1,A\n")]), mapping(), target)
    assert (landed.rows, landed.problems) == (20_001, {"expected 7 fields, found 2": 1})
    assert pq.read_table(target)["source_row"].to_pylist() == list(range(1, 20_002))
    target.unlink()
    with pytest.raises((FileUnreadable, UnknownColumn)):
        land(find_inputs([write_file(tmp_path, "[" + '{"id": 1},' * 20_000, "f.json")]), mapping(), target)
    assert list(target.parent.iterdir()) == []
