"""Maintenance: fewer files, the same rows, and the next run still computes only what its batch touches."""

import os
import re
import shutil
import signal
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable, write_deltalake
from pyspark.sql import SparkSession

from shipment_etl.errors import InvalidValue, LakeMissing, RowsChanged
from shipment_etl.jobs import maintain as maintain_module
from shipment_etl.jobs import marts as marts_module
from shipment_etl.jobs.generate import run_generate
from shipment_etl.jobs.maintain import run_maintain
from shipment_etl.jobs.process import run_process
from shipment_etl.lake.fingerprint import fingerprint
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.runs import newest_run
from shipment_etl.lake.tables import QUARANTINE, RUNS, SHIPMENTS
from tests.lake.tables import read_fingerprints, replace_batch

DAYS = [date(2026, 11, 29) + timedelta(days=n) for n in range(3)]
NEXT = DAYS[-1] + timedelta(days=1)
OPTIMISED = "OPTIMIZE"


def land(spark: SparkSession, lake: Lake, day: date, **options: Any) -> None:
    run_generate(lake, date=day, **{"rows": 1_000, "defects": 0.05, "spark": spark, **options})


def files(lake: Lake, name: str, version: int | None = None) -> list[str]:
    return DeltaTable(lake.location(name), version=version).file_uris()


@pytest.fixture(scope="module")
def processed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with three days processed, and a fourth landed."""
    lake = Lake(tmp_path_factory.mktemp("processed") / "lake")
    for day in DAYS:
        land(spark, lake, day)
        run_process(lake, date=day, spark=spark)
    land(spark, lake, NEXT)
    return Path(lake.uri)


@pytest.fixture(scope="module")
def fingerprints_after(spark: SparkSession, processed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The fingerprints once the fourth day is processed, in a lake that nobody maintained."""
    lake = Lake(shutil.copytree(processed, tmp_path_factory.mktemp("after") / "lake"))
    run_process(lake, date=NEXT, spark=spark)
    return read_fingerprints(spark, lake)


@pytest.fixture
def lake(processed: Path, tmp_path: Path) -> Lake:
    return Lake(shutil.copytree(processed, tmp_path / "lake"))


@pytest.fixture
def no_rebuild(monkeypatch: pytest.MonkeyPatch) -> None:
    def rebuild(*_: Any) -> None:
        raise AssertionError("The marts were rebuilt.")

    monkeypatch.setattr(marts_module, "_rebuild", rebuild)


@pytest.mark.usefixtures("no_rebuild")
def test_files_become_fewer_rows_stay_and_the_next_run_is_incremental(
    spark: SparkSession, lake: Lake, fingerprints_after: dict[str, str]
) -> None:
    before = read_fingerprints(spark, lake)
    done = run_maintain(lake, spark=spark)
    assert read_fingerprints(spark, lake) == before
    crowded = done.tables[RUNS.name]
    assert 1 == crowded.after.files < crowded.before.files
    assert crowded.after.bytes < crowded.before.bytes
    assert all(each.after.files == len(files(lake, name)) for name, each in done.tables.items() if name != RUNS.name)
    # Nothing is a week old.
    assert all(each.deleted.files == 0 for each in done.tables.values())
    assert newest_run(lake) == done.run
    assert done.run.after == {name: lake.version(name) for name in lake.tables() if name != RUNS.name}
    run_process(lake, date=NEXT, spark=spark)
    assert read_fingerprints(spark, lake) == fingerprints_after


def test_a_second_time_there_is_nothing_to_do(spark: SparkSession, lake: Lake) -> None:
    run_maintain(lake, spark=spark)
    versions = {name: lake.version(name) for name in lake.tables() if name != RUNS.name}
    done = run_maintain(lake, spark=spark)
    assert {name: lake.version(name) for name in versions} == versions
    assert all(each.before == each.after for name, each in done.tables.items() if name != RUNS.name)
    assert done.run.after == versions


def test_leftovers_of_a_dead_run_are_deleted_and_what_counts_stays(
    spark: SparkSession, lake: Lake, monkeypatch: pytest.MonkeyPatch, fingerprints_after: dict[str, str]
) -> None:
    monkeypatch.setattr(maintain_module, "MIN_HOURS", 0)
    before, counted = read_fingerprints(spark, lake), lake.snapshot().tables
    # A run that died after its first commit: the newest version was never logged.
    replace_batch(lake, SHIPMENTS, lake.read(spark, SHIPMENTS.name).limit(5), "shipments", DAYS[0], "dead")
    stray = Path(lake.location(SHIPMENTS.name), "run-killed", "part-0.parquet")
    stray.parent.mkdir()
    stray.write_bytes(b"x" * 100)
    (stray.parent / "_temporary").mkdir()
    done = run_maintain(lake, retention_days=0, spark=spark)
    assert read_fingerprints(spark, lake) == before
    assert not stray.parent.exists()
    assert done.tables[SHIPMENTS.name].deleted.bytes >= 100
    assert done.run.before[SHIPMENTS.name] == counted[SHIPMENTS.name] + 2, "rolled back by a new version"
    run_process(lake, date=NEXT, spark=spark)
    assert read_fingerprints(spark, lake) == fingerprints_after


def test_versions_within_the_retention_stay_readable(
    spark: SparkSession, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = "processed/cost_analysis"
    run_maintain(lake, retention_days=1, spark=spark)
    kept = [DeltaTable(lake.location(table), version=n).to_pyarrow_table().num_rows for n in range(lake.version(table))]
    assert all(kept)
    monkeypatch.setattr(maintain_module, "MIN_HOURS", 0)
    assert run_maintain(lake, retention_days=0, spark=spark).tables[table].deleted.files > 0
    with pytest.raises(FileNotFoundError):
        DeltaTable(lake.location(table), version=0).to_pyarrow_table()


@pytest.mark.usefixtures("no_rebuild")
def test_nested_columns_survive_and_their_batch_can_be_replaced(
    spark: SparkSession, lake: Lake, fingerprints_after: dict[str, str]
) -> None:
    rows = lake.read(spark, QUARANTINE.name)
    for part in ("source_row % 2 = 0", "source_row % 2 = 1"):
        # As if two files of one batch had been written.
        twice = rows.where(part).withColumn("source", rows["source"])
        twice.select(*QUARANTINE.columns).write.format("delta").mode("append").save(lake.location(QUARANTINE.name))
    before = fingerprint(lake.read(spark, QUARANTINE.name))
    done = run_maintain(lake, spark=spark).tables[QUARANTINE.name]
    assert done.before.files > done.after.files == 3
    assert fingerprint(lake.read(spark, QUARANTINE.name)) == before
    for day in (*DAYS, NEXT):
        run_process(lake, date=day, spark=spark)
    assert read_fingerprints(spark, lake) == fingerprints_after


def test_marts_that_another_program_changed_are_recomputed(
    spark: SparkSession, lake: Lake, fingerprints_after: dict[str, str]
) -> None:
    DeltaTable(lake.location("processed/delay_trends")).delete("shipments > 0")
    assert run_maintain(lake, spark=spark).run.marts_key == ""
    run_process(lake, date=NEXT, spark=spark)
    assert read_fingerprints(spark, lake) == fingerprints_after


def test_changed_rows_are_reported_and_rolled_back(spark: SparkSession, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    # So that the quarantine alone has something to compact, as if two files of one batch had been written.
    run_maintain(lake, spark=spark)
    some = lake.dataset(QUARANTINE.name).to_table().slice(0, 3)
    write_deltalake(lake.location(QUARANTINE.name), some, mode="append")
    before = read_fingerprints(spark, lake)
    said = iter(["1-2-3", "1-2-4"])
    monkeypatch.setattr(maintain_module, "fingerprint", lambda _: next(said))
    with pytest.raises(RowsChanged, match=r"had different rows after compaction: fingerprint 1-2-3 before, 1-2-4 after"):
        run_maintain(lake, spark=spark)
    assert read_fingerprints(spark, lake) == before
    newest = newest_run(lake)
    assert newest is not None
    assert (newest.job, newest.status) == ("maintain", "failed")
    operations = [each["operation"] for each in DeltaTable(lake.location(QUARANTINE.name)).history(2)]
    assert operations == ["RESTORE", OPTIMISED]


def test_staging_of_dead_jobs_is_deleted(spark: SparkSession, lake: Lake) -> None:
    file = Path(lake.uri, "_staging", "dead", "some", "rows.parquet")
    file.parent.mkdir(parents=True)
    file.write_text("rows")
    assert run_maintain(lake, spark=spark).staging == ["dead"]
    assert not Path(lake.uri, "_staging").exists()


def test_invalid_arguments_are_reported(lake: Lake, tmp_path: Path) -> None:
    for days in (-1, 31):
        with pytest.raises(InvalidValue, match=f"retention_days is {days}, but must be a number of days from 0 to 30"):
            run_maintain(lake, retention_days=days)
    with pytest.raises(LakeMissing):
        run_maintain(Lake(tmp_path / "none"))


KILLED = """
import os, signal, sys
from shipment_etl.hookspecs import hookimpl
from shipment_etl.jobs import maintain
from shipment_etl.lake.lake import Lake

class Killer:
    left = int(sys.argv[2])

    @hookimpl
    def after_table_written(self):
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    @hookimpl
    def after_run(self):
        os.kill(os.getpid(), signal.SIGKILL)

maintain.MIN_HOURS = 0
maintain.run_maintain(Lake(sys.argv[1]), retention_days=0, listeners=[Killer()])
"""


# In the middle of the marts, and after the log.
@pytest.mark.slow
@pytest.mark.usefixtures("no_rebuild")
@pytest.mark.parametrize("commits", [4, 99])
def test_a_killed_maintenance_leaves_whole_tables_and_the_next_run_incremental(
    spark: SparkSession, lake: Lake, fingerprints_after: dict[str, str], commits: int
) -> None:
    before = read_fingerprints(spark, lake)
    command = [sys.executable, "-c", KILLED, lake.uri, str(commits)]
    killed = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert read_fingerprints(spark, lake) == before
    if commits > 4:
        again = run_maintain(lake, spark=spark)
        assert again.tables[SHIPMENTS.name].after.files == len(files(lake, SHIPMENTS.name))
        assert read_fingerprints(spark, lake) == before
    run_process(lake, date=NEXT, spark=spark)
    assert read_fingerprints(spark, lake) == fingerprints_after


def test_a_maintenance_that_fails_can_be_undone_although_the_logs_are_shorter(
    spark: SparkSession, lake: Lake, fingerprints_after: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = datetime.now(UTC) - timedelta(days=45)
    for commit in Path(lake.uri).glob("*/*/_delta_log/*.json"):
        commit.write_text(re.sub(r'"timestamp":\d+', f'"timestamp":{int(old.timestamp() * 1000)}', commit.read_text()))
        os.utime(commit, (old.timestamp(), old.timestamp()))
    compact = maintain_module._compact_table

    def compact_or_fail(work: Any, name: str) -> Any:
        if name == RUNS.name:
            raise RuntimeError("no more")
        return compact(work, name)

    monkeypatch.setattr(maintain_module, "_compact_table", compact_or_fail)
    with pytest.raises(RuntimeError, match="no more"):
        run_maintain(lake, spark=spark)
    assert not Path(lake.uri, "processed", "known_ids", "_delta_log", f"{0:020}.json").exists()
    run_process(lake, date=NEXT, spark=spark)
    assert read_fingerprints(spark, lake) == fingerprints_after
