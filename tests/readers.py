"""A mart as each reader returns it: rows of plain values, sorted as text."""

import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from deltalake import DeltaTable

Rows = list[str]


def polars_rows(path: str) -> Rows:
    return plain(pl.read_delta(path).rows(named=True))


def pandas_rows(path: str) -> Rows:
    return plain(DeltaTable(path).to_pandas().to_dict("records"))


def duckdb_rows(path: str) -> Rows:
    table = DeltaTable(path).to_pyarrow_dataset()
    found = duckdb.connect().from_arrow(table)
    return plain(dict(zip(found.columns, row, strict=True)) for row in found.fetchall())


READERS: Mapping[str, Callable[[str], Rows]] = {"polars": polars_rows, "pandas": pandas_rows, "duckdb": duckdb_rows}

# For a separate process: one that has used Spark Connect cannot create a classic session.
CLASSIC = """
import json, sys
from delta import configure_spark_with_delta_pip
from pyspark.sql import SparkSession

builder = (
    SparkSession.builder.master("local[2]")
    .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    .config("spark.databricks.delta.snapshotPartitions", "2")
    .config("spark.ui.enabled", "false")
)
spark = configure_spark_with_delta_pip(builder).getOrCreate()
tables = {path: [row.asDict() for row in spark.read.format("delta").load(path).collect()] for path in sys.argv[1:]}
print(json.dumps(tables, default=str))
"""


def classic_spark_rows(paths: Sequence[str]) -> dict[str, Rows]:
    # A Spark Connect session leaves variables in the environment that break classic Spark.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SPARK_")}
    command = [sys.executable, "-c", CLASSIC, *paths]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    # Ivy, which fetches Delta's jars, prints to stdout first.
    return {path: plain(rows) for path, rows in json.loads(done.stdout.splitlines()[-1]).items()}


def plain(rows: Iterable[Mapping[str, Any]]) -> Rows:
    return sorted(json.dumps({name: _value(row[name]) for name in sorted(row)}, default=str) for row in rows)


def _value(value: Any) -> Any:
    # pandas has no null for doubles; numpy values are not JSON values.
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and math.isnan(value) else value


def without_java() -> str:
    """Return why classic Spark cannot run here; empty if it can. Spark 3.5 runs on Java 8, 11 and 17, the cluster on 17."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else shutil.which("java")
    if java is None or not Path(java).exists():
        return "no Java 17 found: install one, or point JAVA_HOME at it"
    output = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=False).stderr
    found = re.search(r'version "(\d+)', output)
    if found is None or found[1] != "17":
        return f"{java} is not Java 17: {output.splitlines()[0] if output else 'it prints nothing'}"
    return ""
