"""Another program commits to a table while a job is working on it: the job fails, and what the program wrote stays."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable, TableFeatures, write_deltalake
from pyspark.sql import SparkSession

from shipment_etl import Lake, run_generate, run_process
from shipment_etl.errors import CommitConflict, HasDeletionVectors
from shipment_etl.hookspecs import hookimpl
from shipment_etl.lake.commits import DataFile
from shipment_etl.lake.runs import newest_run

DAY, NEXT = "2026-11-22", "2026-11-23"
ROWS = 200


class Other:
    """Appends five rows of one table to another when a job is about to commit."""

    def __init__(self, source: str, target: str) -> None:
        self.source = source
        self.target = target

    @hookimpl
    def before_stage(self, stage: str) -> None:
        if stage == "commit":
            rows = DeltaTable(self.source).to_pyarrow_table().slice(0, 5)
            write_deltalake(self.target, rows, mode="append", partition_by=["source", "batch_date"])


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    lake = Lake(tmp_path / "lake")
    run_generate(lake, date=DAY, rows=ROWS, spark=spark)
    run_process(lake, date=DAY, spark=spark)
    return lake


def count(lake: Lake, name: str) -> int:
    return lake.dataset(name).count_rows()


@pytest.mark.parametrize("name", ["raw/shipments", "processed/shipments"])
def test_its_rows_stay_when_the_job_is_refused(spark: SparkSession, lake: Lake, name: str) -> None:
    run_generate(lake, date=NEXT, rows=ROWS, spark=spark)
    before = {each: count(lake, each) for each in lake.tables() if each != "processed/runs"}
    other = Other(lake.location(name), lake.location(name))
    job = partial(run_generate, rows=ROWS, seed=8) if name == "raw/shipments" else run_process
    with pytest.raises(CommitConflict):
        job(lake, date=NEXT, spark=spark, listeners=[other])
    assert {each: count(lake, each) for each in before} == before | {name: before[name] + 5}
    run = newest_run(lake)
    assert run is not None
    assert run.after is not None
    assert (run.status, run.after[name]) == ("failed", run.before[name])
    # The next job accepts them as they are.
    counts = run_process(lake, date=NEXT, max_rejected=1, spark=spark).counts
    assert counts.read >= ROWS / 2


def test_a_table_that_it_has_created_stays(spark: SparkSession, lake: Lake, tmp_path: Path) -> None:
    new = Lake(tmp_path / "new")
    other = Other(lake.location("raw/shipments"), new.location("raw/shipments"))
    with pytest.raises(CommitConflict):
        run_generate(new, date=DAY, rows=ROWS, spark=spark, listeners=[other])
    assert count(new, "raw/shipments") == 5
    # From then on it is accepted as it is.
    run_generate(new, date=NEXT, rows=ROWS, spark=spark)
    assert count(new, "raw/shipments") > 5 + ROWS / 2


def test_rows_that_a_deletion_vector_leaves_out_are_not_counted(
    spark: SparkSession, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = run_process(lake, date=DAY, spark=spark).counts.read
    files = Lake.files

    def with_deleted_rows(lake: Lake, name: str, *given: Any) -> list[DataFile]:
        return [replace(each, rows=(each.rows or 0) + 7) for each in files(lake, name, *given)]

    # As Delta's log has it: the number of rows in a file, with those that its deletion vector leaves out.
    monkeypatch.setattr(Lake, "is_plain", lambda lake, name, version: name != "raw/shipments")
    monkeypatch.setattr(Lake, "files", with_deleted_rows)
    assert run_process(lake, date=DAY, spark=spark).counts.read == read


@pytest.mark.parametrize(
    "name", ["raw/shipments", "processed/shipments", "processed/lane_days", "processed/carrier_performance"]
)
def test_files_that_may_have_deletion_vectors_are_not_replaced(spark: SparkSession, lake: Lake, name: str) -> None:
    """To remove such a file, a commit must name its vector. Else readers still see the file."""
    DeltaTable(lake.location(name)).alter.add_feature([TableFeatures.DeletionVectors], allow_protocol_versions_increase=True)
    before = {each: lake.read(spark, each).count() for each in lake.tables() if each != "processed/runs"}
    job = partial(run_generate, rows=ROWS, seed=8) if name == "raw/shipments" else run_process
    with pytest.raises(
        HasDeletionVectors, match=f"^{name} uses deletion vectors.*REORG TABLE delta.`{lake.location(name)}`"
    ):
        job(lake, date=DAY, spark=spark)
    assert {each: lake.read(spark, each).count() for each in before} == before
