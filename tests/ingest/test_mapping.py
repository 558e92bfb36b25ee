"""Mappings: valid ones are read, and mistakes are explained."""

from pathlib import Path

import pytest

from shipment_etl.errors import MappingError, UnknownColumn
from shipment_etl.ingest.mapping import SourceMapping
from tests.ingest.mappings import HEADER, mapping

GOOD = """
nulls = ["N/A"]
[file]
delimiter = ";"
[columns]
shipment_id = { column = "ID" }
origin_warehouse = { column = "From" }
destination_city = { column = "To" }
carrier = { constant = "UPS" }
shipment_date = { column = "Out", dates = ["dd.MM.yyyy"] }
promised_date = { column = "Due" }
delivery_date = { column = "In" }
shipment_weight_kg = { column = "Pounds", unit = "lb", optional = true }
shipping_cost = { column = "Cost" }
"""


def test_a_declaration_is_read_and_kept_verbatim(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    path.write_text(GOOD, "utf-8")
    read = SourceMapping.from_toml(path)
    assert read.text == GOOD
    assert read.columns == SourceMapping.from_text(read.text, "again").columns
    assert read.file.delimiter == ";"


def test_measures_may_be_unknown_if_they_are_optional_or_not_mapped() -> None:
    assert SourceMapping.from_text(GOOD, "m").unknown == {"shipment_weight_kg", "shipment_volume_m3", "route_distance_km"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('shipment_id = { column = "ID" }', "", "these columns are not mapped: shipment_id"),
        ("carrier", "carier", "columns.carier is not a shipment column. Did you mean 'carrier'?"),
        (
            '{ constant = "UPS" }',
            '{ constant = "UPS", column = "Who" }',
            "carrier needs exactly one of column, columns, constant and from_row",
        ),
        ('{ constant = "UPS" }', "{ }", "carrier needs exactly one of column, columns, constant and from_row"),
        (
            '{ constant = "UPS" }',
            '{ colum = "Who" }',
            "m.toml has an unknown key 'columns.carrier.colum'. Did you mean 'column'?",
        ),
        ('"dd.MM.yyyy"', '"dd.QQ.yyyy"', "shipment_date has the date pattern"),
        ('unit = "lb"', 'unit = "stone"', "has the unit 'stone', but must have one of"),
        ('{ column = "To" }', '{ column = "To", unit = "kg" }', "destination_city has a unit"),
        ('unit = "lb"', "credit_notes = true", "shipment_weight_kg has credit_notes, but only shipping_cost may have them"),
        ('{ column = "To" }', '{ column = "To", optional = true }', "destination_city is optional, but only"),
        (
            '{ column = "To" }',
            '{ column = "To", dates = ["yyyy"] }',
            "destination_city has dates or a time zone, but is not a date",
        ),
        ('delimiter = ";"', 'delimiter = ";;"', "file.delimiter is ';;', but must be one character"),
        ('delimiter = ";"', 'encoding = "utf-9"', "file.encoding is 'utf-9', which Python does not know"),
        ("[columns]", "[columns", "m.toml is not valid TOML"),
    ],
)
def test_mistakes_are_explained(old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(MappingError) as caught:
        SourceMapping.from_text(GOOD.replace(old, new), "m.toml")
    assert said in str(caught.value)
    assert "m.toml" in str(caught.value)


def test_a_file_without_a_mapped_column_is_reported_with_its_columns() -> None:
    mapping().check_columns(HEADER, "f.csv")
    with pytest.raises(UnknownColumn, match=r"f.csv has no column 'kg'. .*It has: id, from"):
        mapping().check_columns(HEADER[:-1], "f.csv")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"There is no file .*none\.toml"):
        SourceMapping.from_toml(tmp_path / "none.toml")
