"""A lake that an earlier release wrote: jobs work on top of it, and its tables are laid out anew where that has changed."""

import tarfile
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from shipment_etl.jobs.generate import run_generate
from shipment_etl.jobs.process import run_process
from shipment_etl.lake.fingerprint import fingerprint
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.snapshot import recover, restore
from shipment_etl.lake.tables import KNOWN_IDS, LANE_DAYS, OVERTAKEN, QUARANTINE, RUNS, SHIPMENTS

BEFORE_ONE_PASS = Path(__file__).parent / "old" / "lake-before-one-pass.tar.gz"
"""Two batches of 60 generated rows, of which a tenth have defects; lane_days has a file for each batch and month."""
DAYS = ("2026-11-28", "2026-12-01")
NEXT = "2026-12-02"


@pytest.fixture
def old(tmp_path: Path) -> Lake:
    with tarfile.open(BEFORE_ONE_PASS) as archive:
        archive.extractall(tmp_path, filter="data")
    return Lake(tmp_path / "lake")


def words(spark: SparkSession, lake: Lake) -> dict[str, str]:
    snapshot = lake.snapshot()
    return {name: fingerprint(snapshot.read(spark, name)) for name in snapshot.tables if name != RUNS.name}


def test_jobs_on_top_of_it_end_as_in_a_lake_of_today(spark: SparkSession, old: Lake, tmp_path: Path) -> None:
    new = Lake(tmp_path / "new")
    for day in DAYS:
        run_generate(new, date=day, rows=60, defects=0.1, spark=spark)
        run_process(new, date=day, max_rejected=1, spark=spark)
    for lake in (old, new):
        run_generate(lake, date=NEXT, rows=60, defects=0.1, spark=spark)
        run_process(lake, date=NEXT, max_rejected=1, spark=spark)
        run_process(lake, date=DAYS[0], max_rejected=1, spark=spark)
    # A batch that was not processed since is as it was: its shipments lack what only this release tells, and those that
    # have the id of another one are in the quarantine. All others are up to date.
    others = f"batch_date <> date'{DAYS[1]}'"
    for table in (SHIPMENTS, OVERTAKEN, QUARANTINE, KNOWN_IDS, LANE_DAYS):
        found, expected = (fingerprint(lake.read(spark, table.name).where(others)) for lake in (old, new))
        assert found == expected, table.name
    unknown = old.read(spark, SHIPMENTS.name).where("outcome is null").select("batch_date").distinct().collect()
    assert [row.batch_date.isoformat() for row in unknown] == [DAYS[1]]
    run_process(old, date=DAYS[1], max_rejected=1, spark=spark)
    assert words(spark, old) == words(spark, new)
    assert old.partitions(LANE_DAYS.name) == ["month"]
    assert len(old.files(LANE_DAYS.name)) == len(new.files(LANE_DAYS.name))


def test_a_table_laid_out_anew_by_a_run_that_died_is_put_back(spark: SparkSession, old: Lake) -> None:
    before, counted = words(spark, old), old.snapshot().tables[LANE_DAYS.name]
    run_generate(old, date=NEXT, rows=60, spark=spark)
    run_process(old, date=NEXT, spark=spark)
    assert old.version(LANE_DAYS.name) == counted + 2, "emptied, then written"
    # What the rollback of a run does.
    restore(old, LANE_DAYS.name, counted, "next")
    assert set(old.partitions(LANE_DAYS.name)) == {"source", "batch_date", "month"}
    assert fingerprint(old.read(spark, LANE_DAYS.name)) == before[LANE_DAYS.name]
    assert recover(old, "another")
