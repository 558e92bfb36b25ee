"""The operations guide works as written: from an empty account, page after page, against a local AWS.

`console` blocks are for another host: they run with stand-ins for its programs.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents import ROOT, Block, assert_printed, blocks, run_block
from tests.stand_ins import stand_in

MAX_SECONDS = 900
"""Timeout of a block in seconds: some run two clusters one after the other."""
PAGES = ("first-run", "day-two", "red-runs", "costs", "in-a-real-account")
HERE = ("adapters", "docker-compose.yml", ".env.example", "spark")
PLACES = [str(ROOT / f"adapters/shipment-etl-{name}/tests") for name in ("emr", "kestra")]

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(3600)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that looks like the repository, and the environment of an empty account."""
    pytest.importorskip("shipment_etl_kestra", reason="adapters/shipment-etl-kestra is not installed")
    pytest.importorskip("shipment_etl_airflow", reason="adapters/shipment-etl-airflow is not installed")
    monkeypatch.setattr(sys, "path", [*PLACES, *sys.path])
    from emr.ssh_host import free_port
    from kestra.stand_in import ACCOUNT, State, kestra
    from shipment_etl_emr.local import local_aws

    work = tmp_path / "repository"
    work.mkdir()
    for name in HERE:
        (work / name).symlink_to(ROOT / name)
    # What the guide asks the reader to provide.
    (work / "docker-compose").touch()
    with local_aws(tmp_path / "aws") as aws, kestra(State()) as url:
        for name in [each for each in os.environ if each.startswith(("AWS_", "AIRFLOW", "KESTRA_"))]:
            monkeypatch.delenv(name)
        given = {
            **aws.environment,
            **ACCOUNT,
            "AIRFLOW_HOME": str(tmp_path / "airflow"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "adapters/shipment-etl-airflow/dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW_VAR_SHIPMENT_ETL_EMR_SETTINGS": str(work / "emr.toml"),
            "AIRFLOW_VAR_SHIPMENT_ETL_LAKE": "s3://acme-lake/shipments",
            "FREE_PORT": str(free_port()),
            "KESTRA_URL": url,
            "PYTHONPATH": str(ROOT),
            "STAND_INS": str(stand_in(tmp_path / "programs")),
        }
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        yield work


def test_the_guide_works_from_its_first_page_to_its_last(folder: Path) -> None:
    printed = [output for page in PAGES for output in run(page, folder)]
    whole = "\n".join(printed)
    # The commands for the other host have reached the stand-ins and had their effect.
    assert "is port 8080 of i-" in whole
    assert "flow shipments.data_generation: created" in whole
    assert "flow shipments.data_generation: unchanged" in whole
    assert "2026-11-22 18:00:00+00:00" in whole


def run(page: str, folder: Path) -> Iterator[str]:
    printed = ""
    for block in blocks(ROOT / f"docs/operations/{page}.md"):
        if block.title is not None:
            (folder / block.title).write_text(block.text, "utf-8")
        elif block.language == "sh":
            yield (printed := run_block(block, folder, MAX_SECONDS))
        elif block.language == "console":
            if " airflow airflow " in block.text:
                make_airflow()
            # Here the folder of the host is the reader's folder.
            text = block.text.replace("/srv/shipment-etl", ".")
            # Set in the script, because run_block sets its own PATH.
            yield (printed := run_block(Block("sh", None, f'PATH="$STAND_INS:$PATH"\n{text}'), folder, MAX_SECONDS))
        elif block.language == "text":
            assert_printed(block.text, printed)


def make_airflow() -> None:
    """Create an Airflow database with its DAGs, as the container does when it starts."""
    if Path(os.environ["AIRFLOW_HOME"]).exists():
        return
    for command in (["db", "migrate"], ["dags", "reserialize"]):
        done = subprocess.run([sys.executable, "-m", "airflow", *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
