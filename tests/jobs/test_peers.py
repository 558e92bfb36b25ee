"""The scripts that the package is measured against do the same work: their marts and counts equal ours."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from benchmarks import duckdb_pipeline, polars_pipeline, promises
from shipment_etl import Lake, Network, run_generate, run_process
from shipment_etl.generator.shipments import generate
from shipment_etl.transform.mart_columns import STATES
from shipment_etl.transform.marts import MARTS
from shipment_etl.transform.reports import order_reports

DAY = date(2026, 11, 30)
DOUBLES = 1e-12
LACKING = {
    "open_shipments",
    *(column.name for column in STATES),
    *("with_delay", "timed_shipments", "avg_hours_vs_promise"),
}
"""What scripts for generated shipments, which have all arrived on a day without a time, do not need to compute."""
Script = tuple[Callable[..., dict[str, int]], Callable[[Path], promises.Checksum]]


def by_duckdb() -> Script:
    connection = duckdb_pipeline.connect()
    return partial(duckdb_pipeline.process, connection), partial(duckdb_pipeline.checksum, connection)


def by_polars() -> Script:
    return polars_pipeline.process, polars_pipeline.checksum


@pytest.mark.parametrize("script", [by_duckdb, by_polars])
def test_their_tables_equal_ours(script: Callable[[], Script], spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    run_generate(lake, date=DAY, rows=20_000, defects=0.05, spark=spark)
    run = run_process(lake, date=DAY, spark=spark)
    process, checksum = script()
    raw = f"{lake.location('raw/shipments')}/run-*/*.parquet"
    theirs = tmp_path / "theirs"
    words = [promises.keep_promises(theirs, DAY, partial(process, raw, Network.default(), DAY), checksum) for _ in range(2)]
    assert words[0] == words[1]
    counts = DeltaTable(theirs / "runs").to_pyarrow_table().select([*asdict(run.counts)]).to_pylist()
    assert counts == [asdict(run.counts)] * 2
    tables = (f"{theirs}/overtaken", lake.location("processed/overtaken"))
    columns = ["source_row", "overtaken_by_batch", "overtaken_by_row", "shipping_cost", "cost_per_kg"]
    one, other = (read_ordered(table, columns, ["source_row"]) for table in tables)
    assert one == other != []
    reasons = DeltaTable(theirs / "quarantine").to_pyarrow_table()["reasons"].combine_chunks()
    assert len(reasons.flatten()) == sum(run.reasons.values())
    for name, mart in MARTS.items():
        if name in LACKING:
            continue
        columns = [column for column in mart.columns if column not in LACKING]
        keys = columns[: columns.index("shipments")]
        rows = [read_ordered(table, columns, keys) for table in (f"{theirs}/{name}", lake.location(f"processed/{name}"))]
        assert len(rows[0]) == len(rows[1]) > 0
        for one, other in zip(*rows, strict=True):
            for column, a, b in zip(columns, one, other, strict=True):
                if mart.columns[column] in ("string", "date", "boolean"):
                    assert a == b, (name, column)
                else:
                    assert float(a) == pytest.approx(float(b), rel=DOUBLES), (name, column)


def read_ordered(table: str, columns: list[str], keys: list[str]) -> list[tuple[Any, ...]]:
    rows = DeltaTable(table).to_pyarrow_dataset()
    return duckdb.connect().from_arrow(rows).order(", ".join(keys)).select(*columns).fetchall()


@pytest.mark.parametrize("script", [by_duckdb, by_polars])
def test_they_order_reports_as_we_do(script: Callable[[], Script], spark: SparkSession, tmp_path: Path) -> None:
    """Each pattern is a shipment, each letter of it a report with its own cost."""
    patterns = ("A", "AA", "AB", "ABA", "ABBA", "AABBAA", "ABAB")
    told = [(pattern, Decimal(ord(letter))) for pattern in patterns for letter in pattern]
    rows = [(number, *each) for number, each in enumerate(told, 1)]
    columns = "source_row long, shipment_id string, shipping_cost decimal(14,2)"
    one = generate(spark, date=DAY, rows=1, seed=7).drop("source_row", "shipment_id", "shipping_cost")
    one.crossJoin(spark.createDataFrame(rows, columns)).coalesce(1).write.parquet(str(tmp_path / "raw"))
    ours = order_reports(spark.read.parquet(str(tmp_path / "raw"))).collect()
    process, _ = script()
    place = promises.in_folder(tmp_path / "theirs")
    counts = process(f"{tmp_path}/raw/*.parquet", Network.default(), DAY, place)
    assert counts == {"read": len(told), "duplicates": len(told) - len(ours)}
    newest, overtaken = (pq.read_table(place(name)).to_pylist() for name in ("shipments", "overtaken"))
    found = {row["source_row"]: row.get("overtaken_by_row") for row in (*newest, *overtaken)}
    assert found == {row["source_row"]: row["next_row"] for row in ours}


def test_a_lost_row_is_detected() -> None:
    words = {"shipments": (6, ""), "quarantine": (2, ""), "overtaken": (1, "")}
    counts = promises.account({"read": 10, "duplicates": 1}, words)
    assert counts == {"read": 10, "accepted": 6, "quarantined": 2, "duplicates": 1, "overtaken": 1}
    with pytest.raises(ValueError, match="6 accepted, 2 quarantined, 1 overtaken"):
        promises.account({"read": 10, "duplicates": 0}, words)
