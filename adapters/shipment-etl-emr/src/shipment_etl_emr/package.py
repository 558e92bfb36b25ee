"""The package for a cluster: what is installed here, for the cluster's Python and processor, as one archive.

A cluster gets the versions that are installed where the package is built, so that what was tried here runs there. What the
cluster brings itself (pyspark) and what only laptops need (pysail) stays out. The same wheels give the same bytes.
"""

import gzip
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from shipment_etl_emr.errors import PackageFailed

__all__ = ["Package", "archive", "build", "needed"]

ROOT = "shipment-etl"
EXTRAS = ("s3",)
"""Extras of the package that a cluster needs, where this version has them."""
LEFT_OUT = frozenset({"py4j", "pyspark", "pysail"})
PLATFORMS = ("manylinux2014", *(f"manylinux_2_{glibc}" for glibc in range(17, 35)))
"""Wheels that run on Amazon Linux 2023, which has glibc 2.34."""
GZIP_LEVEL = 4
"""Little larger than 6, and half the time."""


@dataclass(frozen=True, slots=True)
class Package:
    """An archive for a cluster; `digest` is the SHA-256 of what is in it, before it is compressed."""

    data: bytes
    digest: str
    python: str
    arch: str

    @property
    def name(self) -> str:
        """Name of the object that holds it; the same content has the same name."""
        return f"packages/shipment-etl-py{self.python}-{self.arch}-{self.digest}.tar.gz"


def build(python: str, arch: str, more: Iterable[str] = ()) -> Package:
    """Build the package.

    Args:
        python: of the cluster, such as 3.11.
        arch: of its processors: x86_64 or aarch64.
        more: distributions to add, such as plugins of your own; they must be installed here.

    Raises:
        PackageFailed: a distribution is not installed here, or has no wheel for the cluster.
    """
    with tempfile.TemporaryDirectory(prefix="shipment-etl-") as folder:
        wheels = Path(folder)
        bought: list[str] = []
        own: list[str] = []
        for each in needed([ROOT, *more], python, arch):
            source = _source(each)
            (own if source else bought).append(source or f"{each.metadata['Name']}=={each.version}")
        tags = [f"--platform={platform}_{arch}" for platform in PLATFORMS]
        version = ["--implementation=cp", f"--python-version={python}"]
        if bought:
            _pip("download", ["--only-binary=:all:", *version, *tags, f"--dest={wheels}", *bought])
        if own:
            _pip("wheel", [f"--wheel-dir={wheels}", *own])
        data, digest = archive(sorted(wheels.glob("*.whl"), key=lambda wheel: wheel.name))
    return Package(data, digest, python, arch)


def needed(roots: Iterable[str], python: str, arch: str) -> list[Distribution]:
    """Return the installed distributions that some need on a cluster, by name.

    Raises:
        PackageFailed: one is not installed here.
    """
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "platform_machine": arch,
        "platform_system": "Linux",
        "sys_platform": "linux",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    found: dict[str, Distribution] = {}
    asked: list[tuple[Requirement, tuple[str, ...]]] = [
        (Requirement(root), EXTRAS if canonicalize_name(root) == ROOT else ()) for root in roots
    ]
    seen = set()
    while asked:
        requirement, extras = asked.pop()
        name = canonicalize_name(requirement.name)
        key = (name, tuple(sorted(extras)))
        if name in LEFT_OUT or key in seen:
            continue
        seen.add(key)
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            raise PackageFailed(f"to find {name}", "it is not installed here. Install it, then build again.") from None
        for line in found[name].requires or ():
            other = Requirement(line)
            if other.marker is None or any(
                other.marker.evaluate({**environment, "extra": extra}) for extra in ("", *extras)
            ):
                asked.append((other, tuple(other.extras)))
    return [found[name] for name in sorted(found)]


def archive(wheels: Iterable[Path]) -> tuple[bytes, str]:
    """Return wheels unpacked into one gzipped tar, without times and owners; and the SHA-256 of the tar."""
    files = dict(sorted(file for wheel in wheels for file in _unpacked(wheel)))
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, io.BytesIO(data))
    digest = hashlib.sha256(plain.getvalue()).hexdigest()
    return gzip.compress(plain.getvalue(), GZIP_LEVEL, mtime=0), digest


def _unpacked(wheel: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(wheel) as source:
        for name in source.namelist():
            kind = name.split("/")[1] if ".data/" in name.split("/", 1)[0] + "/" else ""
            if name.endswith("/") or (kind and kind not in ("purelib", "platlib")):
                continue
            # A file's place when it is installed.
            yield (name.split("/", 2)[2] if kind else name), source.read(name)


def _source(each: Distribution) -> str:
    """Return where a distribution was installed from, if that is no index."""
    told = each.read_text("direct_url.json")
    return str(json.loads(told)["url"]) if told else ""


def _pip(command: str, arguments: list[str]) -> None:
    call = [sys.executable, "-m", "pip", command, "--no-deps", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(call, capture_output=True, text=True, check=False)  # noqa: S603  # no shell, and our own words
    if done.returncode != 0:
        raise PackageFailed(f"pip {command}", done.stderr or done.stdout)
