"""A sample of the schedules: any order, any re-run, and the lake holds each shipment once, by its newest report."""

import json
import random
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from shipment_etl.errors import ReportsTied
from shipment_etl.jobs.process import run_process
from shipment_etl.lake.lake import Lake
from tests.lives.model import Report, Told, expect
from tests.lives.schedules import FIRST, MOST, Step, check_schedule, draw_schedule, land, rows, run_and_fingerprint, work
from tests.readers import without_java

SHIPPED, PROMISED, DELIVERED = date(2026, 11, 2), date(2026, 11, 5), date(2026, 11, 6)


def report(name: str, cost: int = 5, delivered: date | None = DELIVERED) -> Report:
    return Report(name, "Post", "Oslo", SHIPPED, PROMISED, delivered, cost, None, None)


def second(day: int) -> date:
    return FIRST.replace(day=FIRST.day + day)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("most", [MOST, 2])
@pytest.mark.parametrize("number", range(4))
def test_a_schedule_ends_as_one_clean_run_in_the_order_of_dates(spark: SparkSession, number: int, most: int) -> None:
    check_schedule(spark, draw_schedule(random.Random(f"1:{number}"), most))


@pytest.mark.rehearsal
@pytest.mark.timeout(600)
def test_classic_spark_ends_a_schedule_with_the_tables_of_sail(spark: SparkSession) -> None:
    if reason := without_java():
        pytest.skip(f"CLASSIC SPARK IS NOT TESTED HERE. {reason}")
    call = [sys.executable, "-m", "tests.lives.schedules", "--engine", "spark", "--seed", "2", "--first", "1", "--words"]
    told = subprocess.run(call, capture_output=True, text=True, check=True)
    assert json.loads(told.stdout.splitlines()[-1]) == run_and_fingerprint(spark, 2, 1)


def test_a_late_report_only_changes_the_history(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    batches = work(spark, lake, tmp_path, [Step(second(1), [report("a", 7)]), Step(FIRST, [report("a", 5, None)])])
    assert [
        (each["batch_date"], each["shipping_cost"]) for each in rows(lake, "shipments", ["batch_date", "shipping_cost"])
    ] == [(second(1), 7)]
    assert expect(batches).overtaken == {(FIRST, 1): (second(1), 1)}
    (mart,) = rows(lake, "carrier_performance", ["shipments", "delivered", "in_transit"])
    assert mart == {"shipments": 1, "delivered": 1, "in_transit": 0}


def test_a_batch_landed_again_without_a_shipment_restores_the_older_report(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    first, again = [report("a", 5), report("b")], [report("a", 9)]
    work(spark, lake, tmp_path, [Step(FIRST, first), Step(second(1), again), Step(second(1), [report("c")])])
    found = rows(lake, "shipments", ["shipment_id", "shipping_cost"])
    assert sorted((each["shipment_id"], each["shipping_cost"]) for each in found) == [("a", 5), ("b", 5), ("c", 5)]
    assert rows(lake, "overtaken", ["shipment_id"]) == []


def test_a_batch_that_overtook_all_others_may_lose_its_last_valid_report(spark: SparkSession, tmp_path: Path) -> None:
    invalid = Report("a", "", "Oslo", SHIPPED, PROMISED, DELIVERED, 9, None, None)
    check_schedule(spark, [Step(FIRST, [report("a", 5)]), Step(second(1), [report("a", 9)]), Step(second(1), [invalid])])


def test_a_batch_is_held_if_only_row_numbers_order_its_reports(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    land(spark, lake, tmp_path, FIRST, [report("a", cost) for cost in range(1, 20)])
    with pytest.raises(ReportsTied, match="18 of 19 rows have the shipment_id of a later row, but different content"):
        run_process(lake, source="acme", spark=spark)
    assert rows(lake, "shipments", ["shipment_id"]) == []
    run = run_process(lake, source="acme", spark=spark, max_rejected=1)
    assert (run.counts.accepted, run.counts.overtaken, run.warnings) == (1, 18, {"shipment_id:tied": 18})


def test_a_batch_that_books_nothing_moves_the_day_on_which_others_are_overdue(spark: SparkSession, tmp_path: Path) -> None:
    cancelled = Report("z", "Post", "Oslo", SHIPPED, PROMISED, None, 5, "cancelled", None)
    steps = [Step(FIRST, [report("a", 5, None)]), Step(second(4), [cancelled])]
    for place, each in enumerate((steps, steps[::-1])):
        lake = Lake(tmp_path / f"lake-{place}")
        work(spark, lake, tmp_path, each)
        assert rows(lake, "open_shipments", ["days_overdue"]) == [{"days_overdue": 3}]


def test_the_model_knows_its_order() -> None:
    one, other = Told(FIRST, 2, report("a")), Told(second(1), 1, report("a"))
    assert one.order < other.order
