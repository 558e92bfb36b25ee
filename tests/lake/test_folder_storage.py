"""A lake in a folder: of any name that people give to folders, also those that engines cannot handle."""

import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import duckdb
import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from shipment_etl.errors import InvalidValue, LakeUnwritable, TableMissing
from shipment_etl.jobs.generate import run_generate
from shipment_etl.jobs.maintain import run_maintain
from shipment_etl.jobs.process import run_process
from shipment_etl.jobs.rollback import run_rollback
from shipment_etl.lake.fingerprint import fingerprints
from shipment_etl.lake.folder_storage import PLAIN_PATH, FolderStorage
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.tables import Table
from tests.lake.tables import replace_batch

DAY = date(2026, 11, 23)
TABLE = Table(
    "processed/things",
    {"source": "string", "batch_date": "date", "number": "int"},
    ("source", "batch_date"),
    ranges=("number",),
)
NAMES = ["my lake", "Frächte", "100% off", "Q&A #1", 'it\'s "here"', "a+b=c,(d);e@f!$`g", "a:b|c<d>", "運送", " . "]


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_may_have_any_name(spark: SparkSession, tmp_path: Path, name: str) -> None:
    lake = Lake(tmp_path / name)
    # As jobs do when they lock the lake.
    (tmp_path / name).mkdir()
    for day in (DAY, DAY.replace(day=24)):
        replace_batch(lake, TABLE, spark.createDataFrame([(day.day,)], "number long"), "a", day)
    assert sorted(row["number"] for row in lake.read(spark, TABLE.name).collect()) == [23, 24]
    assert lake.read(spark, TABLE.name, 0).count() == 1
    assert lake.dataset(TABLE.name).count_rows() == 2
    assert lake.uri == f"{tmp_path}/{name}"
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_jobs_and_readers_do_not_care_about_the_name_of_a_folder(spark: SparkSession, tmp_path: Path) -> None:
    told = []
    for name in ("lake", "50% off #1 'é'"):
        lake = Lake(tmp_path / name)
        for day in (DAY, DAY.replace(day=24)):
            run_generate(lake, date=day, rows=300, defects=0.1, spark=spark)
            run_process(lake, date=day, spark=spark, max_rejected=1)
        again = run_process(lake, date=DAY, spark=spark, max_rejected=1)
        run_rollback(lake, again.run_id)
        run_process(lake, date=DAY, spark=spark, max_rejected=1)
        run_maintain(lake)
        views = duckdb.connect()
        views.execute(lake.snapshot().views())
        rows = views.sql("SELECT count(*), sum(shipping_cost) FROM processed.shipments").fetchall()
        snapshot = lake.snapshot()
        told.append((fingerprints({each: snapshot.read(spark, each) for each in snapshot.tables}), rows))
    assert told[0] == told[1]


@pytest.mark.parametrize("name", ["a*b", "a?b", "a[b]", "a{b,c}", "a\\b", "a%2fb", "a\nb", "a\0b", "a\udcffb"])
def test_a_path_that_other_programs_would_misread_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidValue, match=r"lake is .*, but must be s3://bucket/prefix, or a path without"):
        Lake(f"{tmp_path}/{name}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("uri", ["gs://bucket/lake", "hdfs://host/lake", "file:///tmp/lake"])
def test_an_address_in_another_scheme_is_refused(uri: str) -> None:
    with pytest.raises(InvalidValue, match="must be s3://bucket/prefix, or a path"):
        Lake(uri)


def test_a_link_lasts_as_long_as_the_process_that_made_it(tmp_path: Path) -> None:
    code = """
import os, sys
from pathlib import Path
from shipment_etl.lake.folder_storage import FolderStorage
link = Path(FolderStorage(sys.argv[1]).engine_uri)
assert FolderStorage(sys.argv[1]).engine_uri == str(link)
assert os.readlink(link) == sys.argv[1]
if os.fork() == 0:
    sys.exit(0)
os.wait()
assert link.is_symlink()
print(link)
"""
    (tmp_path / "my lake").mkdir()
    (tmp_path / "my lake" / "file").write_text("kept")
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "my lake")], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert PLAIN_PATH.fullmatch(done.stdout.strip())
    assert not Path(done.stdout.strip()).parent.exists()
    assert (tmp_path / "my lake" / "file").read_text() == "kept"


def test_a_folder_with_a_plain_name_needs_no_link(tmp_path: Path) -> None:
    assert FolderStorage(tmp_path / "lake").engine_uri == str(tmp_path / "lake")


def test_a_lake_without_a_plain_name_needs_a_plain_folder_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my temp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "my temp"))
    with pytest.raises(InvalidValue, match=r"TMPDIR is '.*, but must be a path of letters, digits"):
        Lake(tmp_path / "my lake")
    assert list((tmp_path / "my temp").iterdir()) == []


def test_messages_name_the_folder_and_not_its_link(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "my lake")
    (tmp_path / "my lake").mkdir()
    replace_batch(lake, TABLE, spark.createDataFrame([(1,)], "number long"), "a", DAY)
    with pytest.raises(TableMissing) as caught:
        lake.read(spark, "processed/other")
    assert f"{tmp_path}/my lake" in str(caught.value)


@pytest.mark.parametrize("uri", ["", "~nobody-has-this-name/lake"])
def test_an_address_that_names_no_folder_is_refused(uri: str) -> None:
    with pytest.raises(InvalidValue, match="lake is '"):
        Lake(uri)


def test_a_path_that_cannot_be_looked_at_is_one_of_our_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = Lake(tmp_path / ("x" * 300))
    for ask in (long.exists, long.storage.check_writable):
        with pytest.raises(LakeUnwritable, match="cannot be used: File name too long"):
            ask()

    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", refuse)
    with pytest.raises(LakeUnwritable, match="cannot be used: Permission denied"):
        Lake(tmp_path).exists()


@pytest.mark.parametrize("hint", [None, b"", b'{"version"', b"[]", b"{}"])
@pytest.mark.parametrize("first", [0, 3])
def test_the_newest_version_is_found_without_the_hint_to_the_last_checkpoint(
    spark: SparkSession, tmp_path: Path, hint: bytes | None, first: int
) -> None:
    lake = Lake(tmp_path / "lake")
    for number in range(5):
        replace_batch(lake, TABLE, spark.createDataFrame([(number,)], "number long"), "a", DAY)
    DeltaTable(lake.location(TABLE.name)).create_checkpoint()
    log = Path(lake.location(TABLE.name), "_delta_log")
    for number in range(first):
        (log / f"{number:020}.json").unlink()
    (log / "_last_checkpoint").unlink()
    if hint is not None:
        (log / "_last_checkpoint").write_bytes(hint)
    assert (Lake(lake.uri).version(TABLE.name), Lake(lake.uri).dataset(TABLE.name).count_rows()) == (4, 1)
    replace_batch(Lake(lake.uri), TABLE, spark.createDataFrame([(9,)], "number long"), "a", DAY)
    assert Lake(lake.uri).version(TABLE.name) == 5
