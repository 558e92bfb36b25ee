"""What is reported to Kestra about a run, and the reports that are refused."""

import io
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipment_etl.errors import NewerRelease, RowsLost
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.runs import RowCounts, Run, RunStart
from shipment_etl_kestra import events
from shipment_etl_kestra.errors import OutcomeUnreadable, ReportDisagrees, StepFailed
from shipment_etl_kestra.reports import metrics_of, outputs_of, run_of_outcome
from tests.command_line import run

DAY = date(2026, 11, 23)
ROWS = st.integers(0, 10**9)
RUNS = st.builds(
    lambda accepted, quarantined, duplicates, overtaken, reasons, seconds: Run(
        "r-1", "process", "shipments", DAY, "succeeded", "2026-11-23T18:00:00Z", "sail",
        RowCounts(accepted + quarantined + duplicates + overtaken, accepted, quarantined, duplicates, overtaken),
        reasons, seconds,
    ),
    ROWS, ROWS, ROWS, ROWS,
    st.dictionaries(st.text(min_size=1, max_size=20), ROWS, max_size=4),
    st.dictionaries(st.text(min_size=1, max_size=20), st.floats(0, 1e6), max_size=4),
)  # fmt: skip
RUN = Run("r-1", "process", "shipments", DAY, "succeeded", "2026-11-23T18:00:00Z", "sail", RowCounts(3, 2, 1), {"a:b": 1})


def outcome(**changes: Any) -> str:
    return json.dumps({"run": "s-1", "reports": [{**RUN.to_json(), **changes}]})


@given(RUNS)
def test_every_row_that_was_read_is_counted_once(run: Run) -> None:
    rows = {
        each["name"]: each["value"] for each in metrics_of(run) if "reason" not in each["tags"] and each["type"] == "counter"
    }
    assert rows.pop("rows_read") == sum(rows.values()) == outputs_of(run)["read"]


@given(RUNS)
def test_each_message_to_kestra_is_on_its_own_line(run: Run) -> None:
    out = io.StringIO()
    events.print_run(run, out)
    lines = out.getvalue().splitlines()
    assert all(line.startswith("::{") and line.endswith("}::") for line in lines)
    printed, measured = (json.loads(line[2:-2]) for line in lines)
    assert printed == {"outputs": json.loads(json.dumps(outputs_of(run)))}
    assert {each["type"] for each in measured["metrics"]} <= {"counter", "timer"}


@given(RUNS.filter(lambda run: run.counts.read > 0))
def test_a_report_is_read_back_as_its_run(run: Run) -> None:
    assert run_of_outcome(json.dumps({"reports": [run.to_json()]}), "outcome.json", DAY) == run


@pytest.mark.parametrize(
    ("changes", "error", "told"),
    [
        ({"status": "failed"}, ReportDisagrees, "its status is failed"),
        ({"batch_date": "2026-11-22"}, ReportDisagrees, "it is of 2026-11-22, not of 2026-11-23"),
        ({"counts": {"read": 0, "accepted": 0}}, ReportDisagrees, "it read no rows of 2026-11-23"),
        ({"counts": {"read": 3, "accepted": 2}}, RowsLost, "3"),
        ({"counts": None}, OutcomeUnreadable, "is not the outcome of one run"),
        ({"report_version": 99}, NewerRelease, "was written by a newer release"),
    ],
)
def test_a_report_that_does_not_match_the_request_is_refused(
    changes: dict[str, Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        run_of_outcome(outcome(**changes), "outcome.json", DAY)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"reports": []}', '{"reports": [1, 2]}', '{"reports": ["r"]}', "null"]
)
def test_text_that_is_not_an_outcome_is_refused(text: str) -> None:
    with pytest.raises(OutcomeUnreadable, match=r"outcome\.json is not the outcome of one run"):
        run_of_outcome(text, "outcome.json", DAY)


def test_the_cause_of_a_failed_step_is_passed_on_with_its_fix() -> None:
    error = {"message": "The step s-1 is FAILED: no batch of 2026-11-23.", "remedy": "Land it first."}
    with pytest.raises(StepFailed) as failed:
        run_of_outcome(json.dumps({"error": error}), "outcome.json", DAY)
    assert str(failed.value) == "The step s-1 is FAILED: no batch of 2026-11-23. Land it first."


@pytest.mark.parametrize("error", ["gone", ["gone"], {"message": "gone"}])
def test_an_error_in_another_form_is_not_an_outcome(error: Any) -> None:
    with pytest.raises(OutcomeUnreadable):
        run_of_outcome(json.dumps({"error": error}), "outcome.json", DAY)


def report(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run("kestra", "report", "outcome.json", *arguments, code=None, folder=folder)


def test_the_command_prints_what_kestra_reads_and_keeps_the_report(tmp_path: Path) -> None:
    (tmp_path / "outcome.json").write_text(outcome())
    done = report(tmp_path, "--date", "2026-11-23", "--out", "report.json")
    assert done.returncode == 0, done.stderr
    assert '"quarantined": 1' in done.stdout.splitlines()[0]
    assert Run.from_json(json.loads((tmp_path / "report.json").read_text())) == RUN
    refused = report(tmp_path, "--date", "2026-11-24")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "not of 2026-11-24" in refused.stderr


def test_a_run_in_a_task_is_reported_on_stderr_and_only_with_an_execution(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start = RunStart("r-1", "process", "shipments", DAY, "2026-11-23T18:00:00Z", Lake("lake").uri)
    monkeypatch.delenv(events.EXECUTION, raising=False)
    events.report_success(RUN)
    events.report_failure(start)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv(events.EXECUTION, "e-1")
    events.report_success(RUN)
    events.report_failure(start)
    out, err = capsys.readouterr()
    assert out == ""
    assert [line[:12] for line in err.splitlines()] == ['::{"outputs"', '::{"metrics"', '::{"outputs"']


@pytest.mark.slow
def test_the_plugin_reports_runs_of_the_command_line(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "shipment_etl",
        "generate",
        "--lake",
        "lake",
        "--date",
        "2026-11-23",
        "--rows",
        "50",
        "--json",
    ]
    environment = {**os.environ, events.EXECUTION: "e-1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert json.loads(done.stdout)["status"] == "succeeded"
    assert '::{"outputs": {"run_id"' in done.stderr
