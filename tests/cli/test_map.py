"""The command `map`: a draft on stdout or in a file, how its rows would land, and the next commands."""

import json
import shlex
import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shipment_etl import SourceMapping
from shipment_etl.cli import mapping
from shipment_etl.generator.shipments import SOURCE
from shipment_etl.jobs.ingest import as_source
from tests.command_line import run

TABLE = """Sendungsnummer;Lager;Zielort;Spediteur;Versanddatum;Liefertermin;Lieferdatum;Gewicht (kg)
S1;Graz;Wien;Post;13.11.2025;20.11.2025;18.11.2025;12,5
S2;Graz;Linz;Post;14.11.2025;20.11.2025;12.11.2025;3
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "sendungen.csv"
    path.write_text(TABLE)
    return path


def test_a_draft_is_written_and_the_rows_are_checked(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.toml"
    done = run("map", str(table), "--out", str(out))
    assert SourceMapping.from_toml(out).columns["delivery_date"].dates == ("d.M.yyyy",)
    assert "1 of 2 sample rows (50.0%) would be accepted" in done.stdout
    assert "delivery_date:delivered_after_shipped" in done.stdout
    assert f"--source sendungen --mapping {out}" in done.stdout


def test_a_draft_never_overwrites_a_file(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.toml"
    out.write_text("mine")
    run("map", str(table), "--out", str(out), code=2)
    assert out.read_text() == "mine"


def test_without_out_stdout_has_only_the_draft(table: Path) -> None:
    done = run("map", str(table))
    assert set(tomllib.loads(done.stdout)) == {"file", "numbers", "columns"}
    assert "1 of 2 sample rows" in done.stderr
    assert "Next, with the draft saved as mapping.toml:" in done.stderr


def test_json_has_the_draft_and_the_verdicts(table: Path) -> None:
    told = json.loads(run("map", str(table), "--json").stdout)
    assert SourceMapping.from_text(told["mapping"], "draft")
    assert told["open"] == []
    assert told["verdicts"]["accepted"] == 1
    assert told["columns"]["carrier"]["column"] == ["Spediteur"]
    assert told["rows"][0]["shipment_weight_kg"] == "12.500"


def test_open_columns_are_named(table: Path) -> None:
    table.write_text(TABLE.replace("Spediteur", "Feld 7").replace("Post", "X1"))
    done = run("map", str(table))
    assert "# STILL OPEN: carrier." in done.stdout
    assert "Still open, fill in first: carrier" in done.stderr


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    done = run("map", str(tmp_path / "none.csv"), code=1)
    assert "There is no file" in done.stderr


@given(st.text(min_size=1, max_size=80))
@example("shipments.csv")
@example("Müller GmbH.csv")
@example("2026-11-23.csv")
@example(f"{'long_' * 20}.csv")
@example(f"{'a' * 62}_b.csv")
def test_the_suggested_source_is_accepted(name: str) -> None:
    command, _ = mapping._commands(f"in/{name}", None)
    source = shlex.split(command)[shlex.split(command).index("--source") + 1]
    assert as_source(source) == source != SOURCE


def test_the_folder_of_a_draft_is_made(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "drafts" / "new" / "m.toml"
    run("map", table, "--out", out)
    assert SourceMapping.from_toml(out).columns
