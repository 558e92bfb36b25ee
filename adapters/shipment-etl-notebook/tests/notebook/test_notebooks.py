"""The example notebooks: stored without outputs, and what they show when a kernel runs them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

FOLDER = Path(__file__).parents[4] / "examples" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def outputs(name: str, folder: Path) -> list[dict[str, str]]:
    """Run a notebook in its own kernel, and return what its cells show, by kind."""
    out = folder / name
    # Through file sockets, so that no other user of this machine can connect to the kernel.
    command = ["-m", "jupyter", "execute", str(FOLDER / name), f"--output={out}", "--KernelManager.transport=ipc"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SPARK_")}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    cells = nbformat.read(out, as_version=4).cells
    return [_shown(output) for cell in cells if cell.cell_type == "code" for output in cell.outputs]


def _shown(output: Any) -> dict[str, str]:
    return {"text/plain": output.text} if output.output_type == "stream" else dict(output.data)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell for cell in code if cell.outputs or cell.execution_count] == []
    assert code[0].source.startswith("%load_ext shipment_etl_notebook")


@pytest.mark.slow
def test_one_week_accounts_for_every_row_and_draws_its_charts(tmp_path: Path) -> None:
    run, lake, trends, lanes, carriers, counts, rejected = outputs("one-week.ipynb", tmp_path)
    assert [each["text/html"].count("<svg") for each in (run, lake, trends, lanes, carriers)] == [2, 2, 1, 3, 0]
    assert "2,000</strong> read" in run["text/html"]
    told = {where: int(rows.replace(",", "")) for where, rows in map(str.split, counts["text/plain"].splitlines())}
    assert told["read"] == 14_000 == told["accepted"] + told["quarantined"] + told["duplicates"] + told["overtaken"]
    assert told["quarantined"] > 100
    assert "FedEx" in carriers["text/html"]
    assert "original" in rejected["text/html"]


@pytest.mark.slow
def test_the_storm_affects_only_its_places(tmp_path: Path) -> None:
    lanes, lost, said = outputs("winter-storm.ipynb", tmp_path)
    assert lanes["text/html"].count("<svg") == 3
    assert "IL_Warehouse" in lost["text/plain"]
    assert said["text/plain"].endswith("the others at most 0.0\n")
