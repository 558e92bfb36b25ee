"""Kestra's configuration as Kestra reads it: by its own metadata, and through its own framework where both are here."""

import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deployment.composed import REQUIRED, composed

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
    """Return the class path of what reads Kestra's configuration."""
    if not shutil.which("java"):
        pytest.skip("no Java is installed, so Kestra's framework does not read its configuration")
    found = {name: sorted((MAVEN / name).glob("*/*[0-9].jar")) for name in FRAMEWORK}
    for name, jars in found.items():
        if not jars:
            pytest.skip(f"{name} {BROUGHT}")
    return os.pathsep.join(str(jars[-1]) for jars in found.values())


def read_by_kestra(folder: Path, environment: dict[str, str], *names: str) -> dict[str, str]:
    """Return properties as a container with this environment has them."""
    file = folder / "application.yml"
    # As the start script of Kestra does.
    file.write_text(environment["KESTRA_CONFIGURATION"], "utf-8")
    command = ["java", "-cp", framework(), str(Path(__file__).parent / "Properties.java"), *names]
    own = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "MICRONAUT_CONFIG_FILES": str(file)}
    done = subprocess.run(
        command, env={**environment, **own}, capture_output=True, text=True, timeout=120, check=False, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return dict(line.split("\t", 1) for line in done.stdout.splitlines())


@pytest.mark.slow
@pytest.mark.parametrize("password", ["Aa1-of-kestra", "Aa1: 'x' \"y\" #z,{}$HOME"])
def test_kestra_fills_in_the_account_of_the_environment(password: str, tmp_path: Path) -> None:
    service = composed(KESTRA_PASSWORD=password)["services"]["kestra"]
    environment = {name: value for name, value in service["environment"].items() if value is not None}
    account = "kestra.server.basic-auth"
    told = read_by_kestra(
        tmp_path, environment, f"{account}.username", f"{account}.password", "datasources.postgres.password", "kestra.url"
    )
    assert told == {
        f"{account}.username": REQUIRED["KESTRA_USERNAME"],
        f"{account}.password": password,
        "datasources.postgres.password": REQUIRED["KESTRA_DATABASE_PASSWORD"],
        "kestra.url": "http://localhost:8080/",
    }


def test_kestra_knows_every_key_of_its_configuration() -> None:
    kestra = composed()["services"]["kestra"]
    version = kestra["build"]["args"]["KESTRA_IMAGE"].partition(":v")[2]
    core = MAVEN / f"io/kestra/core/{version}/core-{version}.jar"
    if not core.exists():
        pytest.skip(f"Kestra's core {version} {BROUGHT}")
    with zipfile.ZipFile(core) as jar:
        metadata = json.loads(jar.read("META-INF/spring-configuration-metadata.json"))
    known = {each["name"] for each in metadata["properties"]}
    given = set(keys({"kestra": yaml.safe_load(kestra["environment"]["KESTRA_CONFIGURATION"])["kestra"]}))
    # What is below kestra.storage is read by the storage; the last four by parts of Kestra that are not published.
    assert {key for key in given if key not in known} == {
        "kestra.storage.local.base-path",
        "kestra.queue.type",
        "kestra.server.basic-auth.password",
        "kestra.server.basic-auth.username",
        "kestra.tutorial-flows.enabled",
    }


def keys(told: Any, where: str = "") -> Iterator[str]:
    """Yield the dotted paths of all values."""
    if isinstance(told, dict):
        for key, below in told.items():
            yield from keys(below, f"{where}.{key}".lstrip("."))
    else:
        yield where
