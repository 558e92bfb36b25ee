"""Snapshots: what the newest row of the log says counts, and what was committed without being logged is rolled back."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from shipment_etl.errors import ChangedOutside, LakeMissing, TableMissing
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.runs import FAILED, log_run
from shipment_etl.lake.snapshot import Snapshot, recover
from shipment_etl.lake.tables import RUNS, Table
from tests.lake.tables import numbers, replace_batch
from tests.lake.test_runs import RUN

DAY, NEXT = date(2026, 11, 23), date(2026, 11, 24)
COLUMNS = {"source": "string", "batch_date": "date", "number": "int"}
ONE, OTHER = (Table(f"processed/{name}", COLUMNS, ("source", "batch_date")) for name in ("one", "other"))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def log(lake: Lake, run_id: str, after: Mapping[str, int] | None, marts_key: str = "key") -> None:
    version = lake.version(RUNS.name) if lake.has(RUNS.name) else None
    log_run(lake, replace(RUN, run_id=run_id, after=after, marts_key=marts_key), version)


def read_numbers(lake: Lake, name: str) -> list[int]:
    return sorted(lake.dataset(name).to_table()["number"].to_pylist())


def test_a_lake_that_does_not_exist_has_no_snapshot(lake: Lake) -> None:
    with pytest.raises(LakeMissing):
        lake.snapshot()
    assert recover(lake, "next") == Snapshot(lake)


def test_readers_get_the_versions_that_were_logged(spark: SparkSession, lake: Lake) -> None:
    replace_batch(lake, ONE, numbers(spark, 1), "a", DAY, "first")
    log(lake, "first", {ONE.name: 0})
    replace_batch(lake, ONE, numbers(spark, 2), "a", DAY, "second")
    snapshot = lake.snapshot()
    assert snapshot.tables == {ONE.name: 0}
    assert [row["number"] for row in snapshot.read(spark, ONE.name).collect()] == [1]
    assert snapshot.dataset(ONE.name).to_table()["number"].to_pylist() == [1]
    log(lake, "second", {ONE.name: 1})
    assert lake.snapshot().dataset(ONE.name).to_table()["number"].to_pylist() == [2]


def test_a_table_that_is_newer_than_the_snapshot_is_not_in_it(spark: SparkSession, lake: Lake) -> None:
    replace_batch(lake, ONE, numbers(spark, 1), "a", DAY, "first")
    log(lake, "first", {ONE.name: 0})
    replace_batch(lake, OTHER, numbers(spark, 2), "a", DAY, "second")
    log(lake, "second", {ONE.name: 0, OTHER.name: 0})
    snapshot = lake.snapshot("first")
    with pytest.raises(TableMissing):
        snapshot.dataset(OTHER.name)
    with pytest.raises(TableMissing):
        snapshot.read(spark, OTHER.name)
    assert lake.snapshot("second").dataset(OTHER.name).to_table()["number"].to_pylist() == [2]


def test_a_run_that_was_never_logged_is_rolled_back_wherever_it_died(spark: SparkSession, lake: Lake) -> None:
    replace_batch(lake, ONE, numbers(spark, 1), "a", DAY, "first")
    log(lake, "first", {ONE.name: 0})
    replace_batch(lake, ONE, numbers(spark, 2), "a", DAY, "dead")
    replace_batch(lake, OTHER, numbers(spark, 3), "a", DAY, "dead")
    assert recover(lake, "next") == Snapshot(lake, {ONE.name: 2}, "key", 0)
    assert read_numbers(lake, ONE.name) == [1]
    assert lake.tables() == [ONE.name, RUNS.name], "a table that it made is gone"
    # The job that recovered dies as well: the next one finds the same.
    assert recover(lake, "another").tables == {ONE.name: 3}
    assert read_numbers(lake, ONE.name) == [1]


def test_the_first_run_of_a_lake_is_rolled_back_to_nothing(spark: SparkSession, lake: Lake) -> None:
    replace_batch(lake, ONE, numbers(spark, 1), "a", DAY, "dead")
    assert recover(lake, "next") == Snapshot(lake)
    assert lake.storage.sizes("processed") == {}
    replace_batch(lake, ONE, numbers(spark, 2), "a", DAY, "next")
    assert read_numbers(lake, ONE.name) == [2]


def test_a_failed_run_keeps_what_counted(spark: SparkSession, lake: Lake) -> None:
    replace_batch(lake, ONE, numbers(spark, 1), "a", DAY, "first")
    log(lake, "first", {ONE.name: 0})
    log_run(lake, replace(RUN, run_id="failed", status=FAILED, after={ONE.name: 0}, marts_key="key"), 0)
    assert recover(lake, "next") == Snapshot(lake, {ONE.name: 0}, "key", 1)


def test_what_another_program_wrote_is_accepted_and_the_marts_are_not_trusted(spark: SparkSession, lake: Lake) -> None:
    replace_batch(lake, ONE, numbers(spark, 1), "a", DAY, "first")
    log(lake, "first", {ONE.name: 0})
    DeltaTable(lake.location(ONE.name)).delete("number = 1")
    assert recover(lake, "next") == Snapshot(lake, {ONE.name: 1}, "", 0)
    assert read_numbers(lake, ONE.name) == []


def test_maintenance_by_another_program_changes_nothing(spark: SparkSession, lake: Lake) -> None:
    replace_batch(lake, ONE, numbers(spark, 1), "a", DAY, "first")
    log(lake, "first", {ONE.name: 0})
    replace_batch(lake, ONE, numbers(spark, 1), "a", DAY, "second")
    log(lake, "second", {ONE.name: 1})
    DeltaTable(lake.location(ONE.name)).vacuum(0, dry_run=False, enforce_retention_duration=False)
    newest = lake.version(ONE.name)
    assert newest > 1
    assert recover(lake, "next") == Snapshot(lake, {ONE.name: newest}, "key", 1)
    # Also on top of a run that died: it is rolled back all the same.
    replace_batch(lake, ONE, numbers(spark, 2), "b", DAY, "dead")
    replace_batch(lake, ONE, numbers(spark, 3), "b", NEXT, "dead")
    DeltaTable(lake.location(ONE.name)).optimize.compact()
    recover(lake, "next")
    assert read_numbers(lake, ONE.name) == [1]


def test_rows_of_another_program_on_top_of_a_dead_run_are_left_to_the_user(spark: SparkSession, lake: Lake) -> None:
    replace_batch(lake, ONE, numbers(spark, 1), "a", DAY, "first")
    log(lake, "first", {ONE.name: 0})
    replace_batch(lake, ONE, numbers(spark, 2), "b", DAY, "dead")
    DeltaTable(lake.location(ONE.name)).delete("number = 1")
    with pytest.raises(ChangedOutside, match=r"processed/one was changed by another program \(up to version 2\)"):
        recover(lake, "next")
    assert read_numbers(lake, ONE.name) == [2], "nothing was touched"
    # They restore it to a version without rows of the dead run.
    DeltaTable(lake.location(ONE.name)).restore(0)
    assert recover(lake, "next").tables == {ONE.name: 3}
    assert read_numbers(lake, ONE.name) == [1]


def test_a_lake_of_an_older_release_is_accepted_as_it_is(spark: SparkSession, lake: Lake) -> None:
    rows = numbers(spark, 1).selectExpr("'a' AS source", "DATE'2026-11-23' AS batch_date", "number")
    rows.write.format("delta").partitionBy("source", "batch_date").save(lake.location(ONE.name))
    newest = lake.version(ONE.name)
    log(lake, "of 0.1.0", None, "")
    assert lake.snapshot().tables == {ONE.name: newest}
    assert recover(lake, "next") == Snapshot(lake, {ONE.name: newest}, "", 0)
    assert read_numbers(lake, ONE.name) == [1]
    # The first run of this release on it dies.
    replace_batch(lake, ONE, numbers(spark, 2), "b", DAY, "dead")
    recover(lake, "next")
    assert read_numbers(lake, ONE.name) == [1]
