"""The lake: tables are made as declared, replaced by batch, put back, and never half-written."""

import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from threading import Thread

import duckdb
import polars as pl
import pytest
from deltalake import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from shipment_etl.errors import (
    CommitConflict,
    EngineFailed,
    InvalidValue,
    LakeError,
    LakeFull,
    LakeMissing,
    NotADeltaTable,
    TableMissing,
)
from shipment_etl.lake import lake as lake_module
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.tables import Table

DAY, OTHER_DAY = date(2026, 11, 23), date(2026, 11, 24)
TABLE = Table(
    "processed/things",
    {"source": "string", "batch_date": "date", "number": "int", "name": "string"},
    ("source", "batch_date"),
    ranges=("number",),
)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def things(spark: SparkSession, *numbers: int) -> DataFrame:
    return spark.createDataFrame([(n, f"thing {n}") for n in numbers], "number long, name string")


def numbers(spark: SparkSession, lake: Lake) -> list[tuple[str, str, int]]:
    rows = lake.read(spark, TABLE.name).collect()
    return sorted((row["source"], row["batch_date"].isoformat(), row["number"]) for row in rows)


def test_a_batch_replaces_itself_and_no_other(spark: SparkSession, lake: Lake) -> None:
    lake.replace_batch(TABLE, things(spark, 1, 2), "a", DAY)
    lake.replace_batch(TABLE, things(spark, 3), "a", OTHER_DAY)
    lake.replace_batch(TABLE, things(spark, 4), "b", DAY)
    lake.replace_batch(TABLE, things(spark, 5), "a", DAY)
    assert numbers(spark, lake) == [("a", "2026-11-23", 5), ("a", "2026-11-24", 3), ("b", "2026-11-23", 4)]


def test_rows_take_the_key_of_the_batch_whatever_they_say(spark: SparkSession, lake: Lake) -> None:
    rows = things(spark, 1).withColumn("source", F.lit("other")).withColumn("batch_date", F.lit(OTHER_DAY))
    lake.replace_batch(TABLE, rows, "a", DAY)
    assert numbers(spark, lake) == [("a", "2026-11-23", 1)]


def test_an_empty_batch_empties_it(spark: SparkSession, lake: Lake) -> None:
    lake.replace_batch(TABLE, things(spark, 1), "a", DAY)
    lake.replace_batch(TABLE, things(spark, 1).where("false"), "a", DAY)
    assert numbers(spark, lake) == []


def test_columns_have_the_declared_types_and_can_be_null(spark: SparkSession, lake: Lake) -> None:
    lake.replace_batch(TABLE, things(spark, 1), "a", DAY)
    schema = lake.read(spark, TABLE.name).schema
    assert {field.name: field.dataType.simpleString() for field in schema} == dict(TABLE.columns)
    assert all(field.nullable for field in schema)


def test_every_reader_sees_the_same_rows(spark: SparkSession, lake: Lake) -> None:
    lake.replace_batch(TABLE, things(spark, 1, 2), "a", DAY)
    lake.replace_batch(TABLE, things(spark, 7), "a", DAY)
    files = DeltaTable(lake.location(TABLE.name)).file_uris()
    assert pl.read_delta(lake.location(TABLE.name))["number"].to_list() == [7]
    assert DeltaTable(lake.location(TABLE.name)).to_pandas()["number"].to_list() == [7]
    assert duckdb.sql(f"SELECT number FROM read_parquet({files})").fetchall() == [(7,)]


def test_files_tell_partitions_and_ranges_without_being_opened(spark: SparkSession, lake: Lake) -> None:
    lake.replace_batch(TABLE, things(spark, 3, 9), "a", DAY)
    found = lake.files(TABLE.name, ranges=["number", "unheard_of"])
    assert {(file.partition["source"], str(file.partition["batch_date"])) for file in found} == {("a", "2026-11-23")}
    assert (min(f.least["number"] for f in found), max(f.most["number"] for f in found)) == (3, 9)
    assert lake.files(TABLE.name, 0) == []


def test_the_version_is_found_with_checkpoints_and_without_old_commits(spark: SparkSession, lake: Lake) -> None:
    log = Path(lake.location(TABLE.name)) / "_delta_log"
    for n in range(12):
        lake.replace_batch(TABLE, things(spark, n), "a", DAY)
        assert lake.version(TABLE.name) == DeltaTable(lake.location(TABLE.name)).version()
    assert (log / "_last_checkpoint").exists()
    for commit in range(10):
        (log / f"{commit:020}.json").unlink()
    assert lake.version(TABLE.name) == DeltaTable(lake.location(TABLE.name)).version() == 12
    assert numbers(spark, lake) == [("a", "2026-11-23", 11)]


def test_a_table_goes_back_to_a_version_and_can_go_away(spark: SparkSession, lake: Lake) -> None:
    lake.replace_batch(TABLE, things(spark, 1), "a", DAY)
    before = lake.version(TABLE.name)
    lake.replace_batch(TABLE, things(spark, 2), "a", DAY)
    lake.restore(TABLE.name, before)
    assert numbers(spark, lake) == [("a", "2026-11-23", 1)]
    lake.replace_batch(TABLE, things(spark, 3), "a", DAY)
    assert numbers(spark, lake) == [("a", "2026-11-23", 3)]
    lake.restore(TABLE.name, None)
    assert not lake.has(TABLE.name)


def test_what_is_staged_is_read_back_and_gone_afterwards(spark: SparkSession, lake: Lake) -> None:
    with lake.staging(spark, "job") as staging:
        kept = staging.keep("some", things(spark, 1, 2))
        none = staging.keep("none", things(spark, 1).where("false"))
        assert (kept.count(), none.count()) == (2, 0)
    assert not (Path(lake.uri) / "_staging").exists()


def test_writers_that_race_all_get_through(spark: SparkSession, lake: Lake) -> None:
    lake.replace_batch(TABLE, things(spark, 0), "start", DAY)
    problems: list[BaseException] = []

    def write(name: str) -> None:
        try:
            for n in range(4):
                lake.replace_batch(TABLE, things(spark, n), name, DAY)
        except BaseException as problem:
            problems.append(problem)

    writers = [Thread(target=write, args=(name,)) for name in "abc"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert problems == []
    assert numbers(spark, lake) == [(name, "2026-11-23", 3) for name in "abc"] + [("start", "2026-11-23", 0)]


def test_a_writer_that_always_loses_gives_up_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake_module, "FIRST_PAUSE_SECONDS", 0)

    def lose() -> None:
        raise CommitConflict("things", 1)

    with pytest.raises(CommitConflict, match="processed/things was being written by someone else, 8 times in a row"):
        lake_module._patiently("processed/things", "lake", lose)


@pytest.mark.parametrize("name", ["my lake", "lake é", "lake%20"])
def test_a_path_that_the_engine_would_not_find_again_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidValue, match="must be a path of letters, digits"):
        Lake(f"{tmp_path}/{name}")


def test_rows_are_added_without_an_engine_and_none_is_lost_in_a_race(spark: SparkSession, lake: Lake) -> None:
    rows = [{"source": "a", "batch_date": DAY, "number": n, "name": f"thing {n}"} for n in range(12)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda row: lake.append(TABLE, [row]), rows))
    assert numbers(spark, lake) == sorted(("a", DAY.isoformat(), n) for n in range(12))
    # Made and filled without an engine, it is a table like the others.
    lake.replace_batch(TABLE, things(spark, 7), "a", DAY)
    assert numbers(spark, lake) == [("a", DAY.isoformat(), 7)]
    (file,) = lake.files(TABLE.name, ranges=TABLE.ranges)
    assert (file.least, file.most) == ({"number": 7}, {"number": 7})


def test_no_lake_no_table_no_delta(spark: SparkSession, lake: Lake) -> None:
    with pytest.raises(LakeMissing, match=r"There is no lake at .*lake\. Make one with"):
        lake.read(spark, TABLE.name)
    lake.replace_batch(TABLE, things(spark, 1), "a", DAY)
    with pytest.raises(TableMissing, match=r"has no table 'processed/thing'. Did you mean 'processed/things'"):
        lake.read(spark, "processed/thing")
    folder = Path(lake.location("processed/other"))
    folder.mkdir()
    (folder / "notes.txt").write_text("not a table")
    with pytest.raises(NotADeltaTable, match=r"processed/other is not a Delta table: .*holds other files"):
        lake.read(spark, "processed/other")
    with pytest.raises(NotADeltaTable):
        lake.append(Table("processed/other", TABLE.columns), [{"number": 1}])
    assert lake.tables() == ["processed/things"]
    # What a job left that was killed as it made its first table is in nobody's way.
    Path(lake.location("processed/more"), "_delta_log").mkdir(parents=True)
    with pytest.raises(TableMissing, match="has no table 'processed/more'"):
        lake.read(spark, "processed/more")
    lake.append(Table("processed/more", TABLE.columns), [{"number": 1}])
    assert lake.tables() == ["processed/more", "processed/things"]


def test_a_query_that_fails_names_what_was_being_done(spark: SparkSession, lake: Lake) -> None:
    wrong = things(spark, 1).withColumn("number", F.expr("raise_error('the reason')").cast("int"))
    with pytest.raises(EngineFailed, match=r"The engine failed while writing processed/things: .*the reason"):
        lake.replace_batch(TABLE, wrong, "a", DAY)
    assert numbers(spark, lake) == []


FULL = """
import resource, sys
from datetime import date
from shipment_etl.sessions import session
from shipment_etl.errors import LakeFull
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.tables import Table
table = Table("processed/things", {"source": "string", "batch_date": "date", "id": "bigint"}, ("source", "batch_date"))
spark, lake = session("sail"), Lake(sys.argv[1])
lake.replace_batch(table, spark.range(10), "a", date(2026, 11, 23))
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    lake.replace_batch(table, spark.range(3_000_000), "a", date(2026, 11, 23))
except LakeFull as problem:
    print("full:", problem)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)) if False else None
print("rows:", lake.read(spark, table.name).count())
"""


def test_a_full_disk_is_told_and_the_table_stays_as_it_was(tmp_path: Path) -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)
    command = [sys.executable, "-c", FULL, str(tmp_path / "lake")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert "full: There is no space left for the lake" in done.stdout, done.stdout + done.stderr
    assert "rows: 10" in done.stdout


def test_errors_of_the_lake_are_of_one_family() -> None:
    assert all(issubclass(each, LakeError) for each in (LakeFull, LakeMissing, TableMissing, NotADeltaTable))
