"""What a run rewrites of the small tables does not grow with the history."""

from math import log2
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from shipment_etl import Lake, run_generate, run_process
from shipment_etl.jobs.small_files import MAX_ROWS_IN_ONE_FILE, find_small_files
from shipment_etl.lake.commits import DataFile
from shipment_etl.lake.fingerprint import fingerprint
from shipment_etl.lake.tables import LANE_DAYS, LANE_MONTHS, SHIPMENTS, Table
from shipment_etl.transform.lane_days import lane_days, lane_months

DAYS = ("2026-09-10", "2026-10-20", "2026-11-20")
NEXT = "2026-11-21"


def test_a_month_that_does_not_change_keeps_its_files(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    for day in (*DAYS, NEXT):
        run_generate(lake, date=day, rows=300, spark=spark)
    for day in DAYS:
        run_process(lake, date=day, spark=spark)
    months, days = find_files(lake, LANE_MONTHS), find_files(lake, LANE_DAYS)
    assert [*months] == [*days] == ["2026-09", "2026-10", "2026-11"]
    run_process(lake, date=NEXT, spark=spark)
    for table, before in ((LANE_MONTHS, months), (LANE_DAYS, days)):
        after = find_files(lake, table)
        assert after.keys() == before.keys()
        assert [month for month in before if after[month] != before[month]] == ["2026-11"], table.name
    ledger = lane_days(lake.read(spark, SHIPMENTS.name)).withColumn("month", F.date_format("shipment_date", "yyyy-MM"))
    for table, expected in ((LANE_DAYS, ledger), (LANE_MONTHS, lane_months(ledger))):
        assert fingerprint(lake.read(spark, table.name)) == fingerprint(expected.select(*table.columns)), table.name


def find_files(lake: Lake, table: Table) -> dict[str, set[str]]:
    """Return the files of each month."""
    found: dict[str, set[str]] = {}
    for file in lake.files(table.name, ranges=["month"]):
        found.setdefault(file.partition.get("month") or file.least["month"], set()).add(file.path)
    return dict(sorted(found.items()))


@given(st.lists(st.integers(1, 50_000), max_size=300))
def test_rows_are_rewritten_a_few_times_and_are_in_few_files(batches: list[int]) -> None:
    files, written = list[DataFile](), 0
    for rows in batches:
        merged = find_small_files(files, rows)
        together = rows + sum(each.rows or 0 for each in merged)
        assert together <= MAX_ROWS_IN_ONE_FILE
        written += together
        files = [*(each for each in files if each not in merged), DataFile(f"{len(batches)}-{written}", {}, together, 0)]
    assert sum(each.rows or 0 for each in files) == sum(batches)
    if batches:
        doublings = log2(MAX_ROWS_IN_ONE_FILE)
        assert written <= (2 + doublings) * sum(batches)
        small = [each for each in files if (each.rows or 0) <= MAX_ROWS_IN_ONE_FILE / 2]
        assert len(small) <= doublings + 1
