"""compare: two lakes side by side, through the command line, and checked against their tables."""

import json
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pyspark.sql import SparkSession

import shipment_etl as etl
from shipment_etl.errors import DataRejected, LakeMissing, NothingToCompare, NothingToReport, RunMissing, TableMissing
from shipment_etl.lake.runs import read_runs
from shipment_etl.transform.marts import MARTS
from tests.command_line import run

pytestmark = pytest.mark.slow

FIRST, SECOND = date(2026, 11, 18), date(2026, 11, 19)


def fill(lake: etl.Lake, spark: SparkSession, scenario: str, *days: date) -> list[etl.Run]:
    runs = []
    for day in days:
        etl.run_generate(lake, date=day, rows=1500, scenario=scenario, defects=0.0, spark=spark)
        runs.append(etl.run_process(lake, date=day, spark=spark))
    return runs


@pytest.fixture(scope="module")
def lakes(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[etl.Lake, etl.Lake]:
    folder = tmp_path_factory.mktemp("compared")
    calm, struck = etl.Lake(folder / "baseline"), etl.Lake(folder / "strike")
    fill(calm, spark, "baseline", FIRST, SECOND)
    fill(struck, spark, "strike", FIRST, SECOND)
    return calm, struck


def mart_of(lake: etl.Lake, name: str, *keys: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    rows = lake.snapshot().dataset(f"processed/{name}").to_table().to_pylist()
    return {tuple(str(row[key]) for key in keys): row for row in rows}


def as_json(*arguments: str) -> dict[str, Any]:
    return json.loads(run("compare", *arguments, "--json").stdout)


def test_json_has_every_difference_of_every_mart(lakes: tuple[etl.Lake, etl.Lake]) -> None:
    found = as_json(lakes[0].uri, lakes[1].uri)
    assert list(found) == ["equal", "a", "b", "totals", "marts", "only_in_a", "only_in_b"]
    assert not found["equal"]
    assert list(found["marts"]) == list(MARTS)
    for name, mart in found["marts"].items():
        one, other = (mart_of(lake, name, *mart["keys"]) for lake in lakes)
        assert (mart["rows_a"], mart["rows_b"]) == (len(one), len(other))
        told = {tuple(str(value) for value in row["keys"].values()): row for row in mart["rows"]}
        assert set(told) == {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)}
        assert mart["equal_rows"] + mart["differing_rows"] == len(one.keys() | other.keys())
        for key, row in told.items():
            assert row["only_in"] == ("b" if key not in one else "a" if key not in other else None)
            for column, values in row["columns"].items():
                for side, mine in (("a", one), ("b", other)):
                    value = mine.get(key, {}).get(column)
                    assert values[side] == (str(value) if isinstance(value, Decimal) else value)


def test_totals_match_sql_over_the_shipments(lakes: tuple[etl.Lake, etl.Lake]) -> None:
    totals = as_json(lakes[0].uri, lakes[1].uri)["totals"]
    db = duckdb.connect()
    for side, lake in zip("ab", lakes, strict=True):
        db.register("shipments", lake.snapshot().dataset("processed/shipments").to_table())
        count, delayed, late, days, cost = db.sql(
            "SELECT count(*), count(delay_days), count(*) FILTER (delay_days >= 2), sum(greatest(delay_days, 0)), "
            "sum(shipping_cost) FROM shipments WHERE outcome IS DISTINCT FROM 'cancelled'"
        ).fetchall()[0]
        assert (totals["shipments"][side], totals["with_delay"][side], totals["days_late"][side]) == (count, delayed, days)
        assert totals["late_2plus_pct"][side] == pytest.approx(100 * late / delayed)
        assert Decimal(totals["total_cost"][side]) == cost
    assert totals["late_2plus_pct"]["significant"]
    assert totals["late_2plus_pct"]["difference"] > 0


def test_the_terminal_output_starts_with_the_main_differences(lakes: tuple[etl.Lake, etl.Lake]) -> None:
    shown = run("compare", lakes[0].uri, lakes[1].uri, "--limit", "3").stdout
    assert re.search(
        r"In B \d+\.\d % of shipments came two or more days late, in A \d+\.\d %: \d+\.\d points\s+more\.", shown
    )
    assert re.search(r"Two or more days late, % +\d+\.\d\d +\d+\.\d\d +\+\d+\.\d\d points", shown)
    part = shown[shown.index("carrier_performance, rows:") : shown.index("route_efficiency, rows:")]
    assert len(re.findall(r"points|\(\S+ %\)", part)) == 3
    assert re.search(r"3 of \d+ differences; --limit shows more", part)
    assert max(map(len, shown.splitlines()[4:])) <= 100


def test_a_lake_does_not_differ_from_itself(lakes: tuple[etl.Lake, etl.Lake], tmp_path: Path) -> None:
    calm = lakes[0].uri
    done = run("compare", calm, calm, "--out", str(tmp_path / "same.html"))
    assert "Nothing differs: all rows of 6 marts are the same in A and B." in done.stdout
    assert "Totals" not in done.stdout
    assert "Nothing differs" in (tmp_path / "same.html").read_text("utf-8")
    found = as_json(calm, calm)
    assert found["equal"]
    assert all(mart["equal"] and mart["rows"] == [] for mart in found["marts"].values())


def test_limit_and_mart_select_what_is_reported(lakes: tuple[etl.Lake, etl.Lake]) -> None:
    found = as_json(lakes[0].uri, lakes[1].uri, "--mart", "delay_trends", "--limit", "2")
    assert list(found["marts"]) == ["delay_trends"]
    assert len(found["marts"]["delay_trends"]["rows"]) == 2
    assert found["marts"]["delay_trends"]["differing_rows"] > 2


def test_the_page_is_self_contained_and_runs_no_script(lakes: tuple[etl.Lake, etl.Lake], tmp_path: Path) -> None:
    file = tmp_path / "deep" / "compared.html"
    done = run("compare", lakes[0].uri, lakes[1].uri, "--out", str(file))
    assert done.stdout.endswith(f"{file}\n")
    html = file.read_text("utf-8")
    assert "<script" not in html
    assert "default-src 'none'" in html
    assert not re.search(r"""(src|href)=["'](?!#)""", html)
    assert len(html) < 200_000
    for name in MARTS:
        assert f'<section id="mart-{name}">' in html
    for sentence in ("came two or more days late", "days of delay"):
        assert sentence in html


def test_a_lake_is_compared_with_its_state_after_a_run(spark: SparkSession, tmp_path: Path) -> None:
    lake = etl.Lake(tmp_path / "lake")
    first, second = fill(lake, spark, "baseline", FIRST, SECOND)
    found = as_json(f"{lake.uri}@{first.run_id[:8]}", lake.uri)
    assert (found["a"]["run"], found["b"]["run"]) == (first.run_id, second.run_id)
    assert (found["a"]["last"], found["b"]["last"]) == (str(FIRST), str(SECOND))
    assert {row["keys"]["shipment_date"] for row in found["marts"]["delay_trends"]["rows"]} == {str(SECOND)}
    assert found["totals"]["shipments"]["a"] < found["totals"]["shipments"]["b"]
    assert etl.compare(lake.snapshot(first.run_id), lake.snapshot(first.run_id)).equal
    mart = Path(lake.location("processed/carrier_performance"))
    for gone in {path.relative_to(mart).as_posix() for path in mart.rglob("*.parquet")} - {
        each.path for each in lake.files("processed/carrier_performance")
    }:
        (mart / gone).unlink()
    with pytest.raises(RunMissing, match=r"files of processed/carrier_performance were deleted since"):
        etl.compare(lake.snapshot(first.run_id), lake)


def test_a_mart_that_only_one_lake_has_is_named(lakes: tuple[etl.Lake, etl.Lake], tmp_path: Path) -> None:
    snapshot = lakes[1].snapshot()
    fewer = {name: version for name, version in snapshot.tables.items() if name != "processed/delay_trends"}
    found = etl.compare(lakes[0], type(snapshot)(lakes[1], fewer, run=snapshot.run))
    assert found.only_in_a == ("delay_trends",)
    assert "delay_trends" not in found.marts
    assert "Only A has the mart delay_trends." in etl.write_comparison(found, tmp_path / "p.html").read_text("utf-8")


def test_errors_say_what_cannot_be_compared(lakes: tuple[etl.Lake, etl.Lake], spark: SparkSession, tmp_path: Path) -> None:
    calm = lakes[0]
    with pytest.raises(LakeMissing):
        etl.compare(calm, etl.Lake(tmp_path / "nowhere"))
    with pytest.raises(TableMissing, match="Did you mean 'carrier_performance'"):
        etl.compare(calm, calm, ["carier_performance"])
    with pytest.raises(RunMissing, match="there is no such run"):
        calm.snapshot("no such run")
    landed = etl.Lake(tmp_path / "landed")
    etl.run_generate(landed, date=FIRST, rows=10, spark=spark)
    with pytest.raises(NothingToCompare, match="process --lake"):
        etl.compare(calm, landed)
    bare = etl.Lake(tmp_path / "bare")
    bare.write_text("notes/of-mine.txt", "no run was logged yet")
    with pytest.raises(NothingToReport):
        etl.compare(bare, calm)
    assert run("compare", str(tmp_path / "nowhere"), calm.uri, code=1).stderr.startswith("error: There is no lake at")
    error = json.loads(run("compare", f"{calm.uri}@zz", calm.uri, "--json", code=1).stdout)["error"]
    assert error["type"] == "RunMissing"


def test_the_path_of_a_lake_may_contain_an_at_sign(spark: SparkSession, tmp_path: Path) -> None:
    lake = etl.Lake(tmp_path / "drive-me@example.com" / "lake@home")
    etl.run_generate(lake, date="2026-11-02", rows=50, spark=spark)
    processed = etl.run_process(lake, spark=spark)
    for one in (lake.uri, f"{lake.uri}@{processed.run_id[:8]}"):
        run("compare", one, lake.uri)
    missing = f"{tmp_path}/drive-me@corp.com"
    assert f"There is no lake at {missing}." in run("compare", missing, lake.uri, code=1).stderr


def test_a_held_batch_does_not_hide_the_currency(spark: SparkSession, tmp_path: Path) -> None:
    lake = etl.Lake(tmp_path / "lake")
    etl.run_generate(lake, date=FIRST, rows=100, spark=spark)
    processed = etl.run_process(lake, spark=spark)
    abroad = replace(etl.Network.default(), currency="EUR", cities=etl.Network.default().cities[:1])
    with pytest.raises(DataRejected):
        etl.run_process(lake, network=abroad, spark=spark)
    held = next(read_runs(lake))
    assert (processed.settings["currency"], held.settings["currency"], held.status) == ("USD", "EUR", "held")
    assert etl.compare(lake, lake).a.currency == "USD"
