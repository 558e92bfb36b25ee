"""The package for a cluster: its contents, the same bytes for the same wheels, and nothing that a cluster already has."""

import io
import json
import subprocess
import tarfile
import tomllib
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest

from shipment_etl_emr import package
from shipment_etl_emr.distributions import contents_of
from shipment_etl_emr.errors import EmrRefused, PackageFailed
from shipment_etl_emr.package import archive, build

ROOT = Path(__file__).parents[4]


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


@pytest.mark.parametrize(("python", "deprecated"), [("3.11", "1.3.1"), ("3.12", "3.0.1")])
def test_a_cluster_gets_the_versions_locked_for_its_python(python: str, deprecated: str) -> None:
    locked = contents_of(python, "x86_64").locked
    names = {line.partition("==")[0] for line in locked}
    assert {"pandas", "numpy", "pyarrow", "pandera", "deltalake", "pydantic-core", "delta-spark", "boto3"} <= names
    assert not names & {"pyspark", "py4j", "pysail", "shipment-etl", "pytest", "colorama"}
    assert [line.split()[0] for line in locked if line.startswith("deprecated==")] == [f"deprecated=={deprecated}"]
    assert all("--hash=sha256:" in line and ";" not in line for line in locked)


def test_clusters_get_the_versions_that_the_project_is_tested_with() -> None:
    project = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))["package"]
    tested = {(each["name"], each["version"]) for each in project}
    for python in ("3.11", "3.12"):
        for line in contents_of(python, "aarch64").locked:
            assert tuple(line.split()[0].split("==")) in tested


def test_our_own_distribution_comes_from_where_it_was_installed() -> None:
    contents = contents_of("3.11", "x86_64")
    assert contents.sources == (ROOT.as_uri(),)
    assert contents.released == ()


def test_a_plugin_brings_its_dependencies_that_the_lock_lacks() -> None:
    contents = contents_of("3.11", "x86_64", ["rich", "jinja2"])
    # rich is in the lock; jinja2 and its dependency are not.
    assert [line.partition("==")[0].lower() for line in contents.released] == ["jinja2", "markupsafe"]


def record(origin: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the recorded origin of installed distributions; None means an index."""
    kind = type(distribution("shipment-etl"))
    read = kind.read_text

    def read_text(self: Distribution, name: str) -> str | None:
        if name != "direct_url.json":
            return read(self, name)
        return json.dumps(origin) if origin else None

    monkeypatch.setattr(kind, "read_text", read_text)


@pytest.mark.parametrize(
    ("recorded", "source"),
    [
        ({"url": "file:///a%20b/c", "dir_info": {}}, "file:///a%20b/c"),
        (
            {"url": "https://example.com/a.git", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}},
            "git+https://example.com/a.git@c0ffee",
        ),
        ({"url": "file:///mono", "dir_info": {}, "subdirectory": "python"}, "file:///mono#subdirectory=python"),
        (None, ""),
    ],
)
def test_the_origin_of_a_distribution_is_named_as_pip_accepts_it(
    recorded: object, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = distribution("shipment-etl")
    record(recorded, monkeypatch)
    contents = contents_of("3.11", "x86_64")
    assert contents.sources == ((source,) if source else ())
    assert contents.released == (() if source else (f"shipment-etl=={found.version}",))


def test_a_missing_distribution_is_named() -> None:
    with pytest.raises(PackageFailed, match="it is not installed here"):
        contents_of("3.11", "x86_64", ["shipment-etl-of-nobody"])


class Assembled:
    """Counts how often a package is really built."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, contents: object, python: str, arch: str) -> package.Package:
        self.times += 1
        return package.Package(b"data", f"{self.times:064}", python, arch)


@pytest.fixture
def assembled(monkeypatch: pytest.MonkeyPatch) -> Assembled:
    made = Assembled()
    monkeypatch.setattr(package, "_assemble", made)
    return made


def test_the_same_sources_are_built_once(assembled: Assembled, tmp_path: Path) -> None:
    environ = {"XDG_CACHE_HOME": str(tmp_path)}
    first = build("3.11", "x86_64", environ=environ)
    assert build("3.11", "x86_64", environ=environ) == first
    assert assembled.times == 1
    assert build("3.12", "x86_64", environ=environ).digest != first.digest
    assert build("3.11", "aarch64", environ=environ).digest != first.digest
    assert build("3.11", "x86_64", ["jinja2"], environ=environ).digest != first.digest
    assert assembled.times == 4


def test_changed_sources_are_built_again(assembled: Assembled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "project"
    (source / "src" / "shipment_etl").mkdir(parents=True)
    (source / "tests").mkdir()
    module = source / "src" / "shipment_etl" / "a.py"
    module.write_text("1")
    record({"url": source.as_uri(), "dir_info": {"editable": True}}, monkeypatch)
    environ = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    build("3.11", "x86_64", environ=environ)
    (source / "tests" / "test_a.py").write_text("of no concern to a cluster")
    build("3.11", "x86_64", environ=environ)
    assert assembled.times == 1
    module.write_text("2")
    build("3.11", "x86_64", environ=environ)
    assert assembled.times == 2


def test_the_cache_is_bounded(assembled: Assembled, tmp_path: Path) -> None:
    environ = {"XDG_CACHE_HOME": str(tmp_path)}
    for more in ([], ["jinja2"], ["markupsafe"], ["moto"], ["flask"], ["werkzeug"]):
        build("3.11", "x86_64", more, environ=environ)
    assert len(list((tmp_path / "shipment_etl" / "packages").iterdir())) == package.MAX_CACHED


def test_a_package_in_an_image_needs_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "contents_of", None)
    digest = "a" * 64
    (tmp_path / f"shipment-etl-py3.11-x86_64-{digest}.tar.gz").write_bytes(b"data")
    assert build("3.11", "x86_64", environ={package.FOLDER: str(tmp_path)}) == package.Package(
        b"data", digest, "3.11", "x86_64"
    )


def test_a_failure_of_pip_is_reported_and_not_retried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def failing(*given: object, **more: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 1, "", "no wheel for this platform")

    monkeypatch.setattr(package.subprocess, "run", failing)
    with pytest.raises(PackageFailed, match=r"pip download failed: no wheel for this platform .* SHIPMENTS_PACKAGE"):
        build("3.11", "x86_64", environ={"XDG_CACHE_HOME": str(tmp_path)})
    # Orchestrators retry all errors except EmrRefused.
    assert issubclass(PackageFailed, EmrRefused)


@pytest.mark.rehearsal
def test_the_real_package_is_the_same_when_it_is_built_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(package, "GZIP_LEVEL", 0)  # to save time
    made = build("3.12", "aarch64", environ={"XDG_CACHE_HOME": str(tmp_path / "1")})
    assert made.name == f"packages/shipment-etl-py3.12-aarch64-{made.digest}.tar.gz"
    with tarfile.open(fileobj=io.BytesIO(made.data)) as tar:
        names = tar.getnames()
    top = {name.split("/")[0] for name in names}
    assert {"shipment_etl", "numpy", "pyarrow", "deltalake"} <= top
    assert not top & {"pyspark", "pysail", "py4j"}
    assert any(name.startswith("shipment_etl-") and name.endswith("entry_points.txt") for name in names)
    compiled = [name for name in names if name.endswith(".so") and "cpython-" in name]
    assert compiled
    assert all("cpython-312-aarch64" in name for name in compiled), "not of the Python that builds it"
    assert build("3.12", "aarch64", environ={"XDG_CACHE_HOME": str(tmp_path / "2")}).data == made.data
