"""landed: nothing that was landed is forgotten, and nothing is processed twice without need."""

import shutil
from collections.abc import Sequence
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path

import pytest
from deltalake import DeltaTable, write_deltalake
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from shipment_etl.errors import LakeMissing, TableMissing
from shipment_etl.jobs import work
from shipment_etl.jobs.generate import run_generate
from shipment_etl.jobs.process import run_process, run_waiting
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.landed import LandedBatch, backlog, find_backlog, landed_batches
from shipment_etl.lake.runs import FAILED, HELD, SUCCEEDED, read_runs
from tests.lives.model import Report
from tests.lives.schedules import land
from tests.reporting.made_up import run

DAY = date(2026, 11, 23)
DAYS = [DAY + timedelta(days=n) for n in range(3)]
BATCHES = [LandedBatch(day, "shipments") for day in DAYS]


def names(lake: Lake) -> list[str]:
    return [str(batch) for batch in backlog(lake).waiting]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("generate", "ingest", "process", "maintain")),
            st.sampled_from(DAYS),
            st.sampled_from((SUCCEEDED, FAILED, HELD)),
        ).filter(lambda run: run[0] == "process" or run[2] != HELD),
        max_size=12,
    )
)
def test_a_batch_waits_unless_it_was_processed_after_it_was_landed(log: Sequence[tuple[str, date, str]]) -> None:
    """Runs in the order in which they happened, against a set that each changes."""
    waiting, held = set(DAYS), set()
    for job, day, status in log:
        if status != FAILED and job != "maintain":
            waiting.discard(day)
            held.discard(day)
            if job != "process":
                waiting.add(day)
            elif status == HELD:
                held.add(day)
    runs = [run(job, day, status) for job, day, status in reversed(log)]
    found = find_backlog(reversed(BATCHES), runs)
    assert [batch.batch_date for batch in found.waiting] == sorted(waiting)
    assert [batch.batch_date for batch in found.held] == sorted(held)


def test_all_that_waits_is_processed_once_the_oldest_first(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    for day in (DAYS[2], DAYS[0]):
        run_generate(lake, date=day, rows=20, spark=spark)
    assert names(lake) == [f"shipments {DAYS[0]}", f"shipments {DAYS[2]}"]
    assert [each.batch_date for each in run_waiting(lake, spark=spark)] == [DAYS[0], DAYS[2]]
    assert run_waiting(lake, spark=spark) == []
    run_generate(lake, date=DAYS[1], rows=20, spark=spark)
    run_generate(lake, date=DAYS[0], rows=30, spark=spark)
    assert [each.batch_date for each in run_waiting(lake, source="shipments", spark=spark)] == DAYS[:2]
    assert names(lake) == []
    assert landed_batches(lake) == BATCHES


def test_a_batch_that_is_held_does_not_stop_the_next_and_is_not_tried_again(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    run_generate(lake, date=DAYS[0], rows=50, defects=0.9, spark=spark)
    run_generate(lake, date=DAYS[1], rows=50, spark=spark)
    assert [each.status for each in run_waiting(lake, spark=spark)] == [HELD, SUCCEEDED]
    assert backlog(lake) == ((), (BATCHES[0],))
    assert run_waiting(lake, spark=spark) == []
    run_process(lake, date=DAYS[0], max_rejected=1, spark=spark)
    assert backlog(lake) == ((), ())


def test_a_batch_of_another_program_waits_too(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    run_generate(lake, date=DAYS[0], rows=20, spark=spark)
    run_waiting(lake, spark=spark)
    rows = DeltaTable(lake.location("raw/shipments")).to_pyarrow_table()
    write_deltalake(lake.location("raw/others"), rows, partition_by=["source", "batch_date"])
    assert names(lake) == [f"others {DAYS[0]}"]
    assert backlog(lake, "shipments").waiting == ()


def test_a_missing_lake_or_source_is_an_error(tmp_path: Path, spark: SparkSession) -> None:
    lake = Lake(tmp_path / "lake")
    with pytest.raises(LakeMissing):
        backlog(lake)
    run_generate(lake, date=DAY, rows=5, spark=spark)
    with pytest.raises(TableMissing, match="raw/acme"):
        backlog(lake, "acme")


def test_a_raw_table_that_was_moved_here_from_another_lake_is_landed_data(spark: SparkSession, tmp_path: Path) -> None:
    other, lake = Lake(tmp_path / "other"), Lake(tmp_path / "lake")
    run_generate(other, date=DAY, rows=50, spark=spark)
    land(spark, lake, tmp_path, DAY, [Report("a", "Post", "Oslo", DAY, DAY, DAY, 5, None, None)])
    shutil.move(f"{other.uri}/raw/shipments", f"{lake.uri}/raw/shipments")
    assert [batch.source for batch in backlog(lake).waiting] == ["acme", "shipments"]
    assert [run.counts.read for run in run_waiting(lake, spark=spark)] == [1, 50]
    run_process(lake, source="shipments", date=DAY, spark=spark)
    assert lake.dataset("raw/shipments").count_rows() == 50


def test_a_batch_landed_on_a_machine_whose_clock_is_behind_waits(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(tmp_path / "lake")
    run_generate(lake, date=DAY, rows=50, spark=spark)
    first = run_process(lake, date=DAY, spark=spark)

    class Behind(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) - timedelta(minutes=10)

    monkeypatch.setattr(work, "datetime", Behind)
    landed = run_generate(lake, date=DAY, rows=60, spark=spark)
    assert names(lake) == [f"shipments {DAY}"]
    assert [run.run_id for run in read_runs(lake)][:2] == [landed.run_id, first.run_id]
    assert datetime.fromisoformat(landed.started_at) > datetime.fromisoformat(first.started_at)
