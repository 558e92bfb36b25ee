"""Configuration: precedence of its sources, and errors for unknown settings."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from shipment_etl.config import Settings, settings_of_environment, settings_of_file
from shipment_etl.errors import ConfigError
from tests import command_line


def run(folder: Path, *arguments: str, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {**os.environ, "COLUMNS": "120", "NO_COLOR": "1", **environment}
    return command_line.run(*arguments, code=code, folder=folder, environment=known)


def printed(folder: Path, *arguments: str, **environment: str) -> dict[str, tuple[str, str]]:
    lines = run(folder, "config", "--json", *arguments, **environment).stdout.splitlines()
    return {row["setting"]: (row["value"], row["from"]) for row in map(json.loads, lines)}


def test_precedence_is_command_line_environment_file_default(tmp_path: Path) -> None:
    assert printed(tmp_path)["lake"] == ("–", "default")
    assert printed(tmp_path)["max_rejected"] == ("0.1", "default")
    (tmp_path / "shipment-etl.toml").write_text('lake = "./file"\nmax_rejected = 0.5\nlog = "json"\n')
    of_file = printed(tmp_path)
    assert of_file["lake"] == ("./file", "file")
    assert of_file["max_rejected"] == ("0.5", "file")
    assert of_file["engine"] == ("auto", "default")
    of_environment = printed(tmp_path, SHIPMENT_ETL_LAKE="./variable")
    assert of_environment["lake"] == ("./variable", "environment, SHIPMENT_ETL_LAKE")
    assert of_environment["max_rejected"] == ("0.5", "file")
    of_line = printed(tmp_path, "--lake", "./line", SHIPMENT_ETL_LAKE="./variable")
    assert of_line["lake"] == ("./line", "command line")


def test_every_command_uses_configured_defaults_but_demo_ignores_the_lake(tmp_path: Path) -> None:
    (tmp_path / "shipment-etl.toml").write_text('lake = "./nowhere"\n')
    assert f"There is no lake at {tmp_path}/nowhere" in run(tmp_path, "runs", code=1).stderr
    assert "./demo-lake" in run(tmp_path, "demo", "--help").stdout


def test_another_file_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('engine = "sail"\n')
    assert settings_of_file({"SHIPMENT_ETL_CONFIG": f"{tmp_path}/other.toml"}) == Settings(engine="sail")
    with pytest.raises(ConfigError, match=r"There is no file .*none\.toml"):
        settings_of_file({"SHIPMENT_ETL_CONFIG": f"{tmp_path}/none.toml"})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("lake = 3", r"shipment-etl\.toml: lake is 3, but must be a string in quotes"),
        ("lak = 'x'", r"has an unknown key 'lak'. Did you mean 'lake'\?"),
        ("max_rejected = 2", "max_rejected is 2, but must be less than or equal to 1"),
        ("log = 'xml'", "log is 'xml', but must be 'text' or 'json'"),
        ("lake = ", "is not valid TOML"),
    ],
)
def test_an_invalid_file_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, told: str) -> None:
    (tmp_path / "shipment-etl.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=told):
        settings_of_file({})


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("SHIPMENT_ETL_LAEK", "x", r"an unknown variable SHIPMENT_ETL_LAEK. Did you mean 'SHIPMENT_ETL_LAKE'\?"),
        ("SHIPMENT_ETL_MAX_REJECTED", "many", "the environment: max_rejected is 'many', but must be a number"),
        ("SHIPMENT_ETL_LINEAGE", "perhaps", "the environment: lineage is 'perhaps', but must be true or false"),
    ],
)
def test_an_invalid_environment_is_reported(variable: str, value: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        settings_of_environment({variable: value})


def test_a_mistake_in_the_file_stops_any_command_with_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "shipment-etl.toml").write_text("max_rejected = 'all'\n")
    done = run(tmp_path, "runs", "--lake", "x", code=2)
    assert done.stderr.startswith("error: shipment-etl.toml: max_rejected is 'all', but must be a number")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("lke = 'x'\n", {"where": "FILE", "keys": ["lke"]}),
        ("lake = \n", {"where": "FILE", "why": "Invalid value (at line 1, column 8)"}),
    ],
)
def test_the_parts_of_an_error_say_what_is_wrong(tmp_path: Path, text: str, parts: dict[str, object]) -> None:
    file = tmp_path / "shipment-etl.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        settings_of_file({"SHIPMENT_ETL_CONFIG": str(file)})
    assert dict(caught.value.parts) == {name: str(file) if value == "FILE" else value for name, value in parts.items()}
    with pytest.raises(ConfigError) as caught:
        settings_of_environment({"SHIPMENT_ETL_LAKEE": "x"})
    assert caught.value.parts["variable"] == "SHIPMENT_ETL_LAKEE"


def test_empty_variables_and_those_of_kubernetes_are_not_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    empty = {f"SHIPMENT_ETL_{name}": "" for name in ("MAX_REJECTED", "LOG", "LINEAGE", "CONFIG")}
    # What a pod gets if services are called shipment-etl and shipment-etl-web.
    pod = {
        "SHIPMENT_ETL_SERVICE_HOST": "10.0.0.1",
        "SHIPMENT_ETL_SERVICE_PORT": "80",
        "SHIPMENT_ETL_SERVICE_PORT_HTTP": "80",
        "SHIPMENT_ETL_PORT": "tcp://10.0.0.1:80",
        "SHIPMENT_ETL_PORT_80_TCP_ADDR": "10.0.0.1",
        "SHIPMENT_ETL_WEB_PORT": "tcp://10.0.0.2:80",
    }
    assert settings_of_environment(empty | pod) == Settings()
    assert settings_of_file(empty) == Settings()
    done = command_line.run("--version", environment={**os.environ, **empty, **pod}, folder=tmp_path)
    assert "shipment" in done.stdout
