"""A report of a real lake, with the numbers of its sentences checked by SQL over the shipments."""

import json
import re
import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

import shipment_etl as etl
from shipment_etl.errors import ExtraMissing, FileUnwritable, LakeMissing, NothingToReport
from shipment_etl.jobs.ingest import run_ingest
from shipment_etl.lake.runs import log_run
from shipment_etl.reporting import report as report_module
from shipment_etl.reporting.actions import actions
from shipment_etl.reporting.findings import select_period
from shipment_etl.reporting.reading import read_facts
from shipment_etl.reporting.render import sentences
from tests import command_line

from .made_up import run

MAPPING = """
[columns]
shipment_id = { column = "id" }
origin_warehouse = { column = "from" }
destination_city = { column = "to" }
carrier = { column = "by" }
shipment_date = { column = "out", dates = ["yyyy-MM-dd"] }
promised_date = { column = "due", dates = ["yyyy-MM-dd"] }
delivery_date = { column = "in", dates = ["yyyy-MM-dd"] }
"""


@pytest.fixture(scope="module")
def struck(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> etl.Lake:
    """Two calm days, then two days of a strike."""
    lake = etl.Lake(tmp_path_factory.mktemp("struck") / "lake")
    for day, scenario in ((16, "baseline"), (17, "baseline"), (18, "strike"), (19, "strike")):
        batch = date(2026, 11, day)
        etl.run_generate(lake, date=batch, rows=6000, scenario=scenario, defects=0.02, spark=spark)
        etl.run_process(lake, date=batch, spark=spark)
    return lake


def test_its_sentences_agree_with_sql(struck: etl.Lake) -> None:
    facts = read_facts(struck)
    assert (facts.now.first, facts.now.last) == (date(2026, 11, 18), date(2026, 11, 19))
    db = duckdb.connect()
    db.register("shipments", DeltaTable(struck.location("processed/shipments")).to_pyarrow_table())
    db.register("demand", DeltaTable(struck.location("processed/warehouse_demand")).to_pyarrow_table())
    now, before = (
        db.sql(
            "SELECT round(100.0 * avg((delay_days <= 0)::int), 1), count(*) FROM shipments "
            f"WHERE shipment_date BETWEEN '2026-11-{first}' AND '2026-11-{last}'"
        ).fetchall()[0]
        for first, last in ((18, 19), (16, 17))
    )
    changed, act, jam = (sentence.text for sentence in sentences(facts))
    assert changed.startswith(f"{now[0]:.1f} % of shipments came on time in the last 2 days")
    assert re.search(rf"down [\d.]+ points from {before[0]:.1f} % in the 2 days before", changed)
    carrier, late, shipped, excess = db.sql(
        """
        WITH pairs AS (
            SELECT carrier, origin_warehouse o, destination_city c, count(*) n, count(*) FILTER (delay_days >= 2) late
            FROM shipments WHERE shipment_date >= '2026-11-18' GROUP BY ALL
        ), lanes AS (SELECT o, c, sum(n) n, sum(late) late FROM pairs GROUP BY ALL)
        SELECT carrier, sum(p.late), sum(p.n), sum(p.late - p.n * (l.late - p.late) / (l.n - p.n)) AS excess
        FROM pairs p JOIN lanes l USING (o, c) WHERE l.n - p.n >= 30 GROUP BY ALL ORDER BY excess DESC LIMIT 1
        """
    ).fetchall()[0]
    assert carrier == "UPS"
    assert act.startswith("Act first on UPS, all lanes: ")
    assert f"{100 * late / shipped:.1f} % of {shipped:,} came two or more days late" in act
    assert f"save {round(excess):,} late shipments" in act
    assert jam.startswith("No warehouse was over its capacity in the last 2 days")
    fullest = db.sql(
        "SELECT origin_warehouse, utilisation_pct FROM demand WHERE shipment_date >= '2026-11-18' ORDER BY 2 DESC LIMIT 1"
    ).fetchall()[0]
    assert f"{fullest[0]} at {fullest[1]:.0f} %" in jam


def test_rows_add_up_and_every_reason_has_a_sample(struck: etl.Lake) -> None:
    facts = read_facts(struck)
    html = etl.report(struck)
    read = sum(each.counts.read for each in facts.batches)
    assert f'<span class="value">{read:,}</span>' in html
    reasons = {name for each in facts.batches for name in each.reasons}
    assert {name for row in facts.rejected for name, _ in row.reasons} >= reasons - {"shipment_id:unique_id"}
    assert 500_000 < len(html.encode()) < 2_000_000


def test_it_reads_the_versions_that_the_run_names(struck: etl.Lake, spark: SparkSession) -> None:
    before = read_facts(struck)
    table = DeltaTable(struck.location("processed/carrier_performance"))
    version = table.version()
    table.delete("carrier = 'UPS'")
    try:
        after = read_facts(struck)
        assert after.pinned
        assert list(after.carriers["carrier"]) == list(before.carriers["carrier"])
    finally:
        table.restore(version)


def test_tables_without_their_old_files_are_read_as_they_are(struck: etl.Lake, tmp_path: Path) -> None:
    copy = etl.Lake(tmp_path / "lake")
    shutil.copytree(struck.uri, copy.uri)
    table = DeltaTable(copy.location("processed/carrier_performance"))
    table.delete("carrier = 'UPS'")
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    facts = read_facts(copy)
    assert not facts.pinned
    assert "UPS" not in set(facts.carriers["carrier"])


def test_names_that_are_markup_and_measures_that_are_unknown(spark: SparkSession, tmp_path: Path) -> None:
    lake, file = etl.Lake(tmp_path / "lake"), tmp_path / "mine.csv"
    carriers = ("<script>alert(1)</script>", "</script><b>", "DHL")
    lines = [
        f'{n},"W ""1"" & <i>",Zürich,{carriers[n % 3]},2026-11-{1 + n % 9:02d},2026-11-12,2026-11-{12 + n % 5:02d}'
        for n in range(300)
    ]
    file.write_text("\n".join(["id,from,to,by,out,due,in", *lines, "x,,,,,,"]), "utf-8")
    mapping = etl.SourceMapping.from_text(MAPPING, "mapping")
    run_ingest(lake, file, source="mine", mapping=mapping, date="2026-11-20", spark=spark)
    etl.run_process(lake, source="mine", spark=spark)
    html = etl.report(lake)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "No shipment's cost is known." in html
    assert "congestion cannot be measured" in html
    assert "mine.csv" in html
    facts = read_facts(lake)
    assert actions(select_period(facts.recent, facts.now))


def test_the_currency_is_that_of_the_mapping_else_of_the_network(
    spark: SparkSession, struck: etl.Lake, tmp_path: Path
) -> None:
    assert read_facts(struck).currency == "USD"
    file = tmp_path / "mine.csv"
    lines = [f"{n},W,Z,DHL,2026-11-{1 + n % 9:02d},2026-11-12,2026-11-{12 + n % 5:02d},9.50" for n in range(300)]
    file.write_text("\n".join(["id,from,to,by,out,due,in,price", *lines]), "utf-8")
    network = etl.Network(currency="SEK")
    for told, given, currency in (
        ('column = "price", currency = "EUR"', network, "EUR"),
        ('column = "price"', network, "SEK"),
        ('column = "price"', None, None),
    ):
        lake = etl.Lake(tmp_path / f"lake-{currency}")
        mapping = etl.SourceMapping.from_text(f"{MAPPING}shipping_cost = {{ {told} }}\n", "mapping")
        run_ingest(lake, file, source="mine", mapping=mapping, date="2026-11-20", spark=spark)
        etl.run_process(lake, source="mine", network=given, spark=spark)
        assert read_facts(lake).currency == currency


def test_lakes_without_anything_to_report(tmp_path: Path) -> None:
    lake = etl.Lake(tmp_path / "lake")
    with pytest.raises(LakeMissing, match="There is no lake at"):
        etl.report(lake)
    lake.write_text("notes/of-mine.txt", "no run was logged yet")
    with pytest.raises(NothingToReport, match="has no runs to report"):
        etl.report(lake)
    log_run(lake, run(status="failed", error="The engine failed while writing."), None)
    assert "The engine failed while writing." in etl.report(lake)


def test_a_missing_extra_says_how_to_install_it(struck: etl.Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_module, "find_spec", lambda name: None if name == "altair" else name)
    command = r"pip install 'altair<7,>=6\.3' 'jinja2>=3\.1\.6' 'vl-convert-python>=1\.9'"
    with pytest.raises(ExtraMissing, match=f"A report needs altair.* {command}"):
        etl.report(struck)


def test_a_file_that_cannot_be_written_is_reported(struck: etl.Lake, tmp_path: Path) -> None:
    with pytest.raises(FileUnwritable, match="cannot be written"):
        etl.write_report(struck, tmp_path)
    assert etl.write_report(struck, tmp_path / "new" / "page.html").exists()


def test_commands_write_it(struck: etl.Lake, tmp_path: Path) -> None:
    done = command_line.run("report", "--lake", struck.uri, "--out", str(tmp_path / "page.html"), "--json")
    said = json.loads(done.stdout)
    assert said["bytes"] == (tmp_path / "page.html").stat().st_size
    day = struck.snapshot().dataset("processed/shipments").to_table(["batch_date"])["batch_date"][0]
    arguments = ("--date", str(day), "--max-rejected", "0", "--report", str(tmp_path / "two.html"))
    done = command_line.run("process", "--lake", struck.uri, *arguments, code=3)
    assert "two.html" in done.stderr
    assert (tmp_path / "two.html").exists()
    done = command_line.run("report", "--lake", str(tmp_path / "no"), code=1)
    assert "There is no lake at" in done.stderr
