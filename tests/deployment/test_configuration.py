"""Kestra's configuration as Kestra reads it: by its own metadata and through its own framework, if both are installed."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deployment.composed import REQUIRED, ROOT, composed

CONFIGURATION = ROOT / "images/kestra/application.yml"
MAVEN = Path.home() / ".m2/repository"
BROUGHT = "is not in the local Maven repository; `nox -s kestra` brings it there"
FRAMEWORK = (
    "io/micronaut/micronaut-context",
    "io/micronaut/micronaut-core",
    "io/micronaut/micronaut-core-reactive",
    "io/micronaut/micronaut-inject",
    "jakarta/annotation/jakarta.annotation-api",
    "jakarta/inject/jakarta.inject-api",
    "org/reactivestreams/reactive-streams",
    "org/slf4j/slf4j-api",
    "org/yaml/snakeyaml",
)


def framework() -> str:
    """Return the class path of the framework that reads Kestra's configuration."""
    if not shutil.which("java"):
        pytest.skip("no Java is installed, so Kestra's framework does not read its configuration")
    found = {name: sorted((MAVEN / name).glob("*/*[0-9].jar")) for name in FRAMEWORK}
    for name, jars in found.items():
        if not jars:
            pytest.skip(f"{name} {BROUGHT}")
    return os.pathsep.join(str(jars[-1]) for jars in found.values())


def read_by_kestra(folder: Path, secrets: dict[str, str], *names: str) -> dict[str, str]:
    """Return the properties in a container with these secrets, after its start script."""
    (folder / "secrets").mkdir()
    for name, value in secrets.items():
        (folder / "secrets" / name).write_text(value, "utf-8")
    # Instead of starting Kestra, the entry point prints the properties.
    entry = folder / "bin/docker-entrypoint.sh"
    entry.parent.mkdir()
    reader = Path(__file__).parent / "Properties.java"
    entry.write_text(f"#!/bin/sh\nexec java -cp '{framework()}' {reader} {' '.join(names)}\n", "utf-8")
    entry.chmod(0o755)
    service = composed()["services"]["kestra"]
    environment = {name: value for name, value in service["environment"].items() if value}
    own = {
        "PATH": f"{entry.parent}{os.pathsep}{os.environ['PATH']}",
        "LC_ALL": "C.UTF-8",
        "SECRETS_FOLDER": str(folder / "secrets"),
        "RUN_FOLDER": str(folder / "run"),
    }
    done = subprocess.run(
        [sys.executable, str(ROOT / "images/kestra/start.py"), "server", "standalone"],
        env={**environment, **own}, capture_output=True, text=True, timeout=120, check=False, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(line.split("\t", 1) for line in done.stdout.splitlines())


@pytest.mark.slow
@pytest.mark.parametrize("password", ["Aa1-of-kestra", "Aa1: 'x' \"y\" #z,{}$HOME", "Aa1\\n-\u00df\u20ac-x"])
def test_kestra_gets_the_account_and_the_database_password_from_the_secrets(password: str, tmp_path: Path) -> None:
    account, database = "kestra.server.basic-auth", "datasources.postgres"
    told = read_by_kestra(
        tmp_path,
        {"kestra_password": password, "kestra_database_password": f"{password}-of-database"},
        f"{account}.username", f"{account}.password", f"{database}.password", f"{database}.url", "kestra.url",
        "endpoints.all.enabled", "kestra.ui-anonymous-usage-report.enabled",
    )  # fmt: skip
    assert told == {
        f"{account}.username": REQUIRED["KESTRA_USERNAME"],
        f"{account}.password": password,
        f"{database}.password": f"{password}-of-database",
        f"{database}.url": "jdbc:postgresql://postgres:5432/kestra",
        "kestra.url": "http://localhost:8080/",
        "endpoints.all.enabled": "false",
        "kestra.ui-anonymous-usage-report.enabled": "false",
    }


def test_the_management_port_only_offers_health() -> None:
    endpoints = yaml.safe_load(CONFIGURATION.read_text("utf-8"))["endpoints"]
    assert endpoints == {"all": {"enabled": False}, "health": {"enabled": True}}


def test_no_password_is_in_the_configuration() -> None:
    told = list(keys(yaml.safe_load(CONFIGURATION.read_text("utf-8"))))
    assert [name for name in told if "password" in name] == []


def test_kestra_knows_every_key_of_its_configuration() -> None:
    version = composed()["services"]["kestra"]["build"]["args"]["KESTRA_IMAGE"].partition(":v")[2]
    core = MAVEN / f"io/kestra/core/{version}/core-{version}.jar"
    if not core.exists():
        pytest.skip(f"Kestra's core {version} {BROUGHT}")
    with zipfile.ZipFile(core) as jar:
        metadata = json.loads(jar.read("META-INF/spring-configuration-metadata.json"))
    known = {each["name"] for each in metadata["properties"]}
    given = set(keys({"kestra": yaml.safe_load(CONFIGURATION.read_text("utf-8"))["kestra"]}))
    # Keys below kestra.storage are read by the storage; the others by parts of Kestra that are not published.
    assert {key for key in given if key not in known} == {
        "kestra.storage.local.base-path",
        "kestra.queue.type",
        "kestra.tutorial-flows.enabled",
        "kestra.ui-anonymous-usage-report.enabled",
    }


def keys(told: Any, where: str = "") -> Iterator[str]:
    """Yield the dotted paths of all values."""
    if isinstance(told, dict):
        for key, below in told.items():
            yield from keys(below, f"{where}.{key}".lstrip("."))
    else:
        yield where
