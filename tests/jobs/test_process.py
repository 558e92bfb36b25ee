"""The process job after crashes, replays, and with batches in any order."""

import re
import shutil
import signal
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from shipment_etl.errors import BatchMissing, DataRejected, InvalidValue, LakeMissing, RowsLost, TableMissing
from shipment_etl.hookspecs import hookimpl
from shipment_etl.jobs import process as process_module
from shipment_etl.jobs.generate import run_generate
from shipment_etl.jobs.process import run_process
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.landed import landed_batches
from shipment_etl.lake.runs import HELD, RowCounts, Run, RunStart, newest_run
from shipment_etl.network import Network
from shipment_etl.transform.marts import MARTS
from tests.lake.tables import read_fingerprints

DAY = date(2026, 11, 30)
ROWS = 3_000


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def land(spark: SparkSession, lake: Lake, day: date = DAY, **options: Any) -> None:
    run_generate(lake, date=day, **{"rows": ROWS, "defects": 0.05, "spark": spark, **options})


def test_rows_are_accounted_for_and_every_reason_counted(spark: SparkSession, lake: Lake) -> None:
    land(spark, lake)
    run = run_process(lake, date=DAY, spark=spark)
    quarantine, counts = lake.read(spark, "processed/quarantine"), run.counts
    assert counts.read == ROWS == counts.accepted + counts.quarantined + counts.duplicates + counts.overtaken
    assert counts.accepted == lake.read(spark, "processed/shipments").count() > 0
    assert counts.quarantined == quarantine.count() > 0
    assert counts.overtaken == lake.read(spark, "processed/overtaken").count() > 0
    assert counts.duplicates > 0
    explained = quarantine.agg(F.sum(F.size("reasons")).alias("n")).collect()[0]["n"]
    assert sum(run.reasons.values()) == explained
    assert newest_run(lake) == run


def test_quarantine_keeps_the_row_as_it_landed(spark: SparkSession, lake: Lake) -> None:
    land(spark, lake)
    run_process(lake, date=DAY, spark=spark)
    parsed = F.from_json("original", "map<string,string>").alias("kept")
    bad = lake.read(spark, "processed/quarantine").select("source_file", "source_row", parsed)
    raw = {row["source_row"]: row for row in lake.read(spark, "raw/shipments").collect()}
    for row in bad.collect():
        landed = raw[row["source_row"]].asDict()
        assert row["source_file"] == landed["source_file"]
        assert row["kept"] == {name: None if landed[name] is None else str(landed[name]) for name in row["kept"]}


def test_running_again_changes_no_table(spark: SparkSession, lake: Lake) -> None:
    land(spark, lake)
    first = run_process(lake, date=DAY, spark=spark)
    before = read_fingerprints(spark, lake)
    again = run_process(lake, date=DAY, spark=spark)
    assert read_fingerprints(spark, lake) == before
    assert {name: table.fingerprint for name, table in again.tables.items()} == {
        name: table.fingerprint for name, table in first.tables.items()
    }


def test_the_order_of_batches_replays_and_corrections_do_not_matter(spark: SparkSession, tmp_path: Path) -> None:
    # Across the end of a month, so that late arrivals touch the month before.
    days = [DAY + timedelta(days=n) for n in (-1, 0, 1, 3)]
    clean = Lake(tmp_path / "clean")
    for day in days:
        land(spark, clean, day)
        run_process(clean, date=day, spark=spark)
    messy = Lake(tmp_path / "messy")
    for day in reversed(days):
        land(spark, messy, day, seed=99, rows=500, defects=0.5)
        run_process(messy, date=day, max_rejected=1, spark=spark)
    for day in (days[2], days[0], days[2], days[3], days[1]):
        land(spark, messy, day)
        run_process(messy, date=day, spark=spark)
    assert read_fingerprints(spark, messy) == read_fingerprints(spark, clean)


def test_marts_after_many_small_updates_equal_marts_made_at_once(spark: SparkSession, lake: Lake) -> None:
    for n in range(9):
        land(spark, lake, DAY + timedelta(days=n), rows=300)
        run_process(lake, date=DAY + timedelta(days=n), spark=spark)
    updated = read_fingerprints(spark, lake)
    # A run that cannot trust the marts recomputes all of them: here because another program has changed one.
    DeltaTable(lake.location("processed/delay_trends")).delete("shipments > 0")
    run_process(lake, date=DAY, spark=spark)
    assert read_fingerprints(spark, lake) == updated


def test_another_network_rebuilds_the_marts(spark: SparkSession, lake: Lake) -> None:
    for n in range(2):
        land(spark, lake, DAY + timedelta(days=n), rows=300, defects=0)
        run_process(lake, date=DAY + timedelta(days=n), spark=spark)
    default = Network.default()
    without = Network(tuple(type(w)(w.name) for w in default.warehouses), default.cities, default.carriers)
    run_process(lake, date=DAY, network=without, spark=spark)
    demand = lake.read(spark, "processed/warehouse_demand")
    assert demand.where("utilisation_pct IS NOT NULL").count() == 0
    assert demand.select("shipment_date").distinct().count() == 2


class KilledAfter:
    """Sends SIGKILL to its own process after a number of commits."""

    CHILD = """
import os, signal, sys
from shipment_etl.hookspecs import hookimpl
from shipment_etl.jobs.process import run_process
from shipment_etl.lake.lake import Lake

class Killer:
    left = int(sys.argv[2])

    def count(self):
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    @hookimpl
    def before_run(self): self.count()

    @hookimpl
    def after_table_written(self): self.count()

    @hookimpl
    def after_run(self): self.count()

run_process(Lake(sys.argv[1]), listeners=[Killer()])
"""


# Before the first commit, after each of quarantine, known_ids, shipments, overtaken, lane_days, lane_months, six marts, and
# after the log.
@pytest.mark.slow
@pytest.mark.parametrize("commits", range(14))
def test_a_killed_process_is_recovered_by_the_next_run(
    spark: SparkSession, tmp_path: Path, landed_twice: Path, clean_fingerprints: dict[str, str], commits: int
) -> None:
    lake = Lake(shutil.copytree(landed_twice, tmp_path / "lake"))
    command = [sys.executable, "-c", KilledAfter.CHILD, lake.uri, str(commits)]
    killed = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    run_process(lake, spark=spark)
    assert read_fingerprints(spark, lake) == clean_fingerprints


def test_the_kills_above_cover_every_commit(spark: SparkSession, landed_twice: Path, tmp_path: Path) -> None:
    class Counter:
        written = 0

        @hookimpl
        def after_table_written(self) -> None:
            self.written += 1

    counter = Counter()
    run_process(Lake(shutil.copytree(landed_twice, tmp_path / "lake")), spark=spark, listeners=[counter])
    assert counter.written == 12


@pytest.fixture(scope="module")
def landed_twice(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with one day processed, and another that was processed, then landed again with other rows."""
    lake = Lake(tmp_path_factory.mktemp("landed") / "lake")
    for day, seed in ((DAY, 7), (DAY + timedelta(days=1), 8)):
        land(spark, lake, day, seed=seed)
        run_process(lake, date=day, spark=spark)
    land(spark, lake, DAY + timedelta(days=1), seed=9)
    return Path(lake.uri)


@pytest.fixture(scope="module")
def clean_fingerprints(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The fingerprints of a lake that had the last rows from the beginning."""
    lake = Lake(tmp_path_factory.mktemp("clean") / "lake")
    for day, seed in ((DAY, 7), (DAY + timedelta(days=1), 9)):
        land(spark, lake, day, seed=seed)
        run_process(lake, date=day, spark=spark)
    return read_fingerprints(spark, lake)


def test_a_job_that_fails_leaves_the_lake_as_it_was(
    spark: SparkSession, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(spark, lake)
    run_process(lake, date=DAY, spark=spark)
    land(spark, lake, seed=8)
    before = read_fingerprints(spark, lake)

    def fail(*_: Any) -> None:
        raise RowsLost(4, 1, 1, 0, 1)

    monkeypatch.setattr(process_module, "update_marts", fail)
    with pytest.raises(RowsLost, match=r"read 4 ≠ accepted 1 \+ quarantined 1 \+ duplicates 0 \+ overtaken 1"):
        run_process(lake, date=DAY, spark=spark)
    assert read_fingerprints(spark, lake) == before
    newest = newest_run(lake)
    assert newest is not None
    assert (newest.status, newest.job) == ("failed", "process")
    assert not [path for name in before for path in lake.storage.sizes(name) if newest.run_id in path], "its files"
    monkeypatch.undo()
    assert run_process(lake, date=DAY, spark=spark).status == "succeeded"


def test_a_first_job_that_fails_leaves_no_table_behind(
    spark: SparkSession, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(spark, lake)
    monkeypatch.setattr(process_module, "update_marts", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_process(lake, date=DAY, spark=spark)
    assert lake.tables() == ["processed/runs", "raw/shipments"]


def test_listeners_are_called_for_a_run(spark: SparkSession, lake: Lake) -> None:
    heard: list[str] = []

    class Listener:
        @hookimpl
        def before_run(self, start: RunStart) -> None:
            heard.append(f"before {start.job} {start.source} {start.batch_date}")

        @hookimpl
        def after_table_written(self, table: str) -> None:
            heard.append(table)

        @hookimpl
        def after_run(self, run: Run) -> None:
            heard.append(f"after {run.counts.read}")

        @hookimpl
        def run_failed(self, error: BaseException) -> None:
            heard.append("failed")

    land(spark, lake)
    run_process(lake, date=DAY, spark=spark, listeners=[Listener()])
    assert heard[0] == "before process shipments 2026-11-30"
    first = ("quarantine", "known_ids", "shipments", "overtaken", "lane_days")
    assert heard[1 : len(first) + 1] == [f"processed/{name}" for name in first]
    assert heard[-1] == f"after {ROWS}"
    assert "failed" not in heard


def test_a_batch_with_too_many_rejected_rows_is_held(spark: SparkSession, lake: Lake) -> None:
    land(spark, lake)
    run_process(lake, date=DAY, spark=spark)
    before = read_fingerprints(spark, lake)
    land(spark, lake, seed=8, defects=0.5)
    with pytest.raises(DataRejected, match=r"of 3,000 rows were quarantined \(.*%\); --max-rejected allows 10.00%"):
        run_process(lake, date=DAY, spark=spark)
    held = newest_run(lake)
    assert held is not None
    assert (held.status, held.counts.read) == (HELD, ROWS)
    assert set(held.tables) == {"processed/quarantine"}
    assert lake.read(spark, "processed/quarantine").count() == held.counts.quarantined > ROWS / 10
    after = read_fingerprints(spark, lake)
    changed = {name for name, word in after.items() if before[name] != word}
    assert changed == {"raw/shipments", "processed/quarantine"}
    # After looking at them, the user may accept the batch anyway.
    assert run_process(lake, date=DAY, max_rejected=1, spark=spark).status == "succeeded"
    assert read_fingerprints(spark, lake)["processed/shipments"] != before["processed/shipments"]


def test_all_rows_rejected_give_empty_marts(spark: SparkSession, lake: Lake) -> None:
    land(spark, lake, rows=50)
    nothing = Network(tuple(type(w)(f"no {w.name}") for w in Network.default().warehouses))
    run = run_process(lake, date=DAY, network=nothing, max_rejected=1, spark=spark)
    assert run.counts == RowCounts(50, 0, 50, 0)
    assert {name: lake.read(spark, f"processed/{name}").count() for name in MARTS} == dict.fromkeys(MARTS, 0)


def test_what_is_missing_is_named_with_what_exists(spark: SparkSession, lake: Lake) -> None:
    with pytest.raises(LakeMissing):
        run_process(lake, spark=spark)
    land(spark, lake)
    with pytest.raises(BatchMissing, match=r"raw/shipments has no batch of 2026-01-01. It has: 2026-11-30"):
        run_process(lake, date="2026-01-01", spark=spark)
    with pytest.raises(TableMissing, match=r"has no table 'raw/shipment'. Did you mean 'raw/shipments'"):
        run_process(lake, source="shipment", spark=spark)
    with pytest.raises(InvalidValue, match="date is '2026-02-30'"):
        run_process(lake, date="2026-02-30", spark=spark)
    with pytest.raises(InvalidValue, match="max_rejected is 2"):
        run_process(lake, max_rejected=2, spark=spark)
    assert [batch.batch_date for batch in landed_batches(lake, "shipments")] == [DAY]


def test_jobs_take_the_address_of_a_lake_and_a_run_prints_what_it_did(spark: SparkSession, tmp_path: Path) -> None:
    address = tmp_path / "lake"
    run_generate(str(address), date=DAY, rows=200, defects=0.05, spark=spark)
    run = run_process(address, spark=spark)
    newest = newest_run(Lake(address))
    assert newest is not None
    assert newest.run_id == run.run_id
    first, second, *others = repr(run).splitlines()
    assert re.fullmatch(rf"process shipments {DAY}: succeeded in [\d.]+ s on sail", first)
    counts = run.counts
    assert second == f"  200 rows read = {counts.accepted} accepted + {counts.quarantined} quarantined" + (
        f" + {counts.duplicates} duplicates + {counts.overtaken} overtaken"
    )
    assert [line.split() for line in others[: len(run.reasons)]] == [[str(rows), name] for name, rows in run.reasons.items()]
    assert others[-1] == f"  run {run.run_id}"
