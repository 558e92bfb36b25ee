"""Ties: reports of one batch on one shipment that are only ordered by row number; if there are many, the batch is held."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from shipment_etl.errors import ReportsTied
from shipment_etl.ingest.mapping import SourceMapping
from shipment_etl.jobs.ingest import run_ingest
from shipment_etl.jobs.process import run_process
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.runs import HELD, RowCounts, newest_run, read_runs
from shipment_etl.reporting.contents import find_warnings
from tests import command_line

TOML = """[columns]
shipment_id = { column = "No" }
origin_warehouse = { constant = "Riga" }
destination_city = { column = "To" }
carrier = { constant = "Post" }
shipment_date = { constant = "2026-11-01" }
promised_date = { constant = "2026-11-03" }
delivery_date = { column = "In", optional = true }
reported_at = { column = "Told" }
"""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def land(spark: SparkSession, lake: Lake, folder: Path, *rows: str, day: str = "2026-11-04") -> None:
    """Land rows of shipment, city and time of the report."""
    lines = (f"{number},{city},,{told}\n" for number, city, told in (row.split(",") for row in rows))
    file = folder / "f.csv"
    file.write_text("No,To,In,Told\n" + "".join(lines))
    run_ingest(lake, file, source="acme", mapping=SourceMapping.from_text(TOML, "m.toml"), date=day, spark=spark)


def cities(lake: Lake) -> dict[str, str]:
    rows = lake.snapshot().dataset("processed/shipments").to_table(["shipment_id", "destination_city"]).to_pylist()
    return {row["shipment_id"]: row["destination_city"] for row in rows}


def test_a_batch_of_ties_is_held_until_the_later_rows_are_accepted(spark: SparkSession, lake: Lake, tmp_path: Path) -> None:
    land(spark, lake, tmp_path, "1,Oslo,", "1,Lyon,", "2,Oslo,")
    with pytest.raises(ReportsTied, match=r"1 of 3 rows have .* a later row, but different content \(33\.33%\)"):
        run_process(lake, source="acme", spark=spark)
    held = newest_run(lake)
    assert held is not None
    assert (held.status, held.warnings) == (HELD, {"shipment_id:tied": 1})
    assert set(held.tables) == {"processed/quarantine"}
    assert not lake.has("processed/shipments")
    why = "1 of 3 rows have the shipment_id of a later row"
    assert f"held: acme 2026-11-04, {why}" in command_line.run("show", "quarantine", "--lake", lake.uri).stdout
    (warning,) = find_warnings(read_runs(lake), ())
    assert warning.startswith(f"The batch acme 2026-11-04 is held: {why}")
    run = run_process(lake, source="acme", max_rejected=1, spark=spark)
    assert (run.counts, run.warnings) == (RowCounts(3, 2, 0, 0, 1), {"shipment_id:tied": 1})
    assert cities(lake) == {"1": "Lyon", "2": "Oslo"}


def test_reports_with_times_are_not_ties(spark: SparkSession, lake: Lake, tmp_path: Path) -> None:
    land(spark, lake, tmp_path, "1,Oslo,2026-11-04T11:00", "1,Lyon,2026-11-04T10:00", "2,Oslo,")
    run = run_process(lake, source="acme", spark=spark)
    assert (run.counts, run.warnings) == (RowCounts(3, 2, 0, 0, 1), {})
    assert cities(lake) == {"1": "Oslo", "2": "Oslo"}


def test_equal_reports_are_duplicates_and_not_ties(spark: SparkSession, lake: Lake, tmp_path: Path) -> None:
    land(spark, lake, tmp_path, "1,Oslo,", "1,Oslo,", "1,Oslo,")
    run = run_process(lake, source="acme", spark=spark)
    assert (run.counts, run.warnings) == (RowCounts(3, 1, 0, 2, 0), {})


def test_batches_of_different_days_are_not_ties(spark: SparkSession, lake: Lake, tmp_path: Path) -> None:
    land(spark, lake, tmp_path, "1,Oslo,", "2,Oslo,")
    run_process(lake, source="acme", spark=spark)
    land(spark, lake, tmp_path, "1,Lyon,", "2,Oslo,", day="2026-11-05")
    run = run_process(lake, source="acme", spark=spark)
    assert (run.counts, run.warnings, run.overtook) == (RowCounts(2, 2, 0), {}, 2)
    assert cities(lake) == {"1": "Lyon", "2": "Oslo"}


def test_a_tie_with_a_report_of_another_batch_is_counted_and_the_later_batch_is_newer(
    spark: SparkSession, lake: Lake, tmp_path: Path
) -> None:
    land(spark, lake, tmp_path, "1,Oslo,2026-11-03T10:00")
    run_process(lake, source="acme", spark=spark)
    land(spark, lake, tmp_path, "1,Lyon,2026-11-03T10:00", day="2026-11-05")
    run = run_process(lake, source="acme", spark=spark)
    assert (run.counts, run.warnings, run.overtook) == (RowCounts(1, 1, 0), {"shipment_id:tied": 1}, 1)
    assert cities(lake) == {"1": "Lyon"}
