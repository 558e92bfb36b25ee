"""The lake: tables are created as declared, replaced by batch, restored, and never half-written."""

import json
import resource
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from shipment_etl.errors import (
    CommitConflict,
    EngineFailed,
    LakeError,
    LakeFull,
    LakeMissing,
    NotADeltaTable,
    TableMissing,
    VersionMissing,
)
from shipment_etl.lake.commits import read_commit
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.tables import Table
from shipment_etl.lake.written import repeats
from tests.lake.tables import replace_batch
from tests.readers import READERS

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
    replace_batch(lake, TABLE, things(spark, 1, 2), "a", DAY)
    replace_batch(lake, TABLE, things(spark, 3), "a", OTHER_DAY)
    replace_batch(lake, TABLE, things(spark, 4), "b", DAY)
    replace_batch(lake, TABLE, things(spark, 5), "a", DAY)
    assert numbers(spark, lake) == [("a", "2026-11-23", 5), ("a", "2026-11-24", 3), ("b", "2026-11-23", 4)]


def test_opening_a_table_never_reads_more_than_ten_commits(spark: SparkSession, lake: Lake) -> None:
    for _ in range(12):
        replace_batch(lake, TABLE, things(spark, 1), "a", DAY)
    log = f"{TABLE.name}/_delta_log"
    assert lake.storage.newest_commit(log) == 11
    assert lake.storage.last_checkpoint(log) == 9


def test_rows_get_the_key_of_the_batch_whatever_they_have(spark: SparkSession, lake: Lake) -> None:
    rows = things(spark, 1).withColumn("source", F.lit("other")).withColumn("batch_date", F.lit(OTHER_DAY))
    replace_batch(lake, TABLE, rows, "a", DAY)
    assert numbers(spark, lake) == [("a", "2026-11-23", 1)]


def test_an_empty_batch_empties_it(spark: SparkSession, lake: Lake) -> None:
    replace_batch(lake, TABLE, things(spark, 1), "a", DAY)
    replace_batch(lake, TABLE, things(spark, 1).where("false"), "a", DAY)
    assert numbers(spark, lake) == []


def test_columns_have_the_declared_types_and_can_be_null(spark: SparkSession, lake: Lake) -> None:
    replace_batch(lake, TABLE, things(spark, 1), "a", DAY)
    schema = lake.read(spark, TABLE.name).schema
    assert {field.name: field.dataType.simpleString() for field in schema} == dict(TABLE.columns)
    assert all(field.nullable for field in schema)


def test_every_reader_sees_the_same_rows(spark: SparkSession, lake: Lake) -> None:
    replace_batch(lake, TABLE, things(spark, 1, 2), "a", DAY)
    replace_batch(lake, TABLE, things(spark, 7), "a", DAY)
    files = DeltaTable(lake.location(TABLE.name)).file_uris()
    assert pl.read_delta(lake.location(TABLE.name))["number"].to_list() == [7]
    assert DeltaTable(lake.location(TABLE.name)).to_pandas()["number"].to_list() == [7]
    assert duckdb.connect().sql(f"SELECT number FROM read_parquet({files})").fetchall() == [(7,)]


def test_encoded_text_is_read_beside_plain_text_by_every_reader(spark: SparkSession, lake: Lake) -> None:
    replace_batch(lake, TABLE, things(spark, 1, 2), "a", DAY)
    version = lake.version(TABLE.name)
    delta, file = lake.delta(TABLE.name, version), lake.files(TABLE.name)[0]
    rows = lake.content(TABLE.name, file.path, encoded=repeats)
    assert pa.types.is_dictionary(rows["name"].type)
    added = lake.write_table(TABLE, [rows], delta.schema(), "run-b/rows.parquet", file.partition_texts)
    lake.commit(TABLE, delta.schema(), version=version, add=[added], remove=[], run="b")
    assert pq.read_schema(f"{lake.location(TABLE.name)}/{added.path}").field("name").type == pa.string()
    assert [row["name"] for row in lake.read(spark, TABLE.name).orderBy("name").collect()] == ["thing 1"] * 2 + [
        "thing 2"
    ] * 2
    files = lake.files(TABLE.name)
    again = lake.read_files(spark, TABLE.name, files, lake.schema(TABLE.name, version))
    assert sorted(row["name"] for row in again.collect()) == ["thing 1"] * 2 + ["thing 2"] * 2
    for read in READERS.values():
        assert [json.loads(row)["name"] for row in read(lake.location(TABLE.name))] == ["thing 1"] * 2 + ["thing 2"] * 2


def test_partitions_and_ranges_of_files_are_known_without_opening_them(spark: SparkSession, lake: Lake) -> None:
    replace_batch(lake, TABLE, things(spark, 3, 9), "a", DAY)
    found = lake.files(TABLE.name, ranges=["number", "unheard_of"])
    assert {(file.partition["source"], str(file.partition["batch_date"])) for file in found} == {("a", "2026-11-23")}
    assert (min(f.least["number"] for f in found), max(f.most["number"] for f in found)) == (3, 9)
    assert sum(file.rows or 0 for file in found) == 2
    replace_batch(lake, TABLE, things(spark, 5), "a", OTHER_DAY)
    assert len(lake.files(TABLE.name, 0)) == len(found)


def test_the_version_is_found_with_checkpoints_and_without_old_commits(spark: SparkSession, lake: Lake) -> None:
    log = Path(lake.location(TABLE.name)) / "_delta_log"
    for n in range(12):
        replace_batch(lake, TABLE, things(spark, n), "a", DAY)
        assert lake.version(TABLE.name) == DeltaTable(lake.location(TABLE.name)).version()
    DeltaTable(lake.location(TABLE.name)).create_checkpoint()
    for commit in range(10):
        (log / f"{commit:020}.json").unlink()
    assert lake.version(TABLE.name) == DeltaTable(lake.location(TABLE.name)).version() == 11
    assert numbers(spark, lake) == [("a", "2026-11-23", 11)]


def test_an_older_version_can_be_read(spark: SparkSession, lake: Lake) -> None:
    replace_batch(lake, TABLE, things(spark, 1), "a", DAY)
    replace_batch(lake, TABLE, things(spark, 2), "a", DAY)
    assert [row["number"] for row in lake.read(spark, TABLE.name, 0).collect()] == [1]
    assert lake.dataset(TABLE.name, 0).to_table()["number"].to_pylist() == [1]
    with pytest.raises(VersionMissing):
        lake.files(TABLE.name, 7)


def test_what_is_staged_is_read_back_and_gone_afterwards(spark: SparkSession, lake: Lake) -> None:
    with lake.staging(spark, "job") as staging:
        kept = staging.keep("some", things(spark, 1, 2))
        none = staging.keep("none", things(spark, 1).where("false"))
        assert (kept.frame.count(), none.frame.count()) == (kept.rows, none.rows) == (2, 0)
    assert not (Path(lake.uri) / "_staging").exists()


def test_a_commit_is_made_right_after_the_version_it_was_prepared_for_or_not_at_all(spark: SparkSession, lake: Lake) -> None:
    replace_batch(lake, TABLE, things(spark, 1), "a", DAY)
    written = lake.write_files(TABLE, things(spark, 2), "run-slow")
    replace_batch(lake, TABLE, things(spark, 3), "b", DAY)
    batch = {"source": "a", "batch_date": DAY.isoformat()}
    with pytest.raises(CommitConflict):
        lake.commit(
            TABLE,
            written.schema,
            version=0,
            add=[replace(each, partition=batch) for each in written.files],
            remove=[],
            run="slow",
        )
    assert numbers(spark, lake) == [("a", "2026-11-23", 1), ("b", "2026-11-23", 3)]


def test_only_one_of_many_that_create_a_table_wins(spark: SparkSession, lake: Lake) -> None:
    def make(name: str) -> bool:
        written = lake.write_files(TABLE, things(spark, 1), f"run-{name}")
        files = [replace(each, partition={"source": name, "batch_date": DAY.isoformat()}) for each in written.files]
        try:
            lake.commit(TABLE, written.schema, version=None, add=files, remove=[], run=name)
        except CommitConflict:
            return False
        return True

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(make, "abc")) == [False, False, True]
    assert len(numbers(spark, lake)) == 1


def test_a_commit_whose_response_got_lost_is_recognised(
    spark: SparkSession, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_batch(lake, TABLE, things(spark, 1), "a", DAY)
    made = DeltaTable.create_write_transaction

    def made_twice(self: DeltaTable, *given: Any, **more: Any) -> None:
        # What the client of an object store does when it gets no response to its put.
        made(self, *given, **more)
        made(DeltaTable(self.table_uri, version=0), *given, **more)

    monkeypatch.setattr(DeltaTable, "create_write_transaction", made_twice)
    replace_batch(lake, TABLE, things(spark, 2), "a", DAY, run="mine")
    assert numbers(spark, lake) == [("a", "2026-11-23", 2)]
    commit = read_commit(lake.storage, TABLE.name, 1)
    assert commit is not None
    assert (commit.run, commit.changes_rows) == ("mine", True)


def test_no_lake_no_table_no_delta(spark: SparkSession, lake: Lake) -> None:
    with pytest.raises(LakeMissing, match=r"There is no lake at .*lake\. Check the address"):
        lake.read(spark, TABLE.name)
    replace_batch(lake, TABLE, things(spark, 1), "a", DAY)
    with pytest.raises(TableMissing, match=r"has no table 'processed/thing'. Did you mean 'processed/things'"):
        lake.read(spark, "processed/thing")
    folder = Path(lake.location("processed/other"))
    folder.mkdir()
    (folder / "notes.txt").write_text("not a table")
    with pytest.raises(NotADeltaTable, match=r"processed/other is not a Delta table: .*contains other files"):
        lake.read(spark, "processed/other")
    with pytest.raises(NotADeltaTable):
        lake.write_files(Table("processed/other", TABLE.columns), things(spark, 1), "run-1")
    assert lake.tables() == ["processed/things"]
    # Leftovers of a job that was killed before its first commit do not matter.
    lake.write_files(Table("processed/more", TABLE.columns, TABLE.partitions), things(spark, 1), "run-1")
    with pytest.raises(TableMissing, match="has no table 'processed/more'"):
        lake.read(spark, "processed/more")
    lake.write_files(Table("processed/more", TABLE.columns, TABLE.partitions), things(spark, 1), "run-2")
    assert lake.tables() == ["processed/things"]


def test_a_query_that_fails_names_what_was_being_done(spark: SparkSession, lake: Lake) -> None:
    wrong = things(spark, 1).withColumn("number", F.expr("raise_error('the reason')").cast("int"))
    with pytest.raises(EngineFailed, match=r"The engine failed while writing processed/things: .*the reason"):
        replace_batch(lake, TABLE, wrong, "a", DAY)
    assert not lake.has(TABLE.name)


FULL = """
import resource, sys
from shipment_etl.sessions import session
from shipment_etl.errors import LakeFull
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.tables import Table
from shipment_etl.lake.written import repeats
from tests.lake.tables import replace_batch
table = Table("processed/things", {"id": "bigint"})
# Before the engine starts, whose process inherits it.
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
spark, lake = session("sail"), Lake(sys.argv[1])
print("rows:", lake.write_files(table, spark.range(10), "run-1").rows)
try:
    lake.write_files(table, spark.range(3_000_000), "run-2")
except LakeFull as problem:
    print("full:", problem)
"""


def test_a_full_disk_is_reported_and_the_table_stays_as_it_was(tmp_path: Path) -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)
    command = [sys.executable, "-c", FULL, str(tmp_path / "lake")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert "full: There is no space left for the lake" in done.stdout, done.stdout + done.stderr
    assert "rows: 10" in done.stdout


def test_errors_of_the_lake_have_one_base_class() -> None:
    assert all(issubclass(each, LakeError) for each in (LakeFull, LakeMissing, TableMissing, NotADeltaTable))


def test_other_folders_in_a_lake_are_ignored(spark: SparkSession, lake: Lake) -> None:
    replace_batch(lake, TABLE, things(spark, 1), "a", DAY)
    root = Path(lake.uri)
    shutil.copytree(root / "processed", root / "processed.old")
    (root / "lost+found").mkdir(mode=0)
    assert lake.tables() == [TABLE.name]
