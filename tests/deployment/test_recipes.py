"""The recipes of images: linted, pinned, without root or secrets; their commands are rehearsed without Docker."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.deployment.composed import ROOT, composed, program
from tests.deployment.policy import SECRET, pinned
from tests.uv import find_uv

RECIPES = sorted((ROOT / "images").glob("*/Dockerfile"))
NAMES = [recipe.parent.name for recipe in RECIPES]
AIRFLOW = ROOT / "adapters/shipment-etl-airflow"
ENGINE = ROOT / "adapters/shipment-etl-kestra/engine/pom.xml"
WITHOUT_AIRFLOW = pytest.mark.skipif(
    not AIRFLOW.exists(), reason="adapters/shipment-etl-airflow, which the image holds, is not here"
)


def instructions(recipe: str) -> list[tuple[str, str]]:
    """Return a recipe's instructions and their arguments."""
    whole = re.sub(r"\\\n\s*", "", re.sub(r"^\s*#.*\n", "", recipe, flags=re.M))
    told = [line.split(maxsplit=1) for line in whole.splitlines() if line.strip()]
    return [(words[0].upper(), words[1] if len(words) > 1 else "") for words in told]


def faults(recipe: str) -> list[str]:
    """Return what a recipe does that ours must not do."""
    steps = instructions(recipe)
    defaults = dict(rest.split("=", 1) for name, rest in steps if name == "ARG" and "=" in rest)
    stages = {rest.split()[-1] for name, rest in steps if name == "FROM" and " AS " in rest.upper()}
    users = [rest for name, rest in steps if name == "USER"]
    found = []
    for name, rest in steps:
        image = re.sub(r"\$\{?(\w+)\}?", lambda used: defaults.get(used[1], ""), rest.split()[0])
        if name == "FROM" and image not in stages and not pinned(image):
            found.append(f"starts from an unpinned image: {image}")
        if name in ("ARG", "ENV") and any(SECRET.search(word.partition("=")[0]) for word in rest.split()):
            found.append(f"keeps a secret: {rest}")
        if name == "RUN" and re.search(r"(curl|wget)[^|&;]*\|\s*(ba|z|da)?sh", rest):
            found.append(f"runs what it fetched: {rest}")
        if name == "ADD":
            found.append(f"adds what may come from anywhere: {rest}")
    if not users or users[-1].split(":")[0] in ("root", "0"):
        found.append("leaves root as the user")
    return found


@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
def test_a_recipe_has_no_fault(recipe: Path) -> None:
    assert faults(recipe.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("recipe", "fault"),
    [
        ("FROM debian\nUSER me", "unpinned image: debian"),
        ("ARG BASE=debian:latest\nFROM ${BASE}\nUSER me", "unpinned image: debian:latest"),
        ("FROM debian:12\n", "root as the user"),
        ("FROM debian:12\nUSER me\nUSER root", "root as the user"),
        ("FROM debian:12\nARG TOKEN\nUSER me", "keeps a secret"),
        ("FROM debian:12\nENV PASSWORD=abc\nUSER me", "keeps a secret"),
        ("FROM debian:12\nRUN curl -sSf https://example.com \\\n    | sh\nUSER me", "runs what it fetched"),
        ("FROM debian:12\nADD https://example.com/a /a\nUSER me", "adds what may come"),
    ],
)
def test_a_fault_is_found(recipe: str, fault: str) -> None:
    assert [told for told in faults(recipe) if fault in told]


@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
def test_hadolint_has_nothing_to_say(recipe: Path) -> None:
    # DL3066 wants users by number; the base images use names.
    command = [program("hadolint"), "--no-color", "--ignore", "DL3066", str(recipe)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout + done.stderr, done.returncode) == ("", 0)


def test_hadolint_finds_a_bad_recipe(tmp_path: Path) -> None:
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM debian\nRUN sudo apt-get install curl\n", "utf-8")
    done = subprocess.run([program("hadolint"), str(bad)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "DL3006" in done.stdout


@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
def test_compose_and_the_recipe_start_from_the_same_image(recipe: Path) -> None:
    defaults = [rest for name, rest in instructions(recipe.read_text("utf-8")) if name == "ARG"]
    built = composed("airflow")["services"][recipe.parent.name]["build"]
    assert built["dockerfile"] == str(recipe.relative_to(ROOT))
    assert defaults == [f"{name}={image}" for name, image in built["args"].items()]


@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
def test_the_build_context_contains_what_a_recipe_copies(recipe: Path) -> None:
    let_in = {
        line.removeprefix("!/") for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!/")
    }
    needed = {source.split("/")[0] for source in copied(recipe)}
    assert needed <= let_in


@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
def test_a_folder_in_memory_has_the_same_mode_in_the_image(recipe: Path) -> None:
    # Otherwise older versions of runc change it when the container restarts.
    folders = [each.partition(":") for each in composed("airflow")["services"][recipe.parent.name]["tmpfs"]]
    modes = {folder: found[1] for folder, _, options in folders if (found := re.search(r"mode=(\d+)", options))}
    assert modes
    for folder, mode in modes.items():
        assert f"install --directory --mode={mode} {folder}\n" in recipe.read_text("utf-8")


def test_the_images_have_the_version_of_the_package() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    services = composed("airflow", "local-aws")["services"]
    ours = {service["image"] for service in services.values() if service["image"].startswith("shipment-etl-")}
    assert {image.partition(":")[2] for image in ours} == {version}


@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
def test_the_uv_of_a_recipe_is_the_uv_of_the_project(recipe: Path) -> None:
    project = re.search(r"^UV_VERSION := (\S+)$", (ROOT / "Makefile").read_text("utf-8"), flags=re.M)
    used = re.search(r"^FROM astral/uv:([\d.]+)-", recipe.read_text("utf-8"), flags=re.M)
    assert project
    assert used
    assert used[1] == project[1]


@pytest.mark.rehearsal
def test_the_recipe_of_kestra_builds_a_working_command_line(tmp_path: Path) -> None:
    steps = instructions((ROOT / "images/kestra/Dockerfile").read_text("utf-8"))
    lay_out(ROOT / "images/kestra/Dockerfile", tmp_path)
    sync, package, _ = next(rest for name, rest in steps if name == "RUN" and rest.startswith("uv sync")).split(" && ")
    environment = tmp_path / "environment"
    run(f"{find_uv()}{sync.removeprefix('uv')}", tmp_path, UV_PROJECT_ENVIRONMENT=str(environment), UV_PYTHON=sys.executable)
    told = run(f"{environment}/bin/shipment-etl kestra deploy --help", tmp_path)
    assert "KESTRA_PASSWORD" in told
    flows = "from shipment_etl_kestra.shipped import shipped_flows; print(*(flow.id for flow in shipped_flows()))"
    assert run(f"{environment}/bin/python -c '{flows}'", tmp_path).split() == [
        "check",
        "data_generation",
        "data_processing",
        "reaper",
    ]
    assert "local-aws" in run(f"{environment}/bin/shipment-etl --help", tmp_path)
    build = package.strip().replace("uv run --no-sync ", f"{environment}/bin/").replace("/opt/shipment-etl/", "")
    made = run(build, tmp_path, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert made.startswith("packages/shipment-etl-py3.11-x86_64-")
    # On a host without internet access, and without the sources that it was built from.
    # Also by the command, in the environment of the image.
    told = run(f"{environment}/bin/shipment-etl doctor --json || true", tmp_path, SHIPMENT_ETL_PACKAGES="packages")
    assert "unknown variable" not in told
    ready = "import shipment_etl_emr as emr; print(emr.build('3.11', 'x86_64').file_name)"
    shutil.rmtree(tmp_path / "src")
    found = run(f'{environment}/bin/python -c "{ready}"', tmp_path, SHIPMENT_ETL_PACKAGES="packages", PIP_NO_INDEX="1")
    assert f"packages/{found}" == made
    assert not (environment / "bin/pytest").exists()
    # Not editable: the image does not contain the folder that it was built in.
    assert str(tmp_path / "src") not in run(
        f"{environment}/bin/python -c 'import shipment_etl; print(shipment_etl.__file__)'", Path("/")
    )


@WITHOUT_AIRFLOW
@pytest.mark.slow
def test_the_recipe_of_airflow_finds_everything_it_installs(tmp_path: Path) -> None:
    lay_out(ROOT / "images/airflow/Dockerfile", tmp_path)
    steps = instructions((ROOT / "images/airflow/Dockerfile").read_text("utf-8"))
    parts = next(rest for name, rest in steps if name == "RUN" and rest.startswith("uv export")).split(" && ")
    # The test of Kestra's recipe covers that a package is built.
    build = " && ".join(part for part in parts if " emr package " not in part)
    run(build.replace("uv ", f"{find_uv()} "), tmp_path, UV_PYTHON=sys.executable)
    wheels = sorted(wheel.name.partition("-")[0] for wheel in (tmp_path / "wheels").glob("*.whl"))
    assert wheels == ["shipment_etl", "shipment_etl_airflow", "shipment_etl_emr"]
    requirements = (tmp_path / "requirements.txt").read_text("utf-8")
    lines = [
        line for line in re.sub(r"\\\n\s*", "", requirements).splitlines() if line and not line.lstrip().startswith("#")
    ]
    assert [line for line in lines if "--hash=sha256:" not in line] == []


@pytest.mark.skipif(not ENGINE.exists(), reason="adapters/shipment-etl-kestra/engine, which runs the flows, is not here")
def test_the_image_has_the_kestra_that_the_flows_are_tested_on() -> None:
    tried = re.search(r"<kestra(?:\.version)?>([\d.]+)</kestra", ENGINE.read_text("utf-8"))
    assert tried
    assert composed()["services"]["kestra"]["build"]["args"]["KESTRA_IMAGE"] == f"kestra/kestra:v{tried[1]}"


@WITHOUT_AIRFLOW
def test_the_image_has_the_airflow_of_the_lock() -> None:
    locked = re.search(r'name = "apache-airflow"\nversion = "([^"]+)"', (ROOT / "uv.lock").read_text("utf-8"))
    assert locked
    assert f":slim-{locked[1]}-" in composed("airflow")["services"]["airflow"]["build"]["args"]["AIRFLOW_IMAGE"]


def copied(recipe: Path) -> list[str]:
    """Return the paths that a recipe copies from the repository."""
    words = [
        rest.split() for name, rest in instructions(recipe.read_text("utf-8")) if name == "COPY" and "--from" not in rest
    ]
    return [word for copy in words for word in copy[:-1] if not word.startswith("--")]


def lay_out(recipe: Path, folder: Path) -> None:
    """Copy into a folder what the first stage of a recipe copies, and nothing else."""
    first = recipe.read_text("utf-8").split("\nFROM ")[1]
    for name, rest in instructions(first):
        if name == "COPY":
            *sources, target = [word for word in rest.split() if not word.startswith("--")]
            for source in sources:
                if (ROOT / source).is_dir():
                    shutil.copytree(ROOT / source, folder / target, ignore=shutil.ignore_patterns("__pycache__", "dist"))
                else:
                    shutil.copy(ROOT / source, folder / target)


def run(command: str, folder: Path, **variables: str) -> str:
    # Hard links instead of the copies that an image needs: the same result, but faster.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("UV_PROJECT", "VIRTUAL_ENV"))}
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env={**environment, "COLUMNS": "100", **variables},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
