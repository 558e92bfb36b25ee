"""The policy on licences: unlisted licences fail, and so do packages without a licence."""

import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PIP_LICENSES = Path(sysconfig.get_path("scripts")) / "pip-licenses"


def check(tmp_path: Path, **packages: str) -> subprocess.CompletedProcess[str]:
    """Check an environment with packages of these metadata against the policy of pyproject.toml."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "env")], check=True)
    (home,) = (tmp_path / "env" / "lib").glob("python*/site-packages")
    for name, metadata in packages.items():
        (home / f"{name}-1.0.dist-info").mkdir()
        text = f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{metadata}\n"
        (home / f"{name}-1.0.dist-info" / "METADATA").write_text(text)
    command = [str(PIP_LICENSES), "--python", str(tmp_path / "env" / "bin" / "python")]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_allowed_licences_pass(tmp_path: Path) -> None:
    done = check(
        tmp_path,
        expressed="License-Expression: Apache-2.0",
        classified="Classifier: License :: OSI Approved :: MIT License",
        either="License-Expression: MIT OR Apache-2.0",
    )
    assert done.returncode == 0, done.stderr
    assert "expressed" in done.stdout


@pytest.mark.parametrize(
    "metadata",
    [
        "License-Expression: AGPL-3.0-only",
        "License-Expression: MIT AND GPL-3.0-or-later",
        "License: Proprietary",
        "Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)",
        "Summary: no licence at all",
    ],
)
def test_every_other_licence_fails_and_the_package_is_named(tmp_path: Path, metadata: str) -> None:
    done = check(tmp_path, fine="License-Expression: MIT", foreign=metadata)
    assert done.returncode == 1
    assert "not in allow-only licenses was found for package foreign:1.0" in done.stderr


def test_the_package_itself_has_an_allowed_licence() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert pyproject["project"]["license"] in pyproject["tool"]["pip-licenses"]["allow-only"].split(";")
