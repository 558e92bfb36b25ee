"""Sail and classic Spark: tables that both write in turn are the same as if one engine had made them alone.

Classic Spark works in the most unusual session here; `make parity` tries more of them, and each engine on its own.
"""

import warnings
from pathlib import Path

import duckdb
import polars as pl
import pytest
from deltalake import DeltaTable

from shipment_etl import Lake
from shipment_etl.engines.java import find_java
from shipment_etl.errors import JavaMissing
from tests.engines import parity

FIRST, SECOND, THIRD = parity.DAYS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module", autouse=True)
def _java() -> None:
    try:
        find_java()
    except JavaMissing as missing:
        warnings.warn(f"PARITY OF THE ENGINES IS NOT TESTED HERE. {missing}", pytest.PytestWarning, stacklevel=1)
        pytest.skip(f"PARITY OF THE ENGINES IS NOT TESTED HERE. {missing}")


MAY_BE_EMPTY = ("processed/open_shipments", "processed/overtaken")
"""If all shipments are delivered, and reported once."""


@pytest.fixture(scope="module")
def by_sail(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    lake = str(tmp_path_factory.mktemp("sail") / "lake")
    return parity.run_step("sail", lake, FIRST, SECOND, "scms", THIRD, "tables")


@pytest.fixture(scope="module")
def passed_on(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A lake that Sail made and classic Spark continued."""
    lake = str(tmp_path_factory.mktemp("both") / "lake")
    parity.run_step("sail", lake, FIRST)
    parity.run_step("spark", lake, "odd", SECOND, "scms")
    return lake


def test_a_lake_that_passes_from_sail_to_spark_and_back_ends_as_if_sail_had_made_it_all(
    by_sail: dict[str, dict[str, str]], passed_on: str
) -> None:
    there_and_back = parity.run_step("sail", passed_on, THIRD, "tables")
    assert len(there_and_back["tables"]) == 14
    assert parity.find_differences(by_sail["tables"], there_and_back["tables"]) == []


def test_tables_that_both_wrote_can_be_read_by_others(passed_on: str) -> None:
    lake = Lake(passed_on)
    for name in lake.tables():
        table = DeltaTable(lake.location(name))
        rows = table.to_pyarrow_table()
        assert rows.num_rows > 0 or name in MAY_BE_EMPTY, name
        assert pl.scan_delta(lake.location(name)).select(pl.len()).collect().item() == rows.num_rows, name
        dataset = table.to_pyarrow_dataset()
        assert duckdb.connect().sql("SELECT count(*) FROM dataset").fetchall() == [(rows.num_rows,)], name
        assert dataset.schema.names, name
    runs = pl.read_delta(lake.location("processed/runs"))
    assert set(runs["engine"]) == {"sail", "spark"}


def test_the_lake_has_no_staging_left(passed_on: str) -> None:
    assert not Path(passed_on, "_staging").exists()
