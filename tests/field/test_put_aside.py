"""Records that are put aside keep all of their text, no matter what is broken in them."""

import io
import json
import zipfile
from itertools import product
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from shipment_etl.errors import FileUnreadable
from shipment_etl.ingest.inputs import find_inputs
from shipment_etl.ingest.limits import MAX_RECORD_CHARACTERS
from shipment_etl.ingest.reader import land
from tests.field.landing import HEADER, line, mapping

NAMES = HEADER.split(",")
SOUND = dict(zip(NAMES, line(1).split(","), strict=True))
OTHER = {**SOUND, "ID": "S2"}


def land_file(folder: Path, name: str, content: bytes) -> list[tuple[str, str | None]]:
    """Return each landed record as text, and its problem."""
    (folder / name).write_bytes(content)
    land(find_inputs([folder / name]), mapping(), folder / "landed.parquet")
    return [(row["record"], row["problem"]) for row in pq.read_table(folder / "landed.parquet").to_pylist()]


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("shape", ["lines", "list"])
@pytest.mark.parametrize(
    ("found", "broken", "kept"),
    [
        (b"Riga", b"Ri\xffga", r"Ri\xffga"),
        (b"Riga", b"Ri\0ga", "Ri"),
        (b"Riga", rb"Ri\u0000ga", "Ri"),
        (b"Riga", b"Ri\xed\xa0\x80ga", r"Ri\xed\xa0\x80ga"),
        (b"Riga", rb"Ri\ud83dga", r"Ri\ud83dga"),
        (b'"Kg"', b'"K\xffg"', r"K\xffg"),
    ],
)
def test_an_object_with_a_broken_text_is_put_aside_whole(
    tmp_path: Path, shape: str, indent: int | None, found: bytes, broken: bytes, kept: str
) -> None:
    texts = [json.dumps(each, indent=indent).encode() for each in (SOUND, OTHER, {**SOUND, "ID": "S3"})]
    texts[1] = texts[1].replace(found, broken)
    content = b"[" + b",\n".join(texts) + b"]" if shape == "list" else b"\n".join(texts)
    first, second, third = land_file(tmp_path, "f.json", content)
    assert (json.loads(first[0])["ID"], json.loads(third[0])["ID"]) == ("S1", "S3")
    assert (first[1], third[1]) == (None, None)
    assert second[1] == "not a JSON object: it has a surrogate or NUL character"
    text = json.loads(second[0])["line"]
    assert kept in text
    assert "S2" in text
    assert "2026-11-05" in text


@pytest.mark.parametrize("between", [b"", b", ", b" "])
@pytest.mark.parametrize("objects", [3, 200, 30_000])
def test_a_stream_without_line_ends_lands_without_its_broken_object(tmp_path: Path, between: bytes, objects: int) -> None:
    texts = [json.dumps({**SOUND, "ID": f"S{number}"}).encode() for number in range(objects)]
    texts[1] = texts[1].replace(b'"Kg": ', b'"Kg": x')
    content = between.join(texts)
    assert objects < 30_000 or len(content) > MAX_RECORD_CHARACTERS
    found = land_file(tmp_path, "f.json", content)
    assert [number for number, (_, problem) in enumerate(found) if problem] == [1]
    assert found[1][1] is not None
    assert found[1][1].startswith("not a JSON object: ")
    assert json.loads(found[1][0])["line"] == texts[1].decode()
    assert [json.loads(record)["ID"] for record, problem in found if problem is None] == [
        f"S{number}" for number in range(objects) if number != 1
    ]


def test_a_broken_name_that_appears_twice_is_reported_in_valid_text(tmp_path: Path) -> None:
    twice = json.dumps(OTHER).encode().replace(b'"Kg"', b'"K\xff"').replace(b'"Cost"', b'"K\xff"')
    _, (record, problem) = land_file(tmp_path, "f.jsonl", json.dumps(SOUND).encode() + b"\n" + twice)
    assert "S2" in record
    assert problem is not None
    assert problem.endswith("appears twice")


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize(
    ("broken", "kept"), [(b"Ri\xffga", r"Ri\xffga"), (b"Ri\xed\xa0\x80ga", r"Ri\xed\xa0\x80ga"), (b"Ri\0ga", r"Ri\x00ga")]
)
def test_a_csv_line_with_invalid_bytes_is_put_aside_whole(tmp_path: Path, end: bytes, broken: bytes, kept: str) -> None:
    lines = [HEADER.encode(), line(1).encode(), line(2).encode().replace(b"Riga", broken), line(3).encode()]
    first, second, third = land_file(tmp_path, "f.csv", end.join(lines))
    assert (json.loads(first[0])["ID"], json.loads(third[0])["ID"]) == ("S1", "S3")
    assert json.loads(second[0])["line"] == line(2, From=kept)


def test_an_excel_file_with_an_unknown_compression_is_refused_with_a_fix(tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    content = bytearray(data.getvalue())
    # An unknown compression method, in the entry and in the directory.
    for mark, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        content[content.index(mark) + place] = 99
    (tmp_path / "f.xlsx").write_bytes(content)
    with pytest.raises(FileUnreadable, match=r"not an Excel file .* Save it again as \.xlsx or CSV"):
        land(find_inputs([tmp_path / "f.xlsx"]), mapping(), tmp_path / "landed.parquet")


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize(("depth", "lands"), [(98, True), (120, False), (400, False), (5000, False)])
def test_values_nested_too_deep_put_their_record_aside(tmp_path: Path, depth: int, lands: bool, indent: int | None) -> None:
    deep = "[" * depth + "1" + "]" * depth
    texts = [json.dumps({**each, "more": "DEEP"}, indent=indent).replace('"DEEP"', deep) for each in (SOUND, OTHER)]
    texts[0] = texts[0].replace(deep, "1")
    (_, first), (record, second), *rest = land_file(tmp_path, "f.json", "\n".join(texts).encode())
    assert first is None
    assert (second is None) == lands
    assert "S2" in record or any("S2" in other for other, _ in rest)
    assert deep in record + "".join(other for other, _ in rest)


@pytest.mark.parametrize("broken", [b"\xff", b"\0", rb"\u0000", rb"\ud83d"])
def test_a_broken_text_within_a_value_puts_its_record_aside(tmp_path: Path, broken: bytes) -> None:
    texts = [json.dumps({**each, "more": [{"a": "MARK"}]}).encode() for each in (SOUND, OTHER)]
    content = texts[0] + b"\n" + texts[1].replace(b"MARK", broken)
    (_, first), (record, second) = land_file(tmp_path, "f.jsonl", content)
    assert first is None
    assert second == "not a JSON object: it has a surrogate or NUL character"
    assert "S2" in record


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("[ONE, TWO]", ["S1", "S2"]),
        ("[ONE]\n[TWO]", ["S1", "S2"]),
        ("[ONE],TWO", ["S1", "S2"]),
        ("[ONE][TWO]\n", ["S1", "S2"]),
        ("[]\nONE", ["S1"]),
    ],
)
def test_json_after_a_list_lands_as_well(tmp_path: Path, text: str, ids: list[str]) -> None:
    text = text.replace("ONE", json.dumps(SOUND)).replace("TWO", json.dumps(OTHER))
    rows = land_file(tmp_path, "f.json", text.encode())
    assert [(json.loads(record)["ID"], problem) for record, problem in rows] == [(each, None) for each in ids]


@pytest.mark.parametrize(
    ("text", "records"),
    [
        ('{"a": {"rows": [ONE, TWO], "next": null}, "b": [1, {"rows": []}]}', 2),
        ('{"x": {"rows": 1}, "a": {"n": "}", "rows": [ONE]}}\n', 1),
        ('{"a": {"rows": ONE}}', 1),
        ('{"a": {"rows": [ONE],TWO]}}', 0),
        ('{"a": {"rows": [ONE]}, TWO}', 0),
        ('{"a": {"rows": [ONE], "next": ', 0),
        ('{"a": {"rows": [ONE] TWO}}', 0),
        ('{"a": {"rows": [ONE]', 0),
    ],
)
def test_json_after_nested_records_is_skipped_only_if_it_is_valid(tmp_path: Path, text: str, records: int) -> None:
    text = text.replace("ONE", json.dumps(SOUND)).replace("TWO", json.dumps(OTHER))
    (tmp_path / "f.json").write_text(text)
    using = mapping('[file]\nrecords = "a.rows"')
    if records:
        assert land(find_inputs([tmp_path / "f.json"]), using, tmp_path / "landed.parquet").rows == records
    else:
        with pytest.raises(FileUnreadable, match="line 1"):
            land(find_inputs([tmp_path / "f.json"]), using, tmp_path / "landed.parquet")


def json_list(*lines: str) -> str:
    return "[\n" + ",\n".join(lines) + "\n]"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("top", ["", "a.rows"])
@pytest.mark.parametrize(
    ("broken", "places"),
    [
        *product(('{"ID": "S9", "From": }', '{"ID": "S9'), ((0,), (3,), (1, 2, 3), (0, 2))),
        ('{"ID": "S9", "To": "Oslo"]', (1,)),
        ("oops", (0, 2)),
    ],
)
def test_a_broken_line_of_a_list_with_one_record_per_line_is_put_aside(
    tmp_path: Path, broken: str, places: tuple[int, ...], top: str, end: str
) -> None:
    lines = [broken if n in places else json.dumps({**SOUND, "ID": f"S{n}"}) for n in range(4)]
    text = json_list(*lines).replace("\n", end)
    if top:
        text = f'{{"a": {{"rows": {text}, "n": 4}}}}'
    (tmp_path / "f.json").write_bytes(text.encode())
    using = mapping(f'[file]\nrecords = "{top}"' if top else "")
    land(find_inputs([tmp_path / "f.json"]), using, tmp_path / "landed.parquet")
    rows = pq.read_table(tmp_path / "landed.parquet").to_pylist()
    assert len(rows) == 4
    for n, row in enumerate(rows):
        record = json.loads(row["record"])
        if n not in places:
            assert (record["ID"], row["problem"]) == (f"S{n}", None)
            continue
        assert record["line"].rstrip(",") == broken
        assert "not a JSON object" in row["problem"]


@pytest.mark.parametrize(
    "text",
    [
        "[ONE, BROKEN, TWO]",
        "[\nONE, BROKEN,\nTWO\n]",
        "[\nBROKEN, TWO,\nONE\n]",
        "[\nONE,\nBROKEN]",
        "[\nONE,\nBROKEN",
        "[\nONE,\nBROKEN,\n",
        '[\nONE,\n{\n"ID": "S9",\n"From": }\n,\nTWO\n]',
    ],
)
def test_a_list_is_refused_if_its_broken_part_may_be_several_records(tmp_path: Path, text: str) -> None:
    """One record put aside instead of many would hide how much is missing."""
    broken = '{"ID": "S9", "From": }'
    for word, meant in (("ONE", json.dumps(SOUND)), ("TWO", json.dumps(OTHER)), ("BROKEN", broken)):
        text = text.replace(word, meant)
    (tmp_path / "f.json").write_text(text)
    with pytest.raises(FileUnreadable, match=r"line \d is not JSON|its list of records is not closed"):
        land(find_inputs([tmp_path / "f.json"]), mapping(), tmp_path / "landed.parquet")


def test_broken_lines_of_a_long_list_are_counted_exactly(tmp_path: Path) -> None:
    lines = ['{"ID": }' if n % 97 == 5 else json.dumps({**SOUND, "ID": f"S{n}"}) for n in range(5_000)]
    rows = land_file(tmp_path, "f.json", json_list(*lines).encode())
    assert len(rows) == 5_000
    aside = [n for n, (_, problem) in enumerate(rows) if problem]
    assert aside == [n for n in range(5_000) if n % 97 == 5]
    assert all((rows[n][1] or "").startswith(f"line {n + 2:,} is not a JSON object") for n in aside)


def test_a_declared_header_can_name_the_column_after_a_trailing_delimiter(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("\n".join([HEADER, *(f"{line(number)}," for number in (1, 2))]))
    using = mapping(f"[file]\nskip_rows = 1\nheader = {[*NAMES, 'rest']}")
    found = land(find_inputs([tmp_path / "f.csv"]), using, tmp_path / "landed.parquet")
    assert (found.rows, found.problems) == (2, {})


@pytest.mark.parametrize("before", ["\x1a", "\x0c", "\t", "\x1c", "\n", "\t\n"])
@pytest.mark.parametrize("accent", ["\u0301", "\u0307", "\u0308"])
def test_an_accent_after_a_control_character_stays_separate(tmp_path: Path, before: str, accent: str) -> None:
    name = f"Zu\u0308{before}{accent}rich"
    lands = [*land_file(tmp_path, "f.csv", f"{HEADER}\n{line(1, From=f'{chr(34)}{name}{chr(34)}')}".encode())]
    lands += land_file(tmp_path, "f.jsonl", json.dumps({**SOUND, "From": name}).encode())
    assert [(json.loads(record)["From"], problem) for record, problem in lands] == [
        (f"Z\u00fc{before}{accent}rich", None)
    ] * 2
