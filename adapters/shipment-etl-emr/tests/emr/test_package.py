"""The package for a cluster: what is in it, the same bytes for the same wheels, and nothing that a cluster brings itself."""

import io
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from shipment_etl_emr import package
from shipment_etl_emr.errors import PackageFailed
from shipment_etl_emr.package import archive, build, needed


def wheel(folder: Path, name: str, files: dict[str, str], moment: tuple[int, int, int, int, int, int]) -> Path:
    path = folder / f"{name}-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as made:
        for file, text in files.items():
            made.writestr(zipfile.ZipInfo(file, moment), text)
    return path


def test_the_same_files_make_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    first.mkdir()
    second.mkdir()
    files = {
        "a/__init__.py": "x = 1",
        "a-1.data/purelib/a/more.py": "y",
        "a-1.data/scripts/a": "#!",
        "a-1.dist-info/METADATA": "",
    }
    one = [wheel(first, "a", files, (2026, 1, 1, 0, 0, 0)), wheel(first, "b", {"b.py": "z"}, (2026, 1, 1, 0, 0, 0))]
    other = [wheel(second, "b", {"b.py": "z"}, (2025, 5, 5, 5, 5, 4))]
    other.append(wheel(second, "a", dict(reversed(files.items())), (1999, 1, 1, 1, 1, 2)))
    assert archive(one) == archive(other)
    with tarfile.open(fileobj=io.BytesIO(archive(one)[0])) as tar:
        assert tar.getnames() == ["a-1.dist-info/METADATA", "a/__init__.py", "a/more.py", "b.py"]
        assert {(each.mtime, each.uid, each.mode) for each in tar} == {(0, 0, 0o644)}
    changed = wheel(second, "b", {"b.py": "changed"}, (2026, 1, 1, 0, 0, 0))
    assert archive([one[0], changed])[1] != archive(one)[1]


def test_what_a_cluster_needs_is_what_is_installed_less_what_it_has() -> None:
    names = {each.metadata["Name"].lower().replace("_", "-") for each in needed(["shipment-etl"], "3.11", "x86_64")}
    assert {"shipment-etl", "pandas", "numpy", "pyarrow", "pandera", "deltalake", "pydantic-core", "delta-spark"} <= names
    assert not names & {"pyspark", "py4j", "pysail", "shipment-etl-emr", "pytest", "colorama"}


def test_a_distribution_that_is_not_here_is_told() -> None:
    with pytest.raises(PackageFailed, match="it is not installed here"):
        needed(["shipment-etl-of-nobody"], "3.11", "x86_64")


def test_what_pip_says_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*given: object, **more: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 1, "", "no wheel for this platform")

    monkeypatch.setattr(package.subprocess, "run", failing)
    with pytest.raises(PackageFailed, match="pip download failed: no wheel for this platform"):
        build("3.11", "x86_64")


@pytest.mark.slow
def test_the_real_package_is_the_same_when_it_is_built_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "GZIP_LEVEL", 0)  # to save time
    made = build("3.11", "aarch64")
    assert made.name == f"packages/shipment-etl-py3.11-aarch64-{made.digest}.tar.gz"
    with tarfile.open(fileobj=io.BytesIO(made.data)) as tar:
        names = tar.getnames()
    top = {name.split("/")[0] for name in names}
    assert {"shipment_etl", "numpy", "pyarrow", "deltalake"} <= top
    assert not top & {"pyspark", "pysail", "py4j"}
    assert any(name.startswith("shipment_etl-") and name.endswith("entry_points.txt") for name in names)
    compiled = [name for name in names if name.endswith(".so") and "cpython-" in name]
    assert compiled
    assert all("cpython-311-aarch64" in name for name in compiled)
    assert build("3.11", "aarch64").data == made.data
