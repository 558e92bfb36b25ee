"""The jobs on a lake on S3: the same tables as in a folder, recovered after a crash, and one writer at a time."""

import json
import signal
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from typer.testing import CliRunner

from shipment_etl.cli.commands import app
from shipment_etl.errors import LakeLocked, LockLost, RowsLost
from shipment_etl.jobs import maintain as maintain_module
from shipment_etl.jobs import process as process_module
from shipment_etl.jobs.generate import run_generate
from shipment_etl.jobs.process import run_process
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.landed import landed_batches
from shipment_etl.lake.lock import LOCK
from shipment_etl.lake.object_lock import ObjectLock
from shipment_etl.lake.tables import RUNS
from tests.lake.tables import read_fingerprints
from tests.store.client import Store

DAY = date(2026, 11, 30)
MAPPING = """
[columns]
shipment_id = { column = "ID" }
origin_warehouse = { constant = "Berlin" }
destination_city = { column = "To" }
carrier = { constant = "UPS" }
shipment_date = { column = "Out", dates = ["yyyy-MM-dd"] }
promised_date = { column = "Due", dates = ["yyyy-MM-dd"] }
delivery_date = { column = "In", dates = ["yyyy-MM-dd"] }
shipment_weight_kg = { column = "Kilos" }
"""
SHIPPED = "ID,To,Out,Due,In,Kilos\n1,Boston,2026-11-20,2026-11-24,2026-11-25,2.5\n2,Miami,2026-11-20,2026-11-24,,x\n"


def land(spark: SparkSession, lake: Lake, day: date = DAY, **options: Any) -> None:
    run_generate(lake, date=day, **{"rows": 500, "defects": 0.05, "spark": spark, **options})


@pytest.fixture(scope="module")
def lake(spark: SparkSession, store: Store) -> Lake:
    """A lake on S3 with a day processed."""
    lake = Lake(f"{store.bucket('jobs')}/lake")
    land(spark, lake)
    run_process(lake, date=DAY, spark=spark)
    return lake


def test_a_day_on_s3_equals_a_day_in_a_folder(spark: SparkSession, lake: Lake, store: Store, tmp_path: Path) -> None:
    folder = Lake(tmp_path / "lake")
    land(spark, folder)
    run_process(folder, date=DAY, spark=spark)
    assert read_fingerprints(spark, lake) == read_fingerprints(spark, folder)
    assert not [key for key in store.keys("jobs") if "_staging" in key or key.endswith("/")]


def test_commands_take_an_address_as_they_take_a_folder(
    spark: SparkSession, store: Store, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintain_module, "MIN_HOURS", 0)
    (tmp_path / "acme.toml").write_text(MAPPING)
    (tmp_path / "shipped.csv").write_text(SHIPPED)

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, [*arguments, "--lake", lake.uri], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    landed = ("--source", "acme", "--date", "2026-11-30")
    run("ingest", str(tmp_path / "shipped.csv"), "--mapping", str(tmp_path / "acme.toml"), *landed)
    report = json.loads(run("process", *landed, "--accept-rejected", "--json"))
    assert (report["counts"]["accepted"], report["counts"]["quarantined"]) == (1, 1)
    assert "Boston" in run("show", "processed/shipments", "--format", "csv")
    assert json.loads(run("fingerprint", "raw/acme", "--json"))["table"] == "raw/acme"
    assert [json.loads(line)["job"] for line in run("runs", "--json").splitlines()][:2] == ["process", "ingest"]
    before = read_fingerprints(spark, lake)
    for key in ("_staging/dead/some/rows.parquet", "raw/shipments/left-by-a-dead-job.parquet"):
        store.client.put_object(Bucket="jobs", Key=f"lake/{key}", Body=b"rows")
    kept = json.loads(run("maintain", "--retention-days", "0", "--json"))
    assert kept["staging"] == ["dead"]
    assert kept["tables"]["raw/shipments"]["deleted"] == {"files": 1, "bytes": 4}
    assert read_fingerprints(spark, lake) == before
    assert kept["tables"]["processed/runs"]["after"]["files"] == 1
    assert kept["run"]["job"] == "maintain"
    found = [json.loads(line) for line in run("doctor", "--json").splitlines()]
    assert next(each for each in found if each["what"] == f"Lake {lake.uri}")["state"] == "green"
    assert not [key for key in store.keys("jobs") if "_probe" in key or "_staging" in key or "dead" in key]
    assert not any(store.variables["AWS_SECRET_ACCESS_KEY"] in str(each) for each in (report, kept, found))


def test_a_job_that_fails_on_s3_rolls_back_what_it_wrote(
    spark: SparkSession, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(spark, lake, seed=8)
    before = read_fingerprints(spark, lake)

    def fail(*_: Any) -> None:
        raise RowsLost(3, 1, 1, 0, 0)

    monkeypatch.setattr(process_module, "update_marts", fail)
    with pytest.raises(RowsLost):
        run_process(lake, date=DAY, spark=spark)
    assert read_fingerprints(spark, lake) == before
    newest = max(lake.read(spark, RUNS.name).collect(), key=lambda row: row["started_at"])
    assert (newest["status"], newest["job"]) == ("failed", "process")


def test_a_job_that_lost_the_lock_writes_nothing_more_and_rolls_nothing_back(
    spark: SparkSession, store: Store, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(spark, lake, seed=9)
    before = {name: lake.version(name) for name in ("processed/shipments", "processed/lane_days", RUNS.name)}
    check = ObjectLock.check

    def lost_after_shipments(lock: ObjectLock) -> None:
        if lake.version("processed/shipments") > before["processed/shipments"]:
            lock._lost = "someone else has taken it over"
        check(lock)

    monkeypatch.setattr(ObjectLock, "check", lost_after_shipments)
    with pytest.raises(LockLost, match="Nothing more was written, and nothing rolled back"):
        run_process(lake, date=DAY, spark=spark)
    monkeypatch.undo()
    assert lake.version("processed/shipments") == before["processed/shipments"] + 1
    assert lake.version("processed/lane_days") == before["processed/lane_days"]
    assert lake.version(RUNS.name) == before[RUNS.name]
    # It was left to expire.
    store.client.delete_object(Bucket="jobs", Key=f"lake/{LOCK}")


KILLED = """
import os, signal, sys
from shipment_etl.hookspecs import hookimpl
from shipment_etl.jobs.process import run_process
from shipment_etl.lake import object_lock
from shipment_etl.lake.lake import Lake
object_lock.LASTS_SECONDS = 8

class Killer:
    @hookimpl
    def after_table_written(self, table):
        if table == "processed/lane_days":
            os.kill(os.getpid(), signal.SIGKILL)

run_process(Lake(sys.argv[1]), listeners=[Killer()])
"""


@pytest.mark.slow
def test_a_killed_process_leaves_a_lock_that_says_so_and_is_recovered_once_it_has_expired(
    spark: SparkSession, store: Store, tmp_path: Path
) -> None:
    lake, folder = Lake(f"{store.bucket('killed')}/lake"), Lake(tmp_path / "lake")
    for home in (lake, folder):
        land(spark, home)
    run_process(folder, date=DAY, spark=spark)
    command = [sys.executable, "-c", KILLED, lake.uri]
    killed = subprocess.run(command, capture_output=True, text=True, timeout=120, env=store.environment(), check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with pytest.raises(LakeLocked, match=r"process of .* If it died, its lock expires at"):
        run_process(lake, date=DAY, spark=spark)
    deadline = time.monotonic() + 20
    while True:
        try:
            run_process(lake, date=DAY, spark=spark)
            break
        except LakeLocked:
            assert time.monotonic() < deadline
            time.sleep(0.5)
    assert read_fingerprints(spark, lake) == read_fingerprints(spark, folder)


RACING = """
import sys, time
from datetime import date, timedelta
from pathlib import Path
from shipment_etl.errors import LakeLocked
from shipment_etl.hookspecs import hookimpl
from shipment_etl.sessions import session
from shipment_etl.jobs.generate import run_generate
from shipment_etl.lake.lake import Lake
spark, lake, met = session("sail"), Lake(sys.argv[1]), Path(sys.argv[2])
first = date.fromisoformat(sys.argv[3])

class Holder:
    @hookimpl
    def after_table_written(self):
        # The first process holds the lock until the other one has failed to take it.
        while not met.exists() and time.monotonic() < deadline:
            time.sleep(0.05)

print("ready", flush=True)
sys.stdin.readline()
deadline = time.monotonic() + 60
locked = 0
for n in range(3):
    while True:
        try:
            run_generate(lake, date=first + timedelta(days=n), rows=100, spark=spark, listeners=[Holder()])
            break
        except LakeLocked:
            locked += 1
            met.touch()
            time.sleep(0.05)
print(locked)
"""


@pytest.mark.slow
def test_two_jobs_that_race_lose_no_batch_and_no_run(spark: SparkSession, store: Store, tmp_path: Path) -> None:
    lake = Lake(f"{store.bucket('race-of-jobs')}/lake")
    firsts = [date(2026, 1, 1), date(2026, 2, 1)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": store.environment()}
    command = [sys.executable, "-c", RACING, lake.uri, str(tmp_path / "met")]
    children = [subprocess.Popen([*command, str(first)], **pipes) for first in firsts]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    for child in children:
        child.stdin.write("\n")
        child.stdin.flush()
    assert sum(int(child.communicate(timeout=120)[0]) for child in children) > 0
    assert [batch.batch_date for batch in landed_batches(lake)] == [
        first + timedelta(days=n) for first in firsts for n in range(3)
    ]
    runs = lake.read(spark, RUNS.name).collect()
    assert [row["status"] for row in runs] == ["succeeded"] * 6
