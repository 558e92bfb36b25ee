"""The history of a shipment as users see it: its reports, and rows that a later batch settled."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pyspark.sql import SparkSession
from typer.testing import CliRunner

from shipment_etl.cli.commands import app
from shipment_etl.jobs.process import run_process
from shipment_etl.lake.lake import Lake
from tests.lives.model import Report
from tests.lives.schedules import FIRST, land

NEXT = date(2026, 11, 5)
SOUND = Report("a", "Post", "Oslo", date(2026, 11, 1), date(2026, 11, 3), date(2026, 11, 3), 5, None, None)


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A shipment that was corrected, one that was valid from the second day on, and one that never was."""
    folder = tmp_path_factory.mktemp("history")
    made = Lake(folder / "lake")
    wrong = [replace(SOUND, shipment=name, carrier="") for name in ("b", "c")]
    land(spark, made, folder, FIRST, [SOUND, *wrong])
    land(spark, made, folder, NEXT, [replace(SOUND, cost=9), replace(SOUND, shipment="b")])
    for day in (FIRST, NEXT):
        run_process(made, source="acme", date=day, max_rejected=1, spark=spark)
    return made.uri


def shown(lake: str, *words: str) -> list[dict[str, Any]]:
    result = CliRunner().invoke(app, ["show", *words, "--lake", lake, "--format", "json"])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_shipment_is_found_by_its_id_in_shipments_and_in_overtaken(lake: str) -> None:
    (newest,) = shown(lake, "shipments", "--id", "a")
    (before,) = shown(lake, "overtaken", "--id", "a")
    assert (newest["batch_date"], newest["shipping_cost"]) == (str(NEXT), "9.00")
    assert (before["batch_date"], before["shipping_cost"]) == (str(FIRST), "5.00")
    assert (before["overtaken_by_batch"], before["overtaken_by_row"]) == (str(NEXT), newest["source_row"])
    assert shown(lake, "shipments", "--id", "nobody") == []


def test_a_quarantined_row_says_which_later_batch_settled_it(lake: str) -> None:
    assert {row["shipment_id"]: row["settled_by"] for row in shown(lake, "quarantine")} == {"b": str(NEXT), "c": None}


def test_a_table_without_ids_cannot_be_filtered_by_id(lake: str) -> None:
    result = CliRunner().invoke(app, ["show", "carrier_performance", "--id", "a", "--lake", lake])
    assert result.exit_code != 0
