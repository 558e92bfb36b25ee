"""The scripts that the package is measured against do the same work: their marts and counts are ours."""

from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from benchmarks import duckdb_pipeline, polars_pipeline, promises
from shipment_etl import Lake, Network, run_generate, run_process
from shipment_etl.transform.marts import MARTS, STATES

DAY = date(2026, 11, 30)
DOUBLES = 1e-12
LACKING = {"open_shipments", *STATES, "with_delay"}
"""What scripts for generated shipments, which all have arrived, do not need to tell."""
Script = tuple[Callable[..., dict[str, int]], Callable[[Path], promises.Checksum]]


def by_duckdb() -> Script:
    connection = duckdb_pipeline.connect()
    return partial(duckdb_pipeline.process, connection), partial(duckdb_pipeline.checksum, connection)


def by_polars() -> Script:
    return polars_pipeline.process, polars_pipeline.checksum


@pytest.mark.parametrize("script", [by_duckdb, by_polars])
def test_their_tables_are_ours(script: Callable[[], Script], spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    run_generate(lake, date=DAY, rows=20_000, defects=0.05, spark=spark)
    run = run_process(lake, date=DAY, spark=spark)
    process, checksum = script()
    raw = f"{lake.location('raw/shipments')}/run-*/*.parquet"
    theirs = tmp_path / "theirs"
    words = [promises.keep_promises(theirs, DAY, partial(process, raw, Network.default(), DAY), checksum) for _ in range(2)]
    assert words[0] == words[1]
    assert (words[0]["shipments"][0], words[0]["quarantine"][0]) == (run.counts.accepted, run.counts.quarantined)
    assert DeltaTable(theirs / "runs").to_pandas()["duplicates"].tolist() == [run.counts.duplicates] * 2
    reasons = DeltaTable(theirs / "quarantine").to_pyarrow_table()["reasons"].combine_chunks()
    assert len(reasons.flatten()) == sum(run.reasons.values())
    for name, mart in MARTS.items():
        if name in LACKING:
            continue
        columns = [column for column in mart.columns if column not in LACKING]
        keys = columns[: columns.index("shipments")]
        rows = [ordered(table, columns, keys) for table in (f"{theirs}/{name}", lake.location(f"processed/{name}"))]
        assert len(rows[0]) == len(rows[1]) > 0
        for one, other in zip(*rows, strict=True):
            for column, a, b in zip(columns, one, other, strict=True):
                if mart.columns[column] in ("string", "date", "boolean"):
                    assert a == b, (name, column)
                else:
                    assert float(a) == pytest.approx(float(b), rel=DOUBLES), (name, column)


def ordered(table: str, columns: list[str], keys: list[str]) -> list[tuple[Any, ...]]:
    rows = DeltaTable(table).to_pyarrow_dataset()
    return duckdb.from_arrow(rows).order(", ".join(keys)).select(*columns).fetchall()


def test_a_lost_row_is_noticed() -> None:
    words = {"shipments": (7, ""), "quarantine": (2, "")}
    assert promises.account({"read": 10, "duplicates": 1}, words)["accepted"] == 7
    with pytest.raises(ValueError, match="7 accepted and 2 quarantined"):
        promises.account({"read": 10, "duplicates": 0}, words)
