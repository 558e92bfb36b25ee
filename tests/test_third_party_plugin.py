"""A third-party plugin that implements every hook, installed and used by the real command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from shipment_etl.hookspecs import ADDING, HEARING
from tests.installing import install

PLUGIN = """
import json, os
from pathlib import Path

import typer
from pyspark.sql import functions as F

from shipment_etl import Mart, MartColumn, RowRule, Scenario, hookimpl, session

TOLLS = (
    MartColumn("carrier", "string", "name of the carrier"),
    MartColumn("shipments", "bigint", "number of shipments", lambda: F.sum("shipments")),
)


def note(hook, **what):
    with Path(os.environ["TOLLS_NOTES"]).open("a") as notes:
        print(json.dumps({"hook": hook, **what}), file=notes)


@hookimpl
def commands():
    app = typer.Typer()

    @app.command()
    def tolls(lake: str) -> None:
        typer.echo(f"tolls of {lake}")

    return {"tolls": app}


@hookimpl
def engines():
    return {"rented": lambda: session("sail")}


@hookimpl
def marts():
    return [Mart.declare("tolls", TOLLS)]


@hookimpl
def rules():
    return [RowRule("not_by_night", "carrier", "of a carrier without tolls", lambda: F.col("carrier") != "USPS")]


@hookimpl
def scenarios():
    return [Scenario("fog", "all a day late", {1: 1})]


@hookimpl
def before_run(start):
    note("before_run", job=start.job)


@hookimpl
def before_stage(start, stage):
    note("before_stage", job=start.job, stage=stage)


@hookimpl
def after_table_written(start, table):
    note("after_table_written", job=start.job, table=table)


@hookimpl
def after_run(start, run):
    note("after_run", job=start.job, read=run.counts.read)


@hookimpl
def run_failed(start, error):
    note("run_failed", job=start.job, error=type(error).__name__)
"""


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Command":
    install(tmp_path, "tolls", PLUGIN)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]))
    monkeypatch.setenv("TOLLS_NOTES", str(tmp_path / "notes.jsonl"))
    return Command(tmp_path)


class Command:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lake = folder / "lake"

    def __call__(self, *words: str, code: int = 0) -> str:
        program = [sys.executable, "-m", "shipment_etl", *words]
        done = subprocess.run(program, cwd=self.folder, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == code, done.stderr
        return done.stdout

    def notes(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in (self.folder / "notes.jsonl").read_text().splitlines()]


def test_every_hook_of_a_third_party_plugin_works(command: Command) -> None:
    (listed,) = [each for each in map(json.loads, command("plugins", "--json").splitlines()) if each["name"] == "tolls"]
    assert set(listed["hooks"].split(", ")) == {*ADDING, *HEARING}
    assert command("tolls", "a-lake") == "tolls of a-lake\n"

    where = ("--lake", str(command.lake), "--date", "2026-11-23", "--engine", "rented", "--json")
    (made,) = map(json.loads, command("generate", *where, "--rows", "300", "--scenario", "fog").splitlines())
    assert made["settings"]["scenario"] == "fog"
    (run,) = map(json.loads, command("process", *where, "--max-rejected", "1").splitlines())
    assert run["reasons"]["carrier:not_by_night"] > 0
    tolls = map(json.loads, command("show", "tolls", "--lake", str(command.lake), "--format", "json").splitlines())
    assert sum(each["shipments"] for each in tolls) == run["counts"]["accepted"]

    command("rollback", "no-such-run", *where[:2], code=1)
    command("ingest", "no-such-file.csv", *where[:2], "--source", "acme", "--mapping", "no.toml", code=2)
    heard = command.notes()
    assert [each for each in heard if each["hook"] == "after_run"] == [
        {"hook": "after_run", "job": job, "read": 300} for job in ("generate", "process")
    ]
    assert {"hook": "after_table_written", "job": "process", "table": "processed/tolls"} in heard
    assert {each["hook"] for each in heard} == {*HEARING} - {"run_failed"}


def test_a_third_party_plugin_is_notified_of_a_failed_run(command: Command) -> None:
    where = ("--lake", str(command.lake), "--date", "2026-11-23")
    command("generate", *where, "--rows", "300")
    next(command.lake.glob("raw/shipments/**/*.parquet")).unlink()
    command("process", *where, code=1)
    assert command.notes()[-1] == {"hook": "run_failed", "job": "process", "error": "FileDamaged"}
