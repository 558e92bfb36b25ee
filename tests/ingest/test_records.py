"""Records: a file of any format gives the same ones, whatever the folders around it are called."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shipment_etl.ingest.reader import read
from tests.ingest.mappings import HEADER, mapping

ROW = ("1", "A", "B", "2026-01-01", "2026-01-02", "2026-01-03", "5")
PLAIN = f"{','.join(HEADER)}\n{','.join(ROW)}\n"
OWN = dict(zip(HEADER, ROW, strict=True))


def _parquet() -> bytes:
    data = io.BytesIO()
    pq.write_table(pa.table({name: [value] for name, value in OWN.items()}), data)
    return data.getvalue()


def _excel() -> bytes:
    book, data = openpyxl.Workbook(), io.BytesIO()
    book.worksheets[0].append(HEADER)
    book.worksheets[0].append(ROW)
    book.save(data)
    return data.getvalue()


FORMATS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "plain CSV": ("f.csv", PLAIN.encode),
    "quoted CSV": ("f.csv", PLAIN.replace("A", '"A"').encode),
    "many blocks of CSV": (
        "f.csv",
        (PLAIN + f"{','.join(ROW)}\n" * 30_000 + PLAIN.partition("\n")[2].replace("A", '"A"')).encode,
    ),
    "JSON": ("f.jsonl", json.dumps(OWN).encode),
    "Parquet": ("f.parquet", _parquet),
    "Excel": ("f.xlsx", _excel),
}


@pytest.mark.parametrize("kind", FORMATS)
def test_a_column_of_the_file_counts_instead_of_a_folder_of_the_same_name(tmp_path: Path, kind: str) -> None:
    name, content = FORMATS[kind]
    # The letter Å, as the sign for Angstrom that NFC replaces: names are compared after normalization.
    path = tmp_path / "kg=9" / "day=2026-11-02" / "\u212b=1" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content())
    texts = {text for batch in read(path, mapping()) for text in batch["record"].to_pylist()}
    assert {tuple(json.loads(text, object_pairs_hook=list)) for text in texts} == {
        (*OWN.items(), ("day", "2026-11-02"), ("\u00c5", "1"))
    }


def test_an_object_without_a_name_has_the_value_of_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "kg=9" / "f.jsonl"
    path.parent.mkdir()
    others = {name: value for name, value in OWN.items() if name != "kg"}
    path.write_text("\n".join(json.dumps(each) for each in (OWN, {**OWN, "kg": None}, others)))
    (batch,) = read(path, mapping())
    assert [json.loads(text)["kg"] for text in batch["record"].to_pylist()] == ["5", None, "9"]
