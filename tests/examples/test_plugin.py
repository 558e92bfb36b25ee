"""The sample plugin, built as a wheel and found by the unchanged command line through its entry point."""

import csv
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from deltalake import DeltaTable

PLUGIN = Path(__file__).parents[2] / "examples" / "plugin"
ROWS = 3_000
MAX_KG = 15_000


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("figures") / "figures.csv"


@pytest.fixture(scope="module")
def command(figures: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Runs the command line in an environment with the plugin."""
    folder = tmp_path_factory.mktemp("plugin")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=PLUGIN, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    known = {"PYTHONPATH": str(folder / "site"), "EARLY_ARRIVALS_FIGURES": str(figures)}

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "shipment_etl", *arguments],
            env={**os.environ, **known},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def lake(command: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("demo") / "lake"
    command("demo", "--days", "2", "--rows", str(ROWS), "--lake", str(home))
    return home


def test_it_is_listed_with_its_version_and_its_hooks(command: Callable[..., str]) -> None:
    listed = [json.loads(line) for line in command("plugins", "--json").splitlines()]
    assert {"name": "early_arrivals", "version": "1.0.0", "hooks": "after_run, marts, rules"} in listed


def test_its_mart_matches_the_shipments(command: Callable[..., str], lake: Path) -> None:
    shown = command("show", "early_arrivals", "--lake", str(lake), "--format", "csv").splitlines()
    files = DeltaTable(str(lake / "processed" / "shipments")).file_uris()
    query = f"""
        SELECT destination_city, count(*) AS shipments, count(*) FILTER (delay_days <= -2) AS early, 100 * early / shipments
        FROM read_parquet({files}) WHERE outcome IS DISTINCT FROM 'cancelled' GROUP BY 1 ORDER BY 1"""
    expected = duckdb.connect().sql(query).fetchall()
    found = [(row[0], int(row[1]), int(row[2]), float(row[3])) for row in list(csv.reader(shown))[1:]]
    assert found == expected
    assert len(expected) == 8


def test_its_rule_is_counted_and_its_rows_quarantined(command: Callable[..., str], lake: Path) -> None:
    runs = [json.loads(line) for line in command("runs", "--lake", str(lake), "--json").splitlines()]
    told = sum(run["reasons"].get("shipment_weight_kg:fits_trailer", 0) for run in runs)
    raw = DeltaTable(str(lake / "raw" / "shipments")).file_uris()
    query = f"SELECT count(*) FROM read_parquet({raw}) WHERE shipment_weight_kg > {MAX_KG}"
    assert duckdb.connect().sql(query).fetchall() == [(told,)]
    assert told > 0
    assert all(run["versions"]["plugin early_arrivals"] == "1.0.0" for run in runs)
    accepted = duckdb.connect().sql(f"SELECT max(shipment_weight_kg) FROM read_parquet({_shipments(lake)})").fetchall()
    assert accepted[0][0] <= MAX_KG


def test_its_mart_and_its_rule_are_in_the_report(lake: Path) -> None:
    page = (lake / "report.html").read_text()
    assert "<h3>early_arrivals</h3>" in page
    assert "shipment_weight_kg:fits_trailer" in page


def test_its_listener_gets_every_run(command: Callable[..., str], lake: Path, figures: Path) -> None:
    runs = {json.loads(line)["run_id"] for line in command("runs", "--lake", str(lake), "--json").splitlines()}
    with figures.open() as lines:
        heard = {row[0] for row in csv.reader(lines)}
    assert heard == runs


def _shipments(lake: Path) -> list[str]:
    return DeltaTable(str(lake / "processed" / "shipments")).file_uris()
