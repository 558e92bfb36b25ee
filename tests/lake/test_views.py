"""views: DuckDB, without an extension, reads the versions of a snapshot, even while others write."""

import json
import subprocess
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from deltalake import DeltaTable, TableFeatures
from pyspark.sql import SparkSession

from shipment_etl.errors import LakeMissing, NotPlainParquet
from shipment_etl.jobs.generate import run_generate
from shipment_etl.jobs.process import run_process
from shipment_etl.lake.lake import Lake
from tests.command_line import run
from tests.store.client import Store
from tests.uv import find_uv

ON_S3 = """
import json, sys
from pathlib import Path
import duckdb, duckdb_extension_httpfs
(extension,) = Path(duckdb_extension_httpfs.__file__).parent.rglob("*.duckdb_extension")
views = duckdb.connect()
# DuckDB loads it only if its makers have signed it.
views.execute(f"LOAD '{extension}'")
endpoint, key, secret = sys.argv[1:4]
views.execute(f"CREATE SECRET (TYPE s3, KEY_ID '{key}', SECRET '{secret}', ENDPOINT '{endpoint}', USE_SSL false, "
              "URL_STYLE path)")
views.execute(sys.stdin.read())
names = views.sql("SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal").fetchall()
rows = {f"{schema}/{name}": views.sql(f'SELECT count(*) FROM "{schema}"."{name}"').fetchone()[0] for schema, name in names}
print(json.dumps(rows))
"""
"""Prints how many rows each view has."""

DAY, NEXT = date(2026, 11, 30), date(2026, 12, 1)


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    """A lake with two days in two months."""
    lake = Lake(tmp_path / "lake")
    for day in (DAY, NEXT):
        run_generate(lake, date=day, rows=300, defects=0.05, spark=spark)
        run_process(lake, date=day, spark=spark)
    return lake


def read_all(views: duckdb.DuckDBPyConnection, name: str) -> list[tuple[object, ...]]:
    schema, _, view = name.partition("/")
    return sorted(views.sql(f'SELECT * FROM "{schema}"."{view}"').fetchall(), key=repr)


def test_views_have_the_rows_columns_and_types_of_every_table(lake: Lake) -> None:
    snapshot = lake.snapshot()
    views = duckdb.connect()
    views.execute(snapshot.views())
    for name in (*snapshot.tables, "processed/runs"):
        dataset = snapshot.dataset(name)
        views.register("expected", dataset.to_table(columns=dataset.schema.names))
        found = views.sql(f"SELECT * FROM {name.replace('/', '.')}")
        expected = views.sql("SELECT * FROM expected")
        assert sorted(zip(found.columns, map(str, found.types), strict=True)) == sorted(
            zip(expected.columns, map(str, expected.types), strict=True)
        )
        columns = ", ".join(f'"{each}"' for each in expected.columns)
        assert views.sql(f"SELECT {columns} FROM {name.replace('/', '.')} EXCEPT ALL FROM expected").fetchall() == []
        assert views.sql(f"FROM expected EXCEPT ALL SELECT {columns} FROM {name.replace('/', '.')}").fetchall() == []


def test_views_stay_as_they_were_while_another_run_writes(spark: SparkSession, lake: Lake) -> None:
    views = duckdb.connect()
    views.execute(lake.snapshot().views())
    before = {name: read_all(views, name) for name in lake.snapshot().tables}
    run_generate(lake, date=NEXT, rows=100, seed=5, spark=spark)
    run_process(lake, date=NEXT, spark=spark)
    assert {name: read_all(views, name) for name in before} == before
    views.execute(lake.snapshot().views())
    assert read_all(views, "processed/shipments") != before["processed/shipments"]


def test_a_table_without_rows_is_a_view_without_rows(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    run_generate(lake, date=DAY, rows=100, defects=0, spark=spark)
    run_process(lake, spark=spark)
    views = duckdb.connect()
    views.execute(lake.snapshot().views())
    assert read_all(views, "processed/quarantine") == []
    (kind,) = views.sql("SELECT reasons FROM processed.quarantine").types
    assert str(kind) == 'STRUCT("rule" VARCHAR, "column" VARCHAR, message VARCHAR)[]'
    assert views.sql("SELECT sum(shipments) FROM processed.carrier_performance").fetchall() == [(Decimal(100),)]


def test_views_of_a_lake_on_s3_are_read_with_httpfs(spark: SparkSession, store: Store) -> None:
    lake = Lake(f"{store.bucket('views')}/lake")
    for day in (DAY, NEXT):
        run_generate(lake, date=day, rows=300, defects=0.05, spark=spark)
        run_process(lake, date=day, spark=spark)
    before = lake.snapshot()
    expected = {name: before.dataset(name).count_rows() for name in (*before.tables, "processed/runs")}
    views = before.views()
    run_generate(lake, date=NEXT, rows=100, seed=5, spark=spark)
    run_process(lake, date=NEXT, spark=spark)
    endpoint = store.endpoint.removeprefix("http://")
    account = store.variables["AWS_ACCESS_KEY_ID"], store.variables["AWS_SECRET_ACCESS_KEY"]
    # In a separate environment: the extension needs a newer DuckDB than the one that other tests use.
    needs = ("--with", "duckdb==1.5.5", "--with", "duckdb-extension-httpfs==1.5.5")
    command = [find_uv(), "run", "--no-project", "--isolated", "--quiet", *needs, "python", "-c", ON_S3, endpoint, *account]
    done = subprocess.run(command, input=views, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == expected


def test_a_table_whose_files_are_not_its_rows_is_refused(lake: Lake) -> None:
    location = lake.location("processed/carrier_performance")
    DeltaTable(location).alter.add_feature(TableFeatures.DeletionVectors, allow_protocol_versions_increase=True)
    snapshot = lake.snapshot()
    newest = {**snapshot.tables, "processed/carrier_performance": lake.version("processed/carrier_performance")}
    with pytest.raises(NotPlainParquet, match="processed/carrier_performance needs reader version 3"):
        replace(snapshot, tables=newest).views()


def test_the_command_writes_the_file_and_says_where(lake: Lake, tmp_path: Path) -> None:
    out = tmp_path / "new folder" / "views.sql"
    done = run("snapshot", "--lake", lake.uri, "--out", out)
    assert done.stdout.strip() == str(out)
    assert out.read_text("utf-8") == lake.snapshot().views()


def test_without_a_lake_there_are_no_views(tmp_path: Path) -> None:
    with pytest.raises(LakeMissing):
        Lake(tmp_path / "none").snapshot()
