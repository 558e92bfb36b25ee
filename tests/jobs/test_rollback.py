"""rollback: restores the lake and the batch as they were before a run, or is refused with the reason."""

from datetime import date
from pathlib import Path

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

import shipment_etl as etl
from shipment_etl.errors import RollbackRefused
from shipment_etl.jobs.maintain import run_maintain
from shipment_etl.jobs.process import run_process
from shipment_etl.jobs.rollback import run_rollback
from shipment_etl.lake.fingerprint import fingerprints
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.landed import backlog, landed_batches
from shipment_etl.lake.runs import Run, read_runs
from tests.lives.model import Report
from tests.lives.schedules import FIRST, land
from tests.trust.gate import AFTER, KILL, Fault, Gate, Killed

NEXT = date(2026, 11, 5)


def report(name: str, cost: int) -> Report:
    return Report(name, "Post", "Oslo", date(2026, 11, 1), date(2026, 11, 3), date(2026, 11, 3), cost, None, None)


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    """A lake with a batch that is processed, and one that waits: a correction and a new shipment."""
    made = Lake(tmp_path / "lake")
    land(spark, made, tmp_path, FIRST, [report("a", 5), report("b", 6)])
    run_process(made, source="acme", date=FIRST, spark=spark)
    land(spark, made, tmp_path, NEXT, [report("a", 9), report("c", 7)])
    return made


def read_fingerprints(spark: SparkSession, lake: Lake) -> dict[str, str]:
    snapshot = lake.snapshot()
    return fingerprints({name: snapshot.read(spark, name) for name in snapshot.tables})


def tables_with_rows(lake: Lake) -> set[str]:
    snapshot = lake.snapshot()
    return {name for name in snapshot.tables if snapshot.dataset(name).count_rows()}


def test_the_lake_is_as_before_the_run_and_its_batch_waits_again(spark: SparkSession, lake: Lake) -> None:
    before = read_fingerprints(spark, lake)
    run = run_process(lake, source="acme", date=NEXT, spark=spark)
    after = read_fingerprints(spark, lake)
    assert after != before
    assert backlog(lake).waiting == ()
    rolled_back = run_rollback(lake, run.run_id[:8], spark=spark)
    assert read_fingerprints(spark, lake) == before
    assert [str(batch) for batch in backlog(lake).waiting] == [f"acme {NEXT}"]
    assert (rolled_back.job, rolled_back.settings) == ("rollback", {"run": run.run_id})
    run_process(lake, source="acme", date=NEXT, spark=spark)
    assert read_fingerprints(spark, lake) == after


def test_the_first_run_leaves_no_row_behind(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    land(spark, lake, tmp_path, FIRST, [report("a", 5), report("b", 6)])
    run = run_process(lake, source="acme", spark=spark)
    after = read_fingerprints(spark, lake)
    run_rollback(lake, run.run_id, spark=spark)
    assert tables_with_rows(lake) == {"raw/acme"}
    assert [str(batch) for batch in backlog(lake).waiting] == [f"acme {FIRST}"]
    assert "Nothing has been processed yet" in etl.report(lake)
    run_process(lake, source="acme", spark=spark)
    assert read_fingerprints(spark, lake) == after


def test_the_first_landing_leaves_no_batch(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    land(spark, lake, tmp_path, FIRST, [report("a", 5)])
    run_rollback(lake, newest(lake, "ingest").run_id, spark=spark)
    assert lake.snapshot().dataset("raw/acme").count_rows() == 0
    assert landed_batches(lake) == []
    land(spark, lake, tmp_path, FIRST, [report("b", 5)])
    assert len(lake.snapshot().dataset("raw/acme").to_table()) == 1


def test_a_rollback_of_the_first_runs_can_be_rolled_back(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    land(spark, lake, tmp_path, FIRST, [report("a", 5)])
    landed = newest(lake, "ingest")
    processed = run_process(lake, source="acme", spark=spark)
    before = read_fingerprints(spark, lake)
    undone = [run_rollback(lake, run.run_id, spark=spark) for run in (processed, landed)]
    for run in reversed(undone):
        run_rollback(lake, run.run_id, spark=spark)
    assert read_fingerprints(spark, lake) == before
    assert backlog(lake).waiting == ()


@pytest.mark.parametrize("restored", [0, 2])
def test_a_rollback_that_was_killed_is_run_again(spark: SparkSession, lake: Lake, restored: int) -> None:
    before = read_fingerprints(spark, lake)
    run = run_process(lake, source="acme", date=NEXT, spark=spark)
    with Gate([Fault("restore", restored, AFTER, KILL)]).watch(), pytest.raises(Killed):
        run_rollback(lake, run.run_id, spark=spark)
    run_rollback(lake, run.run_id, spark=spark)
    assert read_fingerprints(spark, lake) == before


def test_a_change_by_another_program_is_kept(spark: SparkSession, lake: Lake) -> None:
    run = run_process(lake, source="acme", date=NEXT, spark=spark)
    DeltaTable(lake.location("processed/carrier_performance")).delete()
    with pytest.raises(RollbackRefused, match="another program has changed processed/carrier_performance"):
        run_rollback(lake, run.run_id, spark=spark)


def test_a_rollback_is_a_run_that_can_be_rolled_back(spark: SparkSession, lake: Lake) -> None:
    run = run_process(lake, source="acme", date=NEXT, spark=spark)
    after = read_fingerprints(spark, lake)
    undone = run_rollback(lake, run.run_id, spark=spark)
    with pytest.raises(RollbackRefused, match="it has already been rolled back"):
        run_rollback(lake, run.run_id, spark=spark)
    run_rollback(lake, undone.run_id, spark=spark)
    assert read_fingerprints(spark, lake) == after
    assert backlog(lake).waiting == ()


def test_a_run_that_another_depends_on_is_refused_and_the_other_named(spark: SparkSession, lake: Lake) -> None:
    first = newest(lake, "process")
    second = run_process(lake, source="acme", date=NEXT, spark=spark)
    before = read_fingerprints(spark, lake)
    with pytest.raises(RollbackRefused, match=f"the run {second.run_id} .process acme {NEXT}. depends on it"):
        run_rollback(lake, first.run_id, spark=spark)
    with pytest.raises(RollbackRefused, match="depends on it"):
        run_rollback(lake, newest(lake, "ingest").run_id, spark=spark)
    assert read_fingerprints(spark, lake) == before
    run_rollback(lake, second.run_id, spark=spark)
    run_rollback(lake, first.run_id, spark=spark)
    assert tables_with_rows(lake) == {"raw/acme"}


def test_landing_is_rolled_back_as_long_as_nothing_depends_on_it(spark: SparkSession, lake: Lake) -> None:
    run_rollback(lake, newest(lake, "ingest").run_id, spark=spark)
    assert backlog(lake).waiting == ()
    assert [str(batch) for batch in landed_batches(lake)] == [f"acme {FIRST}"]


def test_maintenance_in_between_matters_only_once_it_deletes_files(spark: SparkSession, lake: Lake) -> None:
    before = read_fingerprints(spark, lake)
    run = run_process(lake, source="acme", date=NEXT, spark=spark)
    run_maintain(lake, spark=spark)
    run_rollback(lake, run.run_id, spark=spark)
    assert read_fingerprints(spark, lake) == before


def test_missing_files_are_named(spark: SparkSession, lake: Lake) -> None:
    old = {file.path for file in lake.files("processed/lane_days")}
    run = run_process(lake, source="acme", date=NEXT, spark=spark)
    for path in old - {file.path for file in lake.files("processed/lane_days")}:
        (Path(lake.uri) / "processed/lane_days" / path).unlink()
    with pytest.raises(RollbackRefused, match="maintain has deleted files of processed/lane_days that it needs"):
        run_rollback(lake, run.run_id, spark=spark)


@pytest.mark.parametrize(("run_id", "why"), [("nobody", "there is no such run"), ("", "there is no such run")])
def test_a_run_that_does_not_exist_is_refused(spark: SparkSession, lake: Lake, run_id: str, why: str) -> None:
    with pytest.raises(RollbackRefused, match=why):
        run_rollback(lake, run_id, spark=spark)


def newest(lake: Lake, job: str) -> Run:
    return next(run for run in read_runs(lake) if run.job == job)


def test_a_log_that_does_not_reach_back_is_named(spark: SparkSession, lake: Lake) -> None:
    run = run_process(lake, source="acme", date=NEXT, spark=spark)
    for name in lake.tables():
        table = DeltaTable(lake.location(name))
        table.create_checkpoint()
        for version in range(table.version()):
            Path(lake.location(name), "_delta_log", f"{version:020}.json").unlink()
    with pytest.raises(RollbackRefused, match=r"the log of processed/\S+ no longer has the version before it"):
        run_rollback(lake, run.run_id, spark=spark)
