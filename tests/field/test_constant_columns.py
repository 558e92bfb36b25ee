"""Columns that are constant, or unknown, in every row: a batch of any size is processed."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from shipment_etl.contracts.columns import COLUMNS, OPTIONAL
from shipment_etl.contracts.models import contract
from shipment_etl.contracts.split import split
from shipment_etl.errors import RecordsRejected
from shipment_etl.jobs.ingest import run_ingest
from shipment_etl.jobs.process import run_process
from shipment_etl.lake.fingerprint import fingerprint
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.runs import RowCounts
from shipment_etl.network import Network
from tests.field.landing import BATCH_DATE, HEADER, line, mapping

ROWS = (2, 100, 8192)
CONSTANTS: dict[str, tuple[Any, pa.DataType]] = {
    "shipment_id": ("S1", pa.string()),
    "origin_warehouse": ("Riga", pa.string()),
    "destination_city": ("Oslo", pa.string()),
    "carrier": ("Post", pa.string()),
    "shipment_weight_kg": (Decimal("10.000"), pa.decimal128(12, 3)),
    "shipment_volume_m3": (Decimal("1.000"), pa.decimal128(12, 3)),
    "shipment_date": (date(2026, 11, 2), pa.date32()),
    "promised_date": (date(2026, 11, 5), pa.date32()),
    "delivery_date": (date(2026, 11, 5), pa.date32()),
    "delay_days": (0, pa.int32()),
    "delivery_status": ("Delivered", pa.string()),
    "route_distance_km": (Decimal("850.000"), pa.decimal128(10, 3)),
    "shipping_cost": (Decimal("100.00"), pa.decimal128(14, 2)),
    "outcome": ("delivered", pa.string()),
    "reported_at": (datetime(2026, 11, 6, 8, 30, tzinfo=UTC), pa.timestamp("us", "UTC")),
    "promised_at": (datetime(2026, 11, 5, 8, 30, tzinfo=UTC), pa.timestamp("us", "UTC")),
    "delivered_at": (datetime(2026, 11, 5, 8, 45, tzinfo=UTC), pa.timestamp("us", "UTC")),
}


def test_every_column_of_the_contract_is_tested() -> None:
    assert set(CONSTANTS) == set(COLUMNS)


def shipments(spark: SparkSession, path: Path, rows: int, unknown: str) -> Any:
    """Read shipments from a file, with equal rows except for the id; the column `unknown` is null in all rows."""
    columns: dict[str, Any] = {
        name: pa.array([None if name == unknown else value] * rows, kind) for name, (value, kind) in CONSTANTS.items()
    }
    if unknown != "shipment_id":
        columns["shipment_id"] = [f"S{number}" for number in range(rows)]
    columns["source_row"] = pa.array(range(1, rows + 1), pa.int64())
    pq.write_table(pa.table(columns), path)
    return spark.read.parquet(str(path))


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_that_is_unknown_in_every_row_rejects_all_rows_or_none(
    spark: SparkSession, tmp_path: Path, column: str, rows: int
) -> None:
    frame = shipments(spark, tmp_path / "f.parquet", rows, column)
    good, bad = split(frame, contract(Network.open()))
    may_be_unknown = column in ("delay_days", "delivery_status", *OPTIONAL)
    assert (good.count(), bad.count()) == ((rows, 0) if may_be_unknown else (0, rows))


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize("column", COLUMNS)
def test_a_table_with_the_same_value_in_every_row_has_a_fingerprint(
    spark: SparkSession, tmp_path: Path, column: str, value: bool
) -> None:
    constant, kind = CONSTANTS[column]
    made = pa.table({column: pa.array([constant if value else None] * 100, kind)})
    pq.write_table(made, tmp_path / "f.parquet")
    frame = spark.read.parquet(str(tmp_path / "f.parquet"))
    # The engine does not see constants in rows that do not come from a file.
    assert fingerprint(frame) == fingerprint(spark.createDataFrame(made.to_pylist(), frame.schema))


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({"shipment_id": 'constant = "S1"'}, lambda rows: (1, 0, rows - 1)),
        ({"shipment_id": 'constant = "S1"', "carrier": 'column = "ID"'}, lambda rows: (1, 0, 0, rows - 1)),
        ({"shipment_id": 'column = "Empty"'}, lambda rows: (0, rows, 0)),
        ({"shipping_cost": "", "shipment_weight_kg": ""}, lambda rows: (rows, 0, 0)),
        ({"shipping_cost": 'column = "Empty", optional = true'}, lambda rows: (rows, 0, 0)),
        ({"delivery_date": 'column = "Empty"'}, lambda rows: (rows, 0, 0)),
    ],
)
def test_a_batch_with_a_constant_column_is_processed(
    spark: SparkSession, tmp_path: Path, changes: dict[str, str], counts: Callable[[int], tuple[int, ...]]
) -> None:
    for number in ROWS:
        lines = [f"{line(each)}," for each in range(1, number + 1)]
        (tmp_path / "f.csv").write_text("\n".join([f"{HEADER},Empty", *lines]))
        lake = Lake(tmp_path / f"lake-{number}")
        run_ingest(lake, tmp_path / "f.csv", source="acme", mapping=mapping(**changes), date=BATCH_DATE, spark=spark)
        run = run_process(lake, source="acme", date=BATCH_DATE, max_rejected=1, spark=spark)
        assert run.counts == RowCounts(number, *counts(number))


@pytest.mark.parametrize("rows", ROWS)
def test_a_batch_of_records_with_the_same_problem_stops_with_that_problem(
    spark: SparkSession, tmp_path: Path, rows: int
) -> None:
    (tmp_path / "f.csv").write_text("\n".join([HEADER, *(f"{line(number)}," for number in range(rows))]))
    lake = Lake(tmp_path / "lake")
    wanted = f"{rows:,} of {rows:,} records of f.csv .* most often: expected 9 fields, found 10"
    with pytest.raises(RecordsRejected, match=wanted):
        run_ingest(lake, tmp_path / "f.csv", source="acme", mapping=mapping(), date=BATCH_DATE, spark=spark)
    assert not lake.exists()
    run_ingest(lake, tmp_path / "f.csv", source="acme", mapping=mapping(), date=BATCH_DATE, max_rejected=1, spark=spark)
    run = run_process(lake, source="acme", date=BATCH_DATE, max_rejected=1, spark=spark)
    assert (run.counts, run.reasons) == (RowCounts(rows, 0, rows, 0), {"record:record": rows})
