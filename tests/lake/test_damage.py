"""damage: missing, truncated or corrupt files of tables are named, and the message of the engine is hidden."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from shutil import copytree

import pytest
from deltalake import DeltaTable, TableFeatures
from pyspark.sql import SparkSession

from shipment_etl.errors import EngineFailed, FileDamaged, NotPlainParquet
from shipment_etl.jobs.generate import run_generate
from shipment_etl.jobs.process import run_process
from shipment_etl.lake.commits import reason_of
from shipment_etl.lake.damage import explain, explain_errors
from shipment_etl.lake.lake import Lake
from tests.command_line import run

DAY = date(2026, 11, 23)
RAW, SHIPMENTS = "raw/shipments", "processed/shipments"


def vanish(file: Path) -> None:
    file.unlink()


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def corrupt_values(file: Path) -> None:
    content = bytearray(file.read_bytes())
    for place in range(200, len(content) // 2, 7):
        content[place] ^= 0xFF
    file.write_bytes(content)


def corrupt_footer(file: Path) -> None:
    content = bytearray(file.read_bytes())
    for place in range(len(content) - 200, len(content) - 10):
        content[place] ^= 0x5A
    file.write_bytes(content)


DAMAGES: dict[Callable[[Path], None], str] = {
    vanish: "it is missing",
    truncate: "when it was written",
    empty: "it has 0 bytes, and had",
    corrupt_values: "it is damaged",
    corrupt_footer: "it is damaged",
}


@pytest.fixture(scope="module")
def sound(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("damage") / "lake"
    run_generate(Lake(path), date=DAY, rows=1_000, defects=0, spark=spark)
    run_process(Lake(path), spark=spark)
    return path


@pytest.fixture
def lake(sound: Path, tmp_path: Path) -> Lake:
    return Lake(copytree(sound, tmp_path / "lake"))


def damage(lake: Lake, table: str, how: Callable[[Path], None]) -> str:
    (file, *_) = lake.files(table)
    how(Path(lake.location(table), file.path))
    return f"{table}/{file.path}"


@pytest.mark.parametrize("how", DAMAGES)
def test_a_job_names_the_file_that_is_lost_or_damaged(spark: SparkSession, lake: Lake, how: Callable[[Path], None]) -> None:
    file = damage(lake, RAW, how)
    with pytest.raises(FileDamaged, match=DAMAGES[how]) as caught:
        run_process(lake, spark=spark)
    assert caught.value.parts["file"] == file
    assert caught.value.remedy


@pytest.mark.parametrize("how", [vanish, corrupt_values])
def test_a_command_that_reads_names_the_file_and_shows_no_traceback(lake: Lake, how: Callable[[Path], None]) -> None:
    file = damage(lake, SHIPMENTS, how)
    done = run("show", SHIPMENTS, "--lake", lake.uri, code=1)
    assert file in done.stderr.replace("\n", "")
    assert "should not happen" not in done.stderr


def test_a_query_that_fails_on_intact_files_is_an_error_of_the_engine(spark: SparkSession, lake: Lake) -> None:
    with pytest.raises(EngineFailed, match=r"reading the lake: .*no_such_column"), explain_errors(lake, {SHIPMENTS: None}):
        lake.read(spark, SHIPMENTS).select("no_such_column").collect()


@pytest.mark.parametrize("problem", [ValueError("a mistake of ours"), FileDamaged("lake", "file", "why")])
def test_other_errors_stay_as_they_are(lake: Lake, problem: Exception) -> None:
    assert explain(lake, {SHIPMENTS: None}, problem) is problem


def test_a_file_that_may_not_be_read_keeps_the_reason_of_the_system(lake: Lake) -> None:
    assert "denied" in str(explain(lake, {SHIPMENTS: None}, PermissionError(13, "Permission denied")))


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("no such column: x\n\nLogical plan: …", "no such column: x\n\nLogical plan: …"),
        ("An error occurred while calling o1.collect.\n: java.io.IOException: no", "java.io.IOException: no"),
        (
            '<_InactiveRpcError of RPC that terminated with:\n\tstatus = StatusCode.INTERNAL\n\tdetails = "no "x"\nleft"\n'
            '\tdebug_error_string = "None"\n>',
            'no "x"\nleft',
        ),
    ],
)
def test_the_reason_is_found_in_what_an_engine_says(said: str, reason: str) -> None:
    assert reason_of(RuntimeError(said)) == reason


def test_a_table_that_only_delta_readers_can_read_is_named(lake: Lake) -> None:
    DeltaTable(lake.location(SHIPMENTS)).alter.add_feature(
        TableFeatures.DeletionVectors, allow_protocol_versions_increase=True
    )
    with (
        pytest.raises(NotPlainParquet, match="processed/shipments needs reader version 3"),
        explain_errors(lake, {RAW: None, SHIPMENTS: None}),
    ):
        lake.dataset(SHIPMENTS)
    done = run("show", "shipments", "--lake", lake.uri, "--newest", code=1)
    assert "processed/shipments needs reader version 3 of the Delta protocol" in done.stderr
    assert "should not happen" not in done.stderr
