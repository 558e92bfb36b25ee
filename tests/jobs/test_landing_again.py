"""Landing a batch again: never silently, and with each option the lake holds what was asked for."""

import json
import subprocess
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from shipment_etl.errors import BatchExists, InvalidValue, MappingDiffers
from shipment_etl.ingest.mapping import SourceMapping
from shipment_etl.jobs.ingest import run_ingest
from shipment_etl.jobs.process import run_process, run_waiting
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.landed import backlog
from shipment_etl.lake.runs import Run
from tests import command_line

DAY = "2026-11-09"
HEAD = "No,From,To,Who,Out,Due,In\n"
TOML = """[columns]
shipment_id = { column = "No" }
origin_warehouse = { column = "From" }
destination_city = { column = "To" }
carrier = { column = "Who" }
shipment_date = { column = "Out", dates = ["yyyy-MM-dd"] }
promised_date = { column = "Due", dates = ["yyyy-MM-dd"] }
delivery_date = { column = "In", dates = ["yyyy-MM-dd"] }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a mapping and two files of two shipments each."""
    for name, numbers in {"am": (1, 2), "pm": (3, 4)}.items():
        rows = (f"{number},Hamburg,Lyon,DHL,2026-11-01,2026-11-03,2026-11-03\n" for number in numbers)
        (tmp_path / f"{name}.csv").write_text(HEAD + "".join(rows))
    (tmp_path / "m.toml").write_text(TOML)
    return tmp_path


def land(spark: SparkSession, lake: Lake, file: Path, mapping: str = TOML, **more: str) -> Run:
    means = SourceMapping.from_text(mapping, "m.toml")
    return run_ingest(lake, file, source="acme", mapping=means, date=DAY, spark=spark, **more)  # type: ignore[arg-type]


def ids(lake: Lake) -> list[str]:
    return sorted(lake.snapshot().dataset("processed/shipments").to_table(["shipment_id"])["shipment_id"].to_pylist())


def test_a_second_file_of_a_day_is_refused_and_the_batch_described(spark: SparkSession, folder: Path) -> None:
    lake = Lake(folder / "lake")
    land(spark, lake, folder / "am.csv")
    told = r"raw/acme already has a batch of 2026-11-09: 2 records from am\.csv\. Use --replace"
    with pytest.raises(BatchExists, match=told):
        land(spark, lake, folder / "pm.csv")
    run_waiting(lake, spark=spark)
    assert ids(lake) == ["1", "2"]


@pytest.mark.parametrize(("how", "expected"), [("replace", ["3", "4"]), ("add", ["1", "2", "3", "4"])])
def test_it_replaces_the_batch_or_is_added_to_it(spark: SparkSession, folder: Path, how: str, expected: list[str]) -> None:
    lake = Lake(folder / "lake")
    land(spark, lake, folder / "am.csv")
    run_waiting(lake, spark=spark)
    assert land(spark, lake, folder / "pm.csv", if_exists=how).counts.read == 2
    assert [str(batch) for batch in backlog(lake).waiting] == [f"acme {DAY}"]
    run_waiting(lake, spark=spark)
    assert ids(lake) == expected


@pytest.mark.parametrize("how", ["fail", "replace", "add"])
def test_each_option_lands_a_new_batch(spark: SparkSession, folder: Path, how: str) -> None:
    lake = Lake(folder / "lake")
    land(spark, lake, folder / "am.csv", if_exists=how)
    run_process(lake, source="acme", spark=spark)
    assert ids(lake) == ["1", "2"]


def test_files_added_twice_count_once(spark: SparkSession, folder: Path) -> None:
    lake = Lake(folder / "lake")
    for _ in range(2):
        land(spark, lake, folder / "am.csv", if_exists="add")
    (run,) = run_waiting(lake, spark=spark)
    assert (run.counts.read, run.counts.accepted, run.counts.duplicates) == (4, 2, 2)


def test_a_batch_has_one_mapping(spark: SparkSession, folder: Path) -> None:
    lake = Lake(folder / "lake")
    land(spark, lake, folder / "am.csv")
    with pytest.raises(MappingDiffers, match="The batch acme 2026-11-09 was landed with another mapping"):
        land(spark, lake, folder / "pm.csv", TOML + "# of another day\n", if_exists="add")
    run_waiting(lake, spark=spark)
    assert ids(lake) == ["1", "2"]


def test_another_option_is_refused(spark: SparkSession, folder: Path) -> None:
    with pytest.raises(InvalidValue, match="if_exists is 'append', but must be one of fail, replace, add"):
        land(spark, Lake(folder / "lake"), folder / "am.csv", if_exists="append")


def test_the_command_line_refuses_lands_and_processes_what_waits(folder: Path) -> None:
    def run(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        return command_line.run(*arguments, code=code, folder=folder)

    landing = ("--lake", "lake", "--source", "acme", "--mapping", "m.toml", "--date", DAY)
    run("ingest", "am.csv", *landing)
    assert "Use --replace to replace it with these files" in run("ingest", "pm.csv", *landing, code=1).stderr
    assert "--add" in run("ingest", "pm.csv", *landing, "--add", "--replace", code=2).stderr
    run("ingest", "pm.csv", *landing, "--add")
    assert "1 waiting: acme 2026-11-09" in run("runs", "--lake", "lake").stdout
    doctor = json.loads(run("doctor", "--lake", "lake", "--json").stdout.splitlines()[-1])
    assert (doctor["state"], doctor["remedy"]) == ("yellow", "Process them: shipment-etl process --lake lake")
    done = run("process", "--lake", "lake")
    assert "1 waiting: acme 2026-11-09" in done.stderr
    assert "4 accepted" in done.stdout
    again = run("process", "--lake", "lake")
    assert (again.stdout, again.stderr) == ("", "no batch is waiting: all landed batches are processed\n")
    assert "waiting" not in run("runs", "--lake", "lake").stdout
    with_date = run("process", "--lake", "lake", "--date", DAY, "--waiting")
    assert with_date.stderr.startswith("no batch is waiting")
    assert "4 accepted" in with_date.stdout
    missing = run("process", "--lake", "lake", "--date", "2026-11-08", code=1).stderr
    assert "raw/acme has no batch of 2026-11-08. It has: 2026-11-09" in missing
    run("generate", "--lake", "lake", "--rows", "10", "--date", "2026-11-10")
    missing = run("process", "--lake", "lake", "--date", "2026-11-08", code=1).stderr
    assert "raw/* has no batch of 2026-11-08. It has: acme 2026-11-09, shipments 2026-11-10" in missing
