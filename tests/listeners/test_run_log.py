"""The run log: one JSON object a line, with the run's id in each."""

import json
import os
from pathlib import Path
from typing import Any

from tests.command_line import run


def read_log(*arguments: str, code: int = 0) -> list[dict[str, Any]]:
    done = run(*arguments, code=code, environment={**os.environ, "SHIPMENT_ETL_LOG": "json"})
    return [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]


def test_every_event_of_a_run_is_a_line_with_its_id(tmp_path: Path) -> None:
    lake = str(tmp_path / "lake")
    lines = read_log("generate", "--lake", lake, "--rows", "300", "--date", "2026-11-23", "--defects", "0.1")
    assert [line["event"] for line in lines] == ["run started", "table written", "run succeeded"]
    lines = read_log("process", "--lake", lake, "--accept-rejected")
    assert [lines[0]["event"], lines[-1]["event"]] == ["run started", "run succeeded"]
    assert [line["table"] for line in lines[1:4]] == [
        f"processed/{name}" for name in ("quarantine", "known_ids", "shipments")
    ]
    (run_id,) = {line["run_id"] for line in lines}
    about = {"job": "process", "source": "shipments", "batch_date": "2026-11-23", "lake": lake, "run_id": run_id}
    for line in lines:
        assert about.items() <= line.items()
        assert line["time"].startswith("20")
        assert line["level"] == "INFO"
    last = lines[-1]
    assert last["read"] == 300 == sum(last[name] for name in ("accepted", "quarantined", "duplicates", "overtaken"))
    assert sum(last["reasons"].values()) >= last["quarantined"] > 0


def test_a_failed_run_says_why(tmp_path: Path) -> None:
    file, mapping = tmp_path / "empty.csv", Path(__file__).parents[2] / "examples" / "scms" / "mapping.toml"
    file.write_text("")
    options = ("--lake", str(tmp_path / "lake"), "--source", "scms", "--mapping", str(mapping))
    lines = read_log("ingest", str(file), *options, code=1)
    assert [line["event"] for line in lines] == ["run started", "run failed"]
    assert (lines[1]["level"], lines[1]["error"].split(":")[0]) == ("ERROR", "FileEmpty")
