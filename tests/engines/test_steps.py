"""The scripts that a cluster runs, run by pyspark's own spark-submit on a local lake, with the package as a zip archive."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest

from shipment_etl import Lake
from shipment_etl.engines.jars import delta_jars
from shipment_etl.engines.java import find_java
from shipment_etl.errors import JavaMissing

ROOT = Path(__file__).parents[2]
QUICK = "-XX:TieredStopAtLevel=1"

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as --py-files takes it."""
    import shutil

    archive = tmp_path_factory.mktemp("packed") / "shipment_etl"
    return Path(shutil.make_archive(str(archive), "zip", ROOT / "src"))


@pytest.fixture(scope="module")
def java_home() -> str:
    try:
        return str(find_java().home)
    except JavaMissing as missing:
        pytest.skip(f"STEPS ARE NOT TESTED HERE. {missing}")


def submit(script: str, packed: Path, java_home: str, *options: str, jars: bool = True):
    spark_home = Path(pyspark.__file__).parent
    java = find_java()
    given = ["--jars", ",".join(map(str, delta_jars(java)))] if jars else []
    command = [str(spark_home / "bin" / "spark-submit"), "--driver-java-options", QUICK, *given, "--py-files", str(packed)]
    of_spark = {"JAVA_HOME": java_home, "SPARK_HOME": str(spark_home), "PYSPARK_PYTHON": sys.executable}
    environment = {**os.environ, **of_spark}
    for name in ("SPARK_REMOTE", "SPARK_CONNECT_MODE_ENABLED"):
        environment.pop(name, None)
    command = [*command, str(ROOT / "spark" / script), *options]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_steps_leave_a_report_on_stdout_and_beside_the_tables(packed: Path, java_home: str, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    for script, more in (("data_generation.py", ("--rows", "1000")), ("pyspark_app.py", ())):
        done = submit(script, packed, java_home, "--lake", str(lake), "--date", "2026-11-23", *more)
        assert done.returncode == 0, done.stderr[-3000:]
        report = json.loads(done.stdout.splitlines()[-1])
        assert report["engine"] == "spark"
        assert report["counts"]["read"] == 1000
        assert json.loads((lake / "_reports" / f"{report['run_id']}.json").read_text()) == report
    assert "processed/carrier_performance" in Lake(lake).tables()


def test_a_step_that_fails_exits_with_its_code(packed: Path, java_home: str, tmp_path: Path) -> None:
    done = submit("pyspark_app.py", packed, java_home, "--lake", str(tmp_path / "no"))
    assert done.returncode == 1
    # spark-submit passes on both streams of a script as its own stdout.
    assert "error: There is no lake at" in done.stdout
    assert json.loads(done.stdout.splitlines()[-1])["error"]["type"] == "LakeMissing"


def test_a_session_without_delta_is_refused_with_a_fix(packed: Path, java_home: str, tmp_path: Path) -> None:
    done = submit("data_generation.py", packed, java_home, "--lake", str(tmp_path / "new"), jars=False)
    assert done.returncode == 2
    assert "session cannot read Delta tables" in done.stdout
    assert "--packages io.delta:delta-spark_2.12:3.3.2" in done.stdout
    assert not (tmp_path / "new").exists()
