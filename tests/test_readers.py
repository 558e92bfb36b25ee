"""Marts in other readers: every reader finds the same rows."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from shipment_etl import Lake, SourceMapping, run_generate, run_ingest, run_process
from shipment_etl.transform.marts import MARTS
from tests.readers import READERS, Rows, classic_spark_rows, plain, without_java

FILE = "No,From,To,Who,Out,Due,In\n1,Köln,Lyon,Rail & Co,2026-11-02,2026-11-05,2026-11-09\n"
FILE += "2,Köln,Lyon,Rail & Co,2026-11-02,2026-11-05,\n3,Köln,Lyon,Rail & Co,2026-11-02,2026-11-06,\n"
MAPPING = """
[columns]
shipment_id = { column = "No" }
origin_warehouse = { column = "From" }
destination_city = { column = "To" }
carrier = { column = "Who" }
shipment_date = { column = "Out", dates = ["yyyy-MM-dd"] }
promised_date = { column = "Due", dates = ["yyyy-MM-dd"] }
delivery_date = { column = "In", dates = ["yyyy-MM-dd"] }
"""


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Generated shipments, and some of another company without measures, to have every kind of value, and null."""
    folder = tmp_path_factory.mktemp("readers")
    lake, file = Lake(folder / "lake"), folder / "rail.csv"
    run_generate(lake, date="2026-11-23", rows=3_000, defects=0.02, spark=spark)
    run_process(lake, spark=spark)
    file.write_text(FILE, "utf-8")
    mapping = SourceMapping.from_text(MAPPING, "the mapping")
    run_ingest(lake, file, source="rail", mapping=mapping, date="2026-11-24", spark=spark)
    run_process(lake, source="rail", spark=spark)
    return lake


@pytest.fixture(scope="module")
def ours(spark: SparkSession, lake: Lake) -> dict[str, Rows]:
    return {mart: plain(row.asDict() for row in lake.read(spark, f"processed/{mart}").collect()) for mart in MARTS}


@pytest.mark.parametrize("mart", sorted(MARTS))
@pytest.mark.parametrize("reader", sorted(READERS))
def test_every_reader_finds_our_rows(lake: Lake, ours: dict[str, Rows], reader: str, mart: str) -> None:
    assert len(ours[mart]) > 1
    assert READERS[reader](lake.location(f"processed/{mart}")) == ours[mart]


@pytest.mark.rehearsal
def test_classic_spark_finds_our_rows(lake: Lake, ours: dict[str, Rows]) -> None:
    if reason := without_java():
        pytest.skip(reason)
    theirs = classic_spark_rows([lake.location(f"processed/{mart}") for mart in MARTS])
    for mart in MARTS:
        assert theirs[lake.location(f"processed/{mart}")] == ours[mart], mart


def test_nulls_are_among_the_rows(ours: dict[str, Rows]) -> None:
    assert any("null" in row for mart in ("route_efficiency", "warehouse_demand", "cost_analysis") for row in ours[mart])


def test_the_how_to_names_every_reader() -> None:
    page = (Path(__file__).parents[1] / "docs/how-to/read-elsewhere.md").read_text("utf-8")
    assert [word for word in ("read_delta", "to_pandas", "duckdb", 'format("delta")') if word not in page] == []
