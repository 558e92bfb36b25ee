"""What a run rewrites of the small tables does not grow with the history."""

from math import log2
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from shipment_etl import Lake, run_generate, run_process
from shipment_etl.jobs.small_files import MAX_ROWS_IN_ONE_FILE, find_small_files
from shipment_etl.lake.commits import DataFile
from shipment_etl.lake.fingerprint import fingerprint
from shipment_etl.lake.tables import LANE_DAYS, LANE_MONTHS
from shipment_etl.transform.lane_days import lane_months

DAYS = ("2026-09-10", "2026-10-20", "2026-11-20")
NEXT = "2026-11-21"


def test_a_month_that_does_not_change_keeps_its_file(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    for day in (*DAYS, NEXT):
        run_generate(lake, date=day, rows=300, spark=spark)
    for day in DAYS:
        run_process(lake, date=day, spark=spark)
    months = {each.least["month"]: each for each in lake.files(LANE_MONTHS.name, ranges=["month"])}
    assert [*sorted(months)] == ["2026-09", "2026-10", "2026-11"]
    run_process(lake, date=NEXT, spark=spark)
    after = {each.least["month"]: each for each in lake.files(LANE_MONTHS.name, ranges=["month"])}
    assert after.keys() == months.keys()
    assert [month for month in months if after[month].path != months[month].path] == ["2026-11"]
    expected = lane_months(lake.read(spark, LANE_DAYS.name))
    assert fingerprint(lake.read(spark, LANE_MONTHS.name)) == fingerprint(expected.select(*LANE_MONTHS.columns))


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
