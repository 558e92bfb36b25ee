"""A mapping for tests, with variations."""

from typing import Any

from shipment_etl.ingest.mapping import ColumnMapping, FileFormat, SourceMapping

COLUMNS = {
    "shipment_id": ColumnMapping("id"),
    "origin_warehouse": ColumnMapping("from"),
    "destination_city": ColumnMapping("to"),
    "carrier": ColumnMapping(constant="UPS"),
    "shipment_date": ColumnMapping("out", dates=("yyyy-MM-dd", "M/d/yy")),
    "promised_date": ColumnMapping("due"),
    "delivery_date": ColumnMapping("in"),
    "shipment_weight_kg": ColumnMapping("kg", optional=True),
}
HEADER = ("id", "from", "to", "out", "due", "in", "kg")


def mapping(file: FileFormat | None = None, **columns: Any) -> SourceMapping:
    return SourceMapping(columns={**COLUMNS, **columns}, nulls=("n/a",), file=file or FileFormat())
