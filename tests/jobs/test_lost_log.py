"""A lake whose log of runs was deleted: landed data stays, and everything else is recomputed."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from shipment_etl import Lake, backlog, run_generate, run_process, run_waiting
from shipment_etl.errors import TableLost
from shipment_etl.lake.fingerprint import fingerprints
from shipment_etl.lake.tables import RUNS, Table
from tests.trust.gate import AFTER, KILL, Fault, Gate, Killed

DAYS = ("2026-11-22", "2026-11-23")


def read_fingerprints(spark: SparkSession, lake: Lake) -> dict[str, str]:
    names = [name for name in lake.tables() if name != "processed/runs"]
    return fingerprints({name: lake.read(spark, name) for name in names})


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    lake = Lake(tmp_path / "lake")
    for day in DAYS:
        run_generate(lake, date=day, rows=300, defects=0.05, truth=True, spark=spark)
        run_process(lake, date=day, spark=spark)
    return lake


@pytest.mark.parametrize("lost", ["processed", "processed/runs"])
def test_landed_batches_wait_and_are_processed_as_before(spark: SparkSession, lake: Lake, lost: str) -> None:
    before = read_fingerprints(spark, lake)
    shutil.rmtree(f"{lake.uri}/{lost}")
    assert [str(batch.batch_date) for batch in backlog(lake).waiting] == list(DAYS)
    assert [str(run.batch_date) for run in run_waiting(lake, spark=spark)] == list(DAYS)
    assert read_fingerprints(spark, lake) == before


def test_the_next_batch_keeps_those_before_it(spark: SparkSession, lake: Lake) -> None:
    shutil.rmtree(f"{lake.uri}/processed")
    run_generate(lake, date="2026-11-24", rows=300, spark=spark)
    assert [str(batch.batch_date) for batch in backlog(lake).waiting] == [*DAYS, "2026-11-24"]


def test_the_log_is_created_before_the_first_table(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, seen = Lake(tmp_path / "lake"), list[bool]()

    def commit(lake: Lake, table: Table, *given: Any, **more: Any) -> int:
        if table is RUNS:
            return commit_really(lake, table, *given, **more)
        seen.append(lake.has("processed/runs"))
        raise SystemExit("killed")

    commit_really = Lake.commit
    monkeypatch.setattr(Lake, "commit", commit)
    with pytest.raises(SystemExit):
        run_generate(lake, date=DAYS[0], rows=10, spark=spark)
    assert seen == [True]


@pytest.mark.parametrize("commit", [0, 1, 5])
def test_landed_data_stays_if_the_first_job_after_the_loss_is_killed(spark: SparkSession, lake: Lake, commit: int) -> None:
    before = read_fingerprints(spark, lake)
    shutil.rmtree(f"{lake.uri}/processed/runs")
    with Gate([Fault("commit", commit, AFTER, KILL)]).watch(), pytest.raises(Killed):
        run_process(lake, date=DAYS[0], spark=spark)
    assert [str(run.batch_date) for run in run_waiting(lake, spark=spark)] == list(DAYS)
    assert read_fingerprints(spark, lake) == before


@pytest.mark.parametrize("lost", ["known_ids", "lane_months", "delay_trends", "carrier_performance"])
def test_a_lost_table_that_can_be_computed_from_others_is(spark: SparkSession, lake: Lake, lost: str) -> None:
    before = read_fingerprints(spark, lake)
    shutil.rmtree(f"{lake.uri}/processed/{lost}")
    run_process(lake, date=DAYS[1], spark=spark)
    assert read_fingerprints(spark, lake) == before


@pytest.mark.parametrize("lost", ["shipments", "quarantine", "lane_days"])
def test_a_lost_table_that_cannot_be_is_reported_and_the_remedy_works(
    spark: SparkSession, lake: Lake, tmp_path: Path, lost: str
) -> None:
    before = read_fingerprints(spark, lake)
    shutil.rmtree(f"{lake.uri}/processed/{lost}")
    told = (
        f"processed/{lost} is missing .* Without one, move the folder processed out of the lake, then run: .* process --lake"
    )
    with pytest.raises(TableLost, match=told):
        run_process(lake, date=DAYS[1], spark=spark)
    Path(lake.uri, "processed").rename(tmp_path / "aside")
    run_waiting(lake, spark=spark)
    assert read_fingerprints(spark, lake) == before
