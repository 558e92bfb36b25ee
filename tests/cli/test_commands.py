"""The command line as users see it: every command is really run."""

import csv
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from shipment_etl.cli.rendering import print_table
from shipment_etl.plugins import plugins
from shipment_etl.transform.marts import MARTS
from tests.command_line import run
from tests.test_network import TOML

ENVIRONMENT = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, subprocess.CompletedProcess[str]]:
    lake = str(tmp_path_factory.mktemp("demo") / "lake")
    return lake, run("demo", "--days", "2", "--rows", "2000", "--lake", lake)


def test_version_is_that_of_the_installed_package() -> None:
    assert run("--version").stdout == f"shipment-etl {version('shipment-etl')}\n"


@pytest.mark.parametrize("command", [[], ["demo"], ["process"], ["emr", "run", "generate"]])
def test_help_shows_flags_without_a_type(command: list[str]) -> None:
    shown = run(*command, "--help").stdout
    assert "--help" in shown
    assert "bool" not in shown


def test_help_names_the_commands_of_plugins() -> None:
    shown = run("--help").stdout
    assert [name for name in plugins().commands() if not re.search(rf"^\W*{name}\s", shown, flags=re.M)] == []


def test_demo_prints_row_counts_findings_and_next_commands(
    demo: tuple[str, subprocess.CompletedProcess[str]],
) -> None:
    lake, done = demo
    told = r"2026-11-16 to 2026-11-17: 2 batches (\d+) rows read\s+= (\d+) accepted"
    told += r" \+ (\d+) quarantined \+ (\d+) duplicates \+ (\d+) overtaken"
    read, accepted, *others = map(int, re.search(told, done.stdout.replace(",", "")).groups())
    assert read == accepted + sum(others)
    assert accepted == len(run("show", "shipments", "--lake", lake, "--format", "json").stdout.splitlines())
    # The second day also has reports on some shipments of the first.
    again = read - 4000
    assert 0 < again < 400
    assert others[-1] > again / 2
    assert f"process shipments 2026-11-17: {2000 + again:,} read" in done.stderr
    plain = " ".join(done.stdout.split())
    assert "of shipments came on time in one day (17 Nov 2026)" in plain
    assert "No warehouse was over its capacity in one day" in plain
    assert len(done.stdout.splitlines()) <= 40
    for line in re.findall(r"shipment-etl (show \S+) --lake", done.stdout):
        assert run(*line.split(), "--lake", lake).stdout
    assert f"{lake}/report.html" in done.stdout
    assert "What changed" in Path(lake, "report.html").read_text("utf-8")


def test_a_verbose_demo_prints_every_mart(tmp_path: Path) -> None:
    done = run("demo", "--days", "1", "--rows", "200", "--lake", str(tmp_path / "lake"), "--verbose")
    for mart in MARTS:
        assert f"processed/{mart}" in done.stdout


def test_show_prints_tables_csv_and_json(demo: tuple[str, subprocess.CompletedProcess[str]]) -> None:
    lake, _ = demo
    assert "carrier" in run("show", "carrier_performance", "--lake", lake).stdout
    rows = list(csv.DictReader(io.StringIO(run("show", "carrier_performance", "--lake", lake, "--format", "csv").stdout)))
    lines = run("show", "processed/carrier_performance", "--lake", lake, "--format", "json").stdout.splitlines()
    assert [row["carrier"] for row in rows] == [json.loads(line)["carrier"] for line in lines]
    assert len(rows) == 7
    short = run("show", "processed/shipments", "--lake", lake, "--format", "csv", "--limit", "3").stdout
    assert len(short.splitlines()) == 4


def test_runs_and_fingerprints_can_be_read_by_programs(demo: tuple[str, subprocess.CompletedProcess[str]]) -> None:
    lake, _ = demo
    runs = [json.loads(line) for line in run("runs", "--lake", lake, "--json").stdout.splitlines()]
    assert [each["job"] for each in runs] == ["process", "generate", "process", "generate"]
    word = run("fingerprint", "processed/carrier_performance", "--lake", lake).stdout.split()[-1]
    assert word == runs[0]["tables"]["processed/carrier_performance"]["fingerprint"]
    assert "succeeded" in run("runs", "--lake", lake).stdout


def test_a_lake_written_only_by_another_program_has_no_runs_but_waiting_batches(tmp_path: Path) -> None:
    rows = pa.table({"source": ["acme"], "batch_date": pa.array([date(2026, 11, 16)]), "shipment_id": ["1"]})
    write_deltalake(tmp_path / "raw" / "acme", rows, partition_by=["source", "batch_date"])
    shown = run("runs", "--lake", tmp_path).stdout
    assert "no runs yet" in shown
    assert "acme" in shown
    assert run("runs", "--lake", tmp_path, "--json").stdout == ""


def test_process_again_prints_its_report_as_json(demo: tuple[str, subprocess.CompletedProcess[str]]) -> None:
    lake, _ = demo
    done = run("process", "--lake", lake, "--from", "2026-11-16", "--to", "2026-11-17", "--json")
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert [report["batch_date"] for report in reports] == ["2026-11-16", "2026-11-17"]
    again = run("process", "--lake", lake, "--date", "2026-11-17", "--max-rejected", "0", code=3)
    assert again.stderr.startswith("process shipments")


def test_a_users_file_is_processed_into_marts(tmp_path: Path) -> None:
    file, mapping, lake = tmp_path / "mine.csv", tmp_path / "mine.toml", str(tmp_path / "lake")
    file.write_text("No,From,To,Who,Out,Due,In,Kilo\n1,A,B,C,01.02.2026,03.02.2026,04.02.2026,7\n2,A,B,C,x,,,-1\n")
    mapping.write_text(
        '[columns]\nshipment_id = { column = "No" }\norigin_warehouse = { column = "From" }\n'
        'destination_city = { column = "To" }\ncarrier = { column = "Who" }\n'
        'shipment_date = { column = "Out", dates = ["dd.MM.yyyy"] }\n'
        'promised_date = { column = "Due", dates = ["dd.MM.yyyy"] }\n'
        'delivery_date = { column = "In", dates = ["dd.MM.yyyy"] }\nshipment_weight_kg = { column = "Kilo" }\n'
    )
    landing = ("--lake", lake, "--source", "mine", "--mapping", str(mapping), "--date", "2026-02-05")
    assert "2 rows read" in run("ingest", str(file), *landing).stdout
    assert "--accept-rejected" in run("process", "--lake", lake, "--source", "mine", code=3).stderr
    report = json.loads(run("process", "--lake", lake, "--source", "mine", "--accept-rejected", "--json").stdout)
    assert report["counts"] == {"read": 2, "accepted": 1, "quarantined": 1, "duplicates": 0, "overtaken": 0}
    assert report["reasons"] == {
        "promised_date:required": 1,
        "shipment_date:date": 1,
        "shipment_weight_kg:greater_than": 1,
    }
    row = json.loads(run("show", "route_efficiency", "--lake", lake, "--format", "json").stdout)
    assert (row["avg_transit_days"], row["on_time_pct"], row["cost_per_km"]) == (3.0, 0.0, None)
    bad = json.loads(run("show", "processed/quarantine", "--lake", lake, "--format", "json").stdout)
    assert json.loads(bad["original"])["Out"] == "x"
    assert bad["source_row"] == 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("process", "--lake", "nowhere"), 1, "There is no lake at"),
        (("show", "processed/x", "--lake", "nowhere"), 1, "There is no lake at"),
        (("generate", "--lake", "new", "--rows", "0"), 2, "rows is 0, but must be a whole number from 1"),
        (("generate", "--lake", "new", "--defects", "1.5"), 2, "defects is 1.5, but must be a share from 0 to 1"),
        (("generate", "--lake", "new", "--date", "2026-02-30"), 2, "--date is '2026-02-30', but must be a date"),
        (("generate", "--lake", "new", "--scenario", "stom"), 2, "Did you mean 'storm'?"),
        (("generate", "--lake", "new", "--from", "2026-02-02", "--to", "2026-02-01"), 2, "The dates run backwards"),
        (("generate", "--lake", "new", "--from", "2026-02-02"), 2, "a range needs --from and --to"),
        (("generate", "--lake", "new", "--engine", "snail"), 2, "There is no engine 'snail'. Did you mean 'sail'?"),
        (("generate", "--lake", "new", "--network", "no.toml"), 2, "There is no file no.toml"),
        (("ingest", "no.csv", "--lake", "new", "--source", "x", "--mapping", "no.toml"), 2, "There is no file no.toml"),
        (("generate",), 2, "Missing option '--lake'"),
        (("generat",), 2, "No such command 'generat'"),
    ],
)
def test_usage_errors_say_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*arguments, code=code)
    # Typer's box may break a line anywhere.
    assert said.replace(" ", "") in re.sub(r"[\s│]", "", done.stderr)
    assert not (tmp_path / "new").exists()


def test_json_prints_the_error_for_programs(tmp_path: Path) -> None:
    lake = tmp_path / "no"
    done = run("process", "--lake", str(lake), "--json", code=1)
    error = json.loads(done.stdout)["error"]
    assert error == {
        "type": "LakeMissing",
        "message": f"There is no lake at {lake}.",
        "remedy": "Check the address. The first ingest creates a lake; generate creates one to try things out.",
        "retryable": False,
        "parts": {"uri": str(lake)},
    }
    assert done.stderr.split() == f"error: {error['message']} {error['remedy']}".split()


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    done = run("process", "--lake", tmp_path / "no", "--debug", code=1)
    assert "Traceback" in done.stderr
    assert "LakeMissing" in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_leaves_the_lake_unchanged(tmp_path: Path, number: int, code: int) -> None:
    lake = str(tmp_path / "lake")
    run("generate", "--lake", lake, "--date", "2026-11-23", "--rows", "1000")
    before = run("fingerprint", "raw/shipments", "--lake", lake).stdout.split()[-1]
    command = [sys.executable, "-m", "shipment_etl", "generate", "--lake", lake, "--date", "2026-11-23"]
    with subprocess.Popen([*command, "--rows", "100000000"], stderr=subprocess.PIPE, text=True) as child:
        # The first new file, which ends in .parquet#1 until it is complete, shows that the job is writing.
        written = set(Path(lake, "raw/shipments").rglob("*.parquet*"))
        deadline = time.monotonic() + 60
        while set(Path(lake, "raw/shipments").rglob("*.parquet*")) == written:
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        child.send_signal(number)
        _, said = child.communicate(timeout=60)
    assert child.returncode == code, said
    assert "The lake is unchanged since its last logged run." in said
    assert run("fingerprint", "raw/shipments", "--lake", lake).stdout.split()[-1] == before
    newest = json.loads(run("runs", "--lake", lake, "--limit", "1", "--json").stdout)
    assert (newest["status"], newest["error"]) == ("failed", "Stopped by a signal.")


def test_a_signal_that_a_library_turns_into_an_error_still_stops_the_program() -> None:
    code = """
import importlib, os, signal
main = importlib.import_module("shipment_etl.cli.main")

def app(obj):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except BaseException as problem:
        raise ValueError(f"must be JSON-serializable: {problem!r}") from None

main.app = app
main.main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (143, "Stopped. The lake is unchanged since its last logged run.\n")


def test_doctor_reports_a_profile_of_aws_that_does_not_exist(tmp_path: Path) -> None:
    environment = {**os.environ, "AWS_PROFILE": "nope", "AWS_CONFIG_FILE": str(tmp_path / "none")}
    told = run("doctor", "--json", code=None, environment=environment).stdout
    (aws,) = (found for found in map(json.loads, told.splitlines()) if found["what"] == "AWS identity")
    assert (aws["state"], "nope" in aws["found"]) == ("yellow", True)


def test_doctor_finds_no_problem_on_this_machine(tmp_path: Path) -> None:
    findings = [json.loads(line) for line in run("doctor", "--lake", str(tmp_path / "new"), "--json").stdout.splitlines()]
    states = {finding["what"]: finding["state"] for finding in findings}
    assert states["Engine sail"] == states["pyspark"] == "green"
    assert states[f"Lake {tmp_path}/new"] == "yellow"
    assert all(finding["remedy"] for finding in findings if finding["state"] != "green")


@pytest.mark.parametrize("width", [40, 80, 200])
def test_tables_fit_the_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    columns = ["carrier", *(f"a_rather_long_name_{n}" for n in range(12))]
    print_table("title", columns, [{name: 1234.5 if name != "carrier" else "[bold]FedEx" for name in columns}])
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= width
    assert printed.count("1,234.50") == 12
    assert "[bold]FedEx" in printed


def in_a_shell(line: str) -> subprocess.CompletedProcess[str]:
    """Run a line in a shell that also prints the exit code of each part of a pipe."""
    line = f'shipment-etl() {{ {shlex.quote(sys.executable)} -m shipment_etl "$@"; }}; {line}; echo ${{PIPESTATUS[@]}} >&2'
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=120, env=ENVIRONMENT, check=False)


def test_csv_goes_through_a_pipe(demo: tuple[str, subprocess.CompletedProcess[str]]) -> None:
    lake, _ = demo
    reader = "import csv, sys; print(sum(int(row['shipments']) for row in csv.DictReader(sys.stdin)))"
    done = in_a_shell(
        f"shipment-etl show cost_analysis --lake {lake} --format csv | {sys.executable} -c {shlex.quote(reader)}"
    )
    shipments = map(json.loads, run("show", "processed/shipments", "--lake", lake, "--format", "json").stdout.splitlines())
    # Cancelled shipments are in no mart.
    assert int(done.stdout) == sum(each["outcome"] != "cancelled" for each in shipments)
    assert done.stderr == "0 0\n"


@pytest.mark.parametrize("style", ["csv", "json", "table"])
def test_a_closed_pipe_ends_the_command_quietly(demo: tuple[str, subprocess.CompletedProcess[str]], style: str) -> None:
    lake, _ = demo
    # More than a pipe can hold, so that it is closed while writing; and less, so that it is closed at the end.
    for limit in ("4000", "1"):
        done = in_a_shell(f"shipment-etl show processed/shipments --lake {lake} --format {style} --limit {limit} | head -1")
        assert len(done.stdout.splitlines()) == 1
        assert done.stderr == "0 0\n"
    assert in_a_shell(f"shipment-etl runs --lake {lake} --json | true").stderr == "0 0\n"


def test_a_closed_pipe_hides_no_failure_and_stops_no_batch(demo: tuple[str, subprocess.CompletedProcess[str]]) -> None:
    lake, _ = demo
    both = f"shipment-etl process --lake {lake} --from 2026-11-16 --to 2026-11-17 --json"
    done = in_a_shell(f"{both} | true")
    assert re.findall(r"process shipments (\S+):", done.stderr) == ["2026-11-16", "2026-11-17"]
    assert done.stderr.endswith("\n0 0\n")
    assert in_a_shell(
        f"shipment-etl process --lake {lake} --date 2026-11-17 --max-rejected 0 --json | true"
    ).stderr.endswith("\n3 0\n")


def test_show_quarantine_names_held_batches_until_they_are_accepted(tmp_path: Path) -> None:
    lake = str(tmp_path / "lake")
    run("generate", "--lake", lake, "--rows", "200", "--date", "2026-11-23", "--defects", "0.1")
    run("process", "--lake", lake, "--max-rejected", "0", code=3)
    shown = run("show", "quarantine", "--lake", lake).stdout
    assert re.search(r"held: shipments 2026-11-23, \d+ of 200 rows rejected \(\d+\.\d\d%\)", shown)
    command = re.search(r"shipment-etl (process .* --accept-rejected)", shown)
    assert command is not None
    assert "held:" not in run("show", "quarantine", "--lake", lake, "--format", "json").stdout
    run(*shlex.split(command[1]))
    assert "held:" not in run("show", "quarantine", "--lake", lake).stdout
    network = tmp_path / "network.toml"
    network.write_text(TOML)
    run("process", "--lake", lake, "--date", "2026-11-23", "--network", str(network), code=3)
    assert "--date 2026-11-23 --network FILE.toml --accept-rejected" in run("show", "quarantine", "--lake", lake).stdout
