"""Files and folders that cannot be used: each leads to one of our messages, never to a traceback."""

import os
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

MAPPING = """
[columns]
shipment_id = { column = "ID" }
origin_warehouse = { column = "From" }
destination_city = { column = "To" }
carrier = { constant = "UPS" }
shipment_date = { column = "Out" }
promised_date = { column = "Due" }
delivery_date = { column = "In" }
"""
FILE = "ID,From,To,Out,Due,In\nx,W,C,2026-10-01,2026-10-02,2026-10-03\n"
COMMAND = Path(sys.executable).with_name("shipment-etl")
NOBODY = 65534
pytestmark = pytest.mark.slow


def run(folder: Path, *arguments: str | bytes, **more: Any) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [COMMAND, *arguments], capture_output=True, text=True, timeout=240, check=False, cwd=folder, **more
    )
    assert "Traceback" not in done.stderr
    assert "should not happen" not in done.stderr
    return done


def ingest(folder: Path, file: str | bytes = "f.csv", lake: str = "lake", **more: Any) -> subprocess.CompletedProcess[str]:
    options = ("--mapping", "m.toml", "--source", "acme", "--date", "2026-11-03", "--lake", lake)
    return run(folder, "ingest", file, *options, **more)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "f.csv").write_text(FILE)
    (tmp_path / "m.toml").write_text(MAPPING)
    return tmp_path


def test_a_file_whose_name_is_not_utf_8_lands_with_its_bytes_escaped(folder: Path) -> None:
    name = b"b\xff.csv"
    shutil.copyfile(folder / "f.csv", os.path.join(os.fsencode(folder), name))  # noqa: PTH118  # a path of bytes
    done = ingest(folder, name)
    assert done.returncode == 0, done.stderr
    shown = run(folder, "show", "raw/acme", "--lake", "lake", "--format", "json")
    assert "b\\\\udcff.csv" in shown.stdout


def test_commands_that_are_suggested_can_be_pasted_whatever_the_folder_is_called(folder: Path) -> None:
    place = folder / "it's my 1st folder"
    place.mkdir()
    for name in ("f.csv", "m.toml"):
        shutil.copyfile(folder / name, place / name)
    assert ingest(place).returncode == 0
    shown = run(place, "runs", "--lake", "lake").stdout
    (suggested,) = (each.partition("process them: ")[2] for each in shown.splitlines() if "process them: " in each)
    done = run(folder, *shlex.split(suggested)[1:])
    assert "1 rows read" in done.stdout, done.stdout + done.stderr
    assert (place / "lake" / "processed" / "shipments").is_dir()


@pytest.mark.parametrize(
    "command",
    [
        ("show", "shipments"),
        ("maintain",),
        ("runs",),
        ("fingerprint", "processed/shipments"),
        ("process", "--source", "acme"),
        ("report", "--out", "r.html"),
    ],
    ids=lambda command: command[0],
)
def test_a_lake_that_is_a_file_is_reported_as_missing(folder: Path, command: tuple[str, ...]) -> None:
    (folder / "lake").write_text("hi")
    done = run(folder, *command, "--lake", "lake")
    assert done.returncode == 1
    assert "There is no lake at" in done.stderr


def test_nothing_lands_if_the_lake_is_a_file(folder: Path) -> None:
    (folder / "lake").write_text("hi")
    assert "lake cannot be used: File exists." in ingest(folder).stderr
    assert "lake/below cannot be used: Not a directory." in ingest(folder, lake="lake/below").stderr


def test_a_full_disk_in_maintain_is_reported_and_another_run_repairs_the_lake(folder: Path) -> None:
    for day in ("2026-11-01", "2026-11-02", "2026-11-03"):
        assert run(folder, "generate", "--rows", "50", "--date", day, "--lake", "lake").returncode == 0
    for limit in (200, 1_000, 3_000, 10_000):

        def limited(size: int = limit) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

        done = run(folder, "maintain", "--lake", "lake", preexec_fn=limited)
        assert done.returncode == 0 or "There is no space left for the lake" in done.stderr, (limit, done.stderr)
    assert run(folder, "maintain", "--lake", "lake").returncode == 0
    assert run(folder, "show", "raw/shipments", "--lake", "lake").returncode == 0


@pytest.fixture
def read_only() -> Iterator[Path]:
    # Not pytest's own folder, which another user could not enter.
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("command", [("maintain",), ("generate", "--rows", "10"), ("process",)], ids=lambda each: each[0])
def test_a_read_only_lake_is_reported(read_only: Path, command: tuple[str, ...]) -> None:
    lake = read_only / "lake"
    assert run(read_only, "generate", "--rows", "10", "--lake", "lake").returncode == 0
    for each in (lake, *lake.rglob("*")):
        each.chmod(0o555 if each.is_dir() else 0o444)
    more: dict[str, Any] = {"env": {**os.environ, "HOME": str(read_only), "PYTHONDONTWRITEBYTECODE": "1"}}
    if os.geteuid() == 0:
        more |= {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        try:
            subprocess.run([COMMAND, "--help"], capture_output=True, check=True, **more)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("another user cannot start the program here")
    done = run(read_only, *command, "--lake", str(lake), **more)
    assert done.returncode == 1
    assert "lake cannot be used: Permission denied" in done.stderr
    for each in (lake, *lake.rglob("*")):
        each.chmod(0o755)


def test_a_python_without_docstrings_is_refused_with_the_fix(folder: Path) -> None:
    done = ingest(folder, env={**os.environ, "PYTHONOPTIMIZE": "2"})
    assert done.returncode == 2
    assert "Unset PYTHONOPTIMIZE, or set it to 1." in done.stderr
    assert ingest(folder, env={**os.environ, "PYTHONOPTIMIZE": "1"}).returncode == 0
    library = [sys.executable, "-OO", "-c", "import shipment_etl as etl; etl.Lake('x')"]
    assert "DocstringsMissing" in subprocess.run(library, capture_output=True, text=True, check=False).stderr
