"""Excel: midnight is a time where the mapping reads times and the cell shows one, else a day."""

import json
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from pyspark.sql import SparkSession

from shipment_etl.ingest.mapping import ColumnMapping, SourceMapping
from shipment_etl.ingest.reader import read
from tests.field.landing import HEADER, land_files
from tests.field.landing import mapping as declare
from tests.ingest.mappings import mapping

MIDNIGHT, NOON = datetime(2026, 11, 2), datetime(2026, 11, 2, 12)
SECONDS = ("yyyy-MM-dd'T'HH:mm:ss",)
SHOWN = "yyyy-mm-dd hh:mm:ss"


def write_book(path: Path, header: list[str], rows: list[list[object]], number_format: str = SHOWN) -> Path:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(header)
    for row in rows:
        sheet.append(row)
        for cell in sheet[sheet.max_row]:
            if isinstance(cell.value, datetime):
                cell.number_format = number_format
    book.save(path)
    return path


def read_dates(path: Path, using: SourceMapping, number_format: str = SHOWN) -> list[str]:
    values = ["1", "A", "B", "2026-11-02", MIDNIGHT, NOON, "5"]
    write_book(
        path, ["id", "from", "to", "out", "due", "in", "kg"], [values, [*values[:4], NOON, MIDNIGHT, "5"]], number_format
    )
    return [json.loads(text)["due"] for batch in read(path, using) for text in batch["record"].to_pylist()]


@pytest.mark.parametrize(
    ("number_format", "shows_time"),
    [
        (SHOWN, True),
        ("DD/MM/YYYY HH:MM", True),
        ("m/d/yy h:mm", True),
        ("[$-409]m/d/yy\\ h:mm AM/PM;@", True),
        ("yyyy-mm-dd", False),
        ("mm-dd-yy", False),
        ('d mmmm yyyy "hours"', False),
        ("[$-sh]d\\ \\h mmm_s yyyy", False),
    ],
)
def test_midnight_is_a_time_if_the_cell_shows_one(tmp_path: Path, number_format: str, shows_time: bool) -> None:
    using = mapping(promised_date=ColumnMapping("due", dates=SECONDS))
    midnight = "2026-11-02T00:00:00" if shows_time else "2026-11-02"
    assert read_dates(tmp_path / "f.xlsx", using, number_format) == [midnight, "2026-11-02T12:00:00"]


@pytest.mark.parametrize(
    ("columns", "is_time"),
    [
        ({}, False),
        ({"promised_date": ColumnMapping("due", dates=("M/d/yy", "d.M.yyyy"))}, False),
        ({"promised_date": ColumnMapping("due", dates=("iso",))}, False),
        ({"promised_date": ColumnMapping("due", dates=("yyyy-MM-dd", *SECONDS))}, True),
        ({"promised_date": ColumnMapping("due ", dates=SECONDS)}, True),
        ({"promised_at": ColumnMapping("due", timezone="UTC")}, False),
        ({"promised_at": ColumnMapping("due", timezone="UTC"), "promised_date": ColumnMapping("out")}, True),
        ({"reported_at": ColumnMapping("due")}, False),
        ({"reported_at": ColumnMapping("due", dates=SECONDS), "promised_date": ColumnMapping("out")}, True),
    ],
)
def test_midnight_is_a_day_where_the_mapping_reads_days(
    tmp_path: Path, columns: dict[str, ColumnMapping], is_time: bool
) -> None:
    midnight = "2026-11-02T00:00:00" if is_time else "2026-11-02"
    assert read_dates(tmp_path / "f.xlsx", mapping(**columns)) == [midnight, "2026-11-02T12:00:00"]


def test_a_promise_of_midnight_is_read(spark: SparkSession, tmp_path: Path) -> None:
    row = ["S1", "Riga", "Oslo", "Post", MIDNIGHT, MIDNIGHT, MIDNIGHT, 10, 12.5]
    content = write_book(tmp_path / "f.xlsx", HEADER.split(","), [row]).read_bytes()
    using = declare(
        'timezone = "UTC"',
        promised_date='column = "Due", dates = ["iso"]',
        promised_at='column = "Due"',
        delivery_date='column = "In", dates = ["yyyy-MM-dd\'T\'HH:mm:ss"]',
    )
    outcome = land_files(spark, tmp_path, {"f.xlsx": content}, using)
    assert outcome.rules == [[]]
    assert outcome.of("promised_at") == [MIDNIGHT]
    assert outcome.of("delivery_date") == outcome.of("shipment_date") == [MIDNIGHT.date()]
