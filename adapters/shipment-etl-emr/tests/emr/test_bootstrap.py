"""The bootstrap action, run by bash: the package is installed where Python finds it, and only with the right checksum."""

import subprocess
import sys
import zipfile
from importlib.resources import files
from pathlib import Path

import pytest

from shipment_etl_emr.package import Package, archive


@pytest.fixture
def package(tmp_path: Path) -> Package:
    wheel = tmp_path / "shipment_etl-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as made:
        made.writestr("shipment_etl/__init__.py", "")
    return Package(*archive([wheel]), "3.11", "x86_64")


def bootstrap(folder: Path, name: str, data: bytes) -> subprocess.CompletedProcess[str]:
    """Run the action with a fake `aws` that copies the data, a `sudo` that runs commands, and a recording `systemd-run`."""
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    (folder / "object").write_bytes(data)
    tools = {
        "aws": f'cp {folder}/object "${{@: -1}}"',
        "sudo": 'exec "$@"',
        "systemd-run": f'echo "$@" > {folder}/timer',
    }
    for tool, does in tools.items():
        (bin_folder / tool).write_text(f"#!/bin/bash\n{does}\n")
        (bin_folder / tool).chmod(0o755)
    script = str(files("shipment_etl_emr").joinpath("bootstrap.sh"))
    call = ["bash", script, f"s3://acme-code/{name}", sys.executable, str(folder / "home"), "360"]
    path = f"{bin_folder}:/usr/bin:/bin"
    return subprocess.run(call, env={"PATH": path}, capture_output=True, text=True, timeout=60, check=False)


def test_the_package_is_unpacked_and_the_timer_set(package: Package, tmp_path: Path) -> None:
    done = bootstrap(tmp_path, package.name, package.data)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "home" / "shipment_etl" / "__init__.py").is_file()
    assert (tmp_path / "timer").read_text().startswith("--on-active=360m")
    assert "/usr/sbin/shutdown -h now" in (tmp_path / "timer").read_text()


def test_a_package_with_another_checksum_is_refused(package: Package, tmp_path: Path) -> None:
    done = bootstrap(tmp_path, package.name.replace(package.digest, "0" * 64), package.data)
    assert done.returncode != 0
    assert "The package does not have the checksum in its name" in done.stderr
    assert not (tmp_path / "home").exists()
