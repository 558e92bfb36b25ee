"""The terminal: no content of a file, name or path can control a terminal or become a formula when it is printed."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from shipment_etl.cli.progress import Progress
from shipment_etl.cli.rendering import print_csv, print_json_lines, print_table
from shipment_etl.cli.tables import show_table
from shipment_etl.cli.terminal import SafeConsole, console, echo, echo_json
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.runs import RunStart
from tests.command_line import run

TITLE = "\x1b]0;owned\x07\x1b[31mW"
FORMULA = '=HYPERLINK("http://example.invalid";"x")'
FORBIDDEN = {*map(chr, range(32)), *map(chr, range(127, 160))} - {"\t", "\n"}
MAPPING = """
[columns]
shipment_id = { column = "ID" }
origin_warehouse = { column = "From" }
destination_city = { column = "To" }
carrier = { constant = "C" }
shipment_date = { column = "Out", dates = ["yyyy-MM-dd"] }
promised_date = { column = "Due", dates = ["yyyy-MM-dd"] }
delivery_date = { column = "In", dates = ["yyyy-MM-dd"] }
"""


def harmful(*streams: str) -> list[str]:
    return sorted(FORBIDDEN & set("".join(streams)))


def table_of(cell: Text) -> Table:
    table = Table("a")
    table.add_row(cell)
    return table


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "m.toml").write_text(MAPPING)
    rows = [
        ["1", TITLE, FORMULA, "2026-10-01", "2026-10-02", "2026-10-03"],
        [f"2{TITLE}", TITLE, "-1+1", f"{TITLE}", "2026-10-02", "2026-10-03"],
    ]
    with (folder / "a.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["ID", "From", "To", "Out", "Due", "In"], *rows])
    uri = str(folder / "lake")
    landed = ("--source", "acme", "--lake", uri)
    for arguments in (
        ("ingest", str(folder / "a.csv"), "--mapping", str(folder / "m.toml")),
        ("process", "--accept-rejected"),
    ):
        done = run(*arguments, *landed)
        assert harmful(done.stdout, done.stderr) == []
    return uri


@pytest.mark.slow
@pytest.mark.parametrize("table", ["raw/acme", "processed/shipments", "processed/quarantine", "route_efficiency"])
@pytest.mark.parametrize("style", ["table", "csv", "json"])
def test_tables_are_shown_without_control_characters(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, lake: str, table: str, style: str
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    show_table(Lake(lake), table, None, style)
    shown = capsys.readouterr().out
    assert harmful(shown) == []
    assert "owned" in shown


@pytest.mark.slow
def test_csv_has_no_formula_and_raw_csv_and_json_have_unchanged_texts(capsys: pytest.CaptureFixture[str], lake: str) -> None:
    def shown(style: str) -> str:
        show_table(Lake(lake), "route_efficiency", None, style)
        return capsys.readouterr().out

    (safe,) = csv.DictReader(io.StringIO(shown("csv"), newline=""))
    (raw,) = csv.DictReader(io.StringIO(shown("raw csv"), newline=""))
    told = json.loads(shown("json"))
    assert safe["destination_city"] == f"'{FORMULA}"
    assert safe["origin_warehouse"] == r"\x1b]0;owned\x07\x1b[31mW"
    assert raw["destination_city"] == told["destination_city"] == FORMULA
    assert raw["origin_warehouse"] == told["origin_warehouse"] == TITLE
    assert float(safe["avg_transit_days"]) == float(raw["avg_transit_days"]) == told["avg_transit_days"]


@pytest.mark.slow
def test_raw_is_for_csv_only(lake: str) -> None:
    refused = run("show", "route_efficiency", "--lake", lake, "--raw", code=2).stderr
    assert "--format is 'table', but must be csv with --raw" in refused
    assert TITLE in run("show", "route_efficiency", "--lake", lake, "--format", "csv", "--raw").stdout


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＋1", "－1", "＠1"])
def test_formulas_get_an_apostrophe(capsys: pytest.CaptureFixture[str], text: str) -> None:
    print_csv([text], [{text: text}])
    (header,), (cell,) = csv.reader(io.StringIO(capsys.readouterr().out, newline=""))
    assert header == cell
    assert cell.startswith("'")


def test_numbers_dates_and_plain_texts_are_unchanged_in_csv(capsys: pytest.CaptureFixture[str]) -> None:
    row = {"n": -1.5, "i": -3, "d": date(2026, 10, 1), "t": "A=B, 'x' - y", "none": None, "list": ["=1"]}
    print_csv(list(row), [row])
    _, cells = csv.reader(io.StringIO(capsys.readouterr().out, newline=""))
    assert cells == ["-1.5", "-3", "2026-10-01", "A=B, 'x' - y", "", '["=1"]']


@pytest.mark.parametrize("text", [TITLE, FORMULA, "a\rb", "a\r\nb", 'a"b', "a,b", "'=1", "\u202e", ""])
def test_raw_csv_reads_back_the_same(capsys: pytest.CaptureFixture[str], text: str) -> None:
    print_csv(["a", "b"], [{"a": text, "b": 1}], raw=True)
    _, cells = csv.reader(io.StringIO(capsys.readouterr().out, newline=""))
    assert cells == [text, "1"]


def test_titles_headers_and_texts_in_brackets_are_shown_unchanged(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("[red]\x1b]0;", ["[b]"], [{"[b]": ":cat: [red]"}])
    shown = capsys.readouterr().out
    assert r"[red]\x1b]0;" in shown
    assert "[b]" in shown
    assert ":cat: [red]" in shown


@pytest.mark.parametrize(
    "show",
    [
        echo,
        echo_json,
        lambda text: print_json_lines([text]),
        lambda text: console().print(text),
        lambda text: console().print(Text(text), Text.from_markup(f"[bold]{text}")),
        lambda text: console().print(table_of(Text(text))),
    ],
)
def test_no_way_to_print_lets_a_control_character_through(capsys: pytest.CaptureFixture[str], show) -> None:
    show(f"{TITLE}\x9b\udcff")
    assert harmful(capsys.readouterr().out) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("ingest", f"{TITLE}.csv", "--mapping", "m.toml", "--source", "s", "--lake", "l"), 2),
        (("ingest", f"{TITLE}.csv", "--mapping", "good.toml", "--source", "s", "--lake", "l"), 1),
        (("ingest", "name\udcff.csv", "--mapping", "good.toml", "--source", "s", "--lake", "l"), 1),
        (("ingest", "good.csv", "--mapping", "hostile.toml", "--source", "s", "--lake", "l"), 2),
        (("ingest", "hostile.csv", "--mapping", "good.toml", "--source", "s", "--lake", "l"), 2),
        (("show", TITLE, "--lake", TITLE), 2),
        (("show", TITLE, "--lake", TITLE, "--debug"), 2),
        (("generate", "--lake", "l", "--engine", TITLE), 2),
        (("doctor", "--lake", TITLE), 1),
    ],
)
def test_errors_quote_values_without_control_characters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int
) -> None:
    (tmp_path / "good.toml").write_text(MAPPING)
    (tmp_path / "hostile.toml").write_text(MAPPING.replace('"From"', json.dumps(TITLE)))
    (tmp_path / "good.csv").write_text("ID,From,To,Out,Due,In\n1,A,B,2026-10-01,2026-10-02,2026-10-03\n")
    (tmp_path / "hostile.csv").write_text(f"ID,{TITLE},To,Out,Due,In\n1,A,B,2026-10-01,2026-10-02,2026-10-03\n")
    monkeypatch.chdir(tmp_path)
    done = run(*arguments, code=code)
    assert harmful(done.stdout, done.stderr) == []
    assert done.stderr or done.stdout


def test_the_progress_line_has_no_control_character_of_a_name() -> None:
    written = io.StringIO()
    shown = SafeConsole(file=written, force_terminal=True, width=120)
    with shown.status("starting") as status:
        listener = Progress(shown, status)
        listener.before_run(RunStart("id", "process", f"[red]{TITLE}", date(2026, 10, 1), "2026-10-01T00:00:00", "lake"))
    assert r"[red]\x1b]0;owned" in written.getvalue()
    assert "\x1b]0;" not in written.getvalue()


@pytest.mark.slow
def test_a_real_terminal_gets_no_title_from_a_table(lake: str) -> None:
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "shipment_etl", "show", "processed/quarantine", "--lake", lake]
    with subprocess.Popen(command, stdout=follower, stderr=follower) as shown:
        os.close(follower)
        written = b""
        # Linux reports the end of a terminal as an error.
        with suppress(OSError):
            while part := os.read(leader, 65536):
                written += part
    os.close(leader)
    assert shown.returncode == 0
    assert b"owned" in written
    assert b"\x1b]0;" not in written
