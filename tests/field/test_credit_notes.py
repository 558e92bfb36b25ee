"""Credit notes: negative costs count if the mapping says so, and lower every sum exactly; else they are quarantined."""

import io
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from pyspark.sql import SparkSession

from shipment_etl.jobs.ingest import run_ingest
from shipment_etl.jobs.process import run_process
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.runs import RowCounts
from shipment_etl.network import Network
from shipment_etl.reporting.report import report
from tests.field.landing import BATCH_DATE, HEADER, line, mapping, rows, words

COSTS = ("100.00", "(25.05)", "0.10-", "-0.20", "0", "40.00", "(140.00)")
CARRIERS = ("Post", "Post", "Post", "Post", "Post", "Bahn", "Bahn")
ACCOUNTING = 'column = "Cost", accounting = true'


def text() -> str:
    rows = zip(COSTS, CARRIERS, strict=True)
    return "\n".join([HEADER, *(line(n, Cost=cost, Carrier=by) for n, (cost, by) in enumerate(rows, 1)), ""])


def process_costs(spark: SparkSession, folder: Path, cost: str) -> tuple[Lake, RowCounts]:
    lake, file = Lake(folder / "lake"), folder / "f.csv"
    file.write_text(text())
    using = mapping(shipping_cost=cost)
    run_ingest(lake, file, source="acme", mapping=using, date=BATCH_DATE, if_exists="replace", spark=spark)
    run = run_process(lake, source="acme", date=BATCH_DATE, max_rejected=1, spark=spark)
    return lake, run.counts


def test_declared_credit_notes_lower_the_sums_of_the_marts(spark: SparkSession, tmp_path: Path) -> None:
    lake, counts = process_costs(spark, tmp_path, f"{ACCOUNTING}, credit_notes = true")
    assert counts == RowCounts(read=7, accepted=7, quarantined=0, duplicates=0)
    found = {row["carrier"]: row for row in rows(lake, "carrier_performance")}
    assert {by: row["shipments"] for by, row in found.items()} == {"Post": 5, "Bahn": 2}
    assert (found["Post"]["avg_cost"], found["Bahn"]["avg_cost"]) == (74.65 / 5, -50.0)
    # Computed by DuckDB, from the file itself.
    plain = text().replace("(", "-").replace(")", "").replace("0.10-", "-0.10")
    shipped = duckdb.connect().read_csv(io.StringIO(plain), all_varchar=True)
    referee = shipped.query(
        "shipped",
        "select Carrier, sum(Cost::decimal(14, 2)), sum(Cost::decimal(14, 2))::double / sum(Kg::decimal(12, 3))::double "
        "from shipped group by all",
    ).fetchall()
    assert sorted(referee) == sorted(
        (row["carrier"], row["total_cost"], row["cost_per_kg"]) for row in rows(lake, "cost_analysis")
    )
    assert {row["carrier"]: row["total_cost"] for row in rows(lake, "cost_analysis")} == {
        "Post": Decimal("74.65"),
        "Bahn": Decimal("-100.00"),
    }
    assert {row["cost_share_pct"] for row in rows(lake, "cost_analysis")} == {None}, (
        "the total cost of the month is negative"
    )
    assert "Bahn" in report(lake)


def test_undeclared_credit_notes_are_quarantined_with_a_fix(spark: SparkSession, tmp_path: Path) -> None:
    lake, counts = process_costs(spark, tmp_path, ACCOUNTING)
    assert counts == RowCounts(read=7, accepted=3, quarantined=4, duplicates=0)
    found = {row["shipment_id"]: [each["message"] for each in row["reasons"]] for row in rows(lake, "quarantine")}
    expected = (
        "must be 0 or more; if negative costs are credit notes, set credit_notes = true for shipping_cost in the mapping"
    )
    assert found == {
        each: [f"shipping_cost is {cost}, {expected}"]
        for each, cost in (("S2", "-25.05"), ("S3", "-0.10"), ("S4", "-0.20"), ("S7", "-140.00"))
    }


def test_declaring_credit_notes_later_gives_the_same_tables(spark: SparkSession, tmp_path: Path) -> None:
    for folder in ("late", "early"):
        (tmp_path / folder).mkdir()
    process_costs(spark, tmp_path / "late", ACCOUNTING)
    late, _ = process_costs(spark, tmp_path / "late", f"{ACCOUNTING}, credit_notes = true")
    early, _ = process_costs(spark, tmp_path / "early", f"{ACCOUNTING}, credit_notes = true")
    assert words(late, spark) == words(early, spark)
    before = words(late, spark)
    run_process(late, source="acme", date=BATCH_DATE, spark=spark)
    assert words(late, spark) == before


@pytest.mark.parametrize(("notes", "total"), [("credit_notes = true", "-12.20"), ("", None)])
def test_a_credit_note_in_another_currency_is_converted_at_the_rate_of_its_day(
    spark: SparkSession, tmp_path: Path, notes: str, total: str | None
) -> None:
    (tmp_path / "rates.toml").write_text(
        '[[rates]]\ncurrency = "JPY"\nto = "EUR"\nday = 2026-11-01\nrate = "0.0061"\nsource = "a bank"\n'
    )
    (tmp_path / "f.csv").write_text(f"{HEADER},Cur\n{line(1, Cost='-2000')},JPY\n{line(2, Cost='0')},EUR\n")
    lake = Lake(tmp_path / "lake")
    column = 'column = "Cost", currency = "EUR", currency_column = "Cur"' + (f", {notes}" if notes else "")
    using = mapping(shipping_cost=column)
    run_ingest(lake, tmp_path / "f.csv", source="acme", mapping=using, date=BATCH_DATE, spark=spark)
    network = Network.from_toml(tmp_path / "rates.toml")
    run_process(lake, source="acme", max_rejected=1, network=network, spark=spark)
    assert [row["total_cost"] for row in rows(lake, "cost_analysis")] == [Decimal(total or "0.00")]
