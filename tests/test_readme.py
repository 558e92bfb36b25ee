"""The examples in the README work in a fresh clone, one after the other, on the same lake."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.documents import ROOT, blocks, run_block

README = ROOT / "README.md"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The files of the repository, and the environment that `make` would install."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout of git")
    if not (ROOT / ".venv" / ".stamp").exists():
        # `make demo` would remove from it everything that users do not need.
        pytest.skip("there is no environment of `make setup`")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in listed.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, tmp_path / name)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv", target_is_directory=True)
    return tmp_path


@pytest.mark.rehearsal
def test_its_blocks_run_in_order_in_a_fresh_clone(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    # make reads ARGS from the environment: the demo's full number of rows would take a minute.
    monkeypatch.setenv("ARGS", "--rows 500")
    printed = {block.text.splitlines()[0]: run_block(block, clone) for block in blocks(README) if block.language != "toml"}
    demo, scms, python, wheel = printed.values()
    assert "What changed" in (clone / "demo-lake" / "report.html").read_text("utf-8")
    assert "of shipments came on time" in " ".join(demo.split())
    assert "10,324 rows read" in scms
    assert "Ocean" in scms
    assert "What changed" in (clone / "report.html").read_text("utf-8")
    assert "RowCounts(read=1000, accepted=1000, quarantined=0, duplicates=0, overtaken=0)" in python
    assert "FedEx" in python
    assert "dist/shipment_etl-0.1.0-py3-none-any.whl" in wheel
    assert (clone / "dist" / "shipment_etl-0.1.0-py3-none-any.whl").exists()


def test_its_links_and_pictures_exist() -> None:
    targets = re.findall(r"\]\(([^)]+)\)", README.read_text("utf-8"))
    assert targets
    assert [target for target in targets if not (README.parent / target).exists()] == []


def test_it_names_every_mart() -> None:
    from shipment_etl.transform.marts import MARTS

    assert [name for name in MARTS if f"`{name}`" not in README.read_text("utf-8")] == []
