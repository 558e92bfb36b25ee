"""How much work the process job does: limits for each engine, which fail when jobs, reads or commits grow again."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from shipment_etl import Lake, run_generate, run_process
from shipment_etl.engines.sail import SailCalls
from tests.readers import without_java

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "spark_work.py"
TABLES = {
    f"processed/{name}"
    for name in (
        *("shipments", "overtaken", "known_ids", "quarantine", "lane_days", "lane_months", "runs"),
        *("carrier_performance", "route_efficiency", "cost_analysis", "delay_trends", "warehouse_demand"),
        "open_shipments",
    )
}


@pytest.fixture(scope="module")
def on_spark() -> dict[str, Any]:
    """What process did with 5,000 rows, some of them rejected and repeated, on classic Spark, by its event log."""
    if reason := without_java():
        pytest.skip(reason)
    command = [sys.executable, str(BENCHMARK), "--rows", "5000"]
    environment = {**os.environ, "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout.splitlines()[-1])


def reads_of_ids(on_spark: dict[str, Any], table: str) -> int:
    """How often the ids of a table were read, and nothing else of it."""
    columns = [scan["columns"] for scan in on_spark["scans"] if table in scan["location"]]
    return columns.count("struct<shipment_id:string>")


@pytest.mark.rehearsal
def test_classic_spark_runs_few_jobs(on_spark: dict[str, Any]) -> None:
    assert 0 < on_spark["jobs"] <= 14
    assert 0 < on_spark["sql_executions"] <= 12


@pytest.mark.rehearsal
def test_the_raw_batch_is_read_once_for_its_ids_and_once_for_everything_else(on_spark: dict[str, Any]) -> None:
    assert 1 <= on_spark["reads_of_raw"] <= 2, on_spark["scans"]
    assert reads_of_ids(on_spark, "raw/shipments") == 1


@pytest.mark.rehearsal
def test_the_written_table_is_read_once_beside_its_rejected_and_repeated_rows(on_spark: dict[str, Any]) -> None:
    assert 1 <= on_spark["reads_of_written"] <= 1.05, on_spark["scans"]


@pytest.mark.rehearsal
def test_each_table_is_committed_once(on_spark: dict[str, Any]) -> None:
    assert on_spark["commits"] == dict.fromkeys(TABLES, 1)


def test_sail_gets_few_requests(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(tmp_path / "lake")
    for day in ("2026-11-22", "2026-11-23"):
        run_generate(lake, date=day, rows=5_000, defects=0.02, spark=spark)
    run_process(lake, date="2026-11-22", spark=spark)
    asked: Counter[str] = Counter()
    prepare = SailCalls.prepare

    def count(self: SailCalls, request: Any) -> None:
        asked[type(request).__name__] += 1
        prepare(self, request)

    # Every call of a session passes here.
    monkeypatch.setattr(SailCalls, "prepare", count)
    run_process(lake, date="2026-11-23", spark=spark)
    assert 0 < asked["ExecutePlanRequest"] <= 12, asked
    assert asked["AnalyzePlanRequest"] <= 19, asked
