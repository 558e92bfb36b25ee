"""The package for a cluster: everything it needs of Python, for its own Python and processor, as one archive.

What the cluster brings itself (pyspark) and what only laptops need (pysail) stays out. The same wheels give the same bytes.
"""

import gzip
import hashlib
import io
import os
import subprocess  # nosec B404 # runs this Python's pip
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from shipment_etl_emr.distributions import Contents, contents_of
from shipment_etl_emr.errors import PackageFailed

__all__ = ["FOLDER", "Package", "archive", "build"]

FOLDER = "SHIPMENT_ETL_PACKAGES"
"""Environment variable: a folder with packages that were built before, as the images have one."""
PLATFORMS = ("manylinux2014", *(f"manylinux_2_{glibc}" for glibc in range(17, 35)))
"""Wheels that run on Amazon Linux 2023, which has glibc 2.34."""
GZIP_LEVEL = 4
"""Little larger than 6, and half the time."""
MAX_CACHED = 4
"""Packages that the cache keeps: two Pythons or processors, each as it was before and after a change."""
PIP = ("--no-deps", "--quiet", "--disable-pip-version-check", "--retries=2", "--timeout=15")
"""A host without internet is to find out within a minute."""


@dataclass(frozen=True, slots=True)
class Package:
    """An archive for a cluster; `digest` is the SHA-256 of what is in it, before it is compressed."""

    data: bytes
    digest: str
    python: str
    arch: str

    @property
    def file_name(self) -> str:
        """Name of a file that holds it; the same content has the same name."""
        return f"shipment-etl-py{self.python}-{self.arch}-{self.digest}.tar.gz"

    @property
    def name(self) -> str:
        """Name of the object that holds it."""
        return f"packages/{self.file_name}"


def build(python: str, arch: str, more: Iterable[str] = (), environ: Mapping[str, str] = os.environ) -> Package:
    """Return the package: one that was built before, if it holds the same, else one that is built now and kept.

    Args:
        python: of the cluster, such as 3.11.
        arch: of its processors: x86_64 or aarch64.
        more: distributions to add, such as plugins of your own; they must be installed here.
        environ: with SHIPMENT_ETL_PACKAGES, the folder that is looked into first, and where the user's cache is.

    Raises:
        PackageFailed: a distribution is not installed here, or has no wheel for the cluster.
    """
    more = tuple(more)
    if not more and (ready := _read(environ.get(FOLDER), python, arch)):
        return ready
    contents = contents_of(python, arch, more)
    cache = Path(environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "shipment_etl" / "packages"
    folder = cache / f"{python}-{arch}-{contents.key}"
    if ready := _read(folder, python, arch):
        return ready
    made = _assemble(contents, python, arch)
    _keep(made, folder)
    return made


def _assemble(contents: Contents, python: str, arch: str) -> Package:
    with tempfile.TemporaryDirectory(prefix="shipment-etl-") as folder:
        wheels = Path(folder)
        tags = [f"--platform={platform}_{arch}" for platform in PLATFORMS]
        target = ["--only-binary=:all:", "--implementation=cp", f"--python-version={python}", *tags, f"--dest={wheels}"]
        lock = wheels / "requirements.txt"
        lock.write_text("\n".join(contents.locked))
        _pip("download", ["--require-hashes", *target, f"--requirement={lock}"])
        if contents.released:
            _pip("download", [*target, *contents.released])
        _pip("wheel", [f"--wheel-dir={wheels}", *contents.sources])
        data, digest = archive(sorted(wheels.glob("*.whl"), key=lambda wheel: wheel.name))
    return Package(data, digest, python, arch)


def archive(wheels: Iterable[Path]) -> tuple[bytes, str]:
    """Return wheels unpacked into one gzipped tar, without times and owners; and the SHA-256 of the tar."""
    files = dict(sorted(file for wheel in wheels for file in _unpack(wheel)))
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, io.BytesIO(data))
    digest = hashlib.sha256(plain.getvalue()).hexdigest()
    return gzip.compress(plain.getvalue(), GZIP_LEVEL, mtime=0), digest


def _unpack(wheel: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(wheel) as source:
        for name in source.namelist():
            kind = name.split("/")[1] if ".data/" in name.split("/", 1)[0] + "/" else ""
            if name.endswith("/") or (kind and kind not in ("purelib", "platlib")):
                continue
            # A file's place when it is installed.
            yield (name.split("/", 2)[2] if kind else name), source.read(name)


def _read(folder: Path | str | None, python: str, arch: str) -> Package | None:
    """Return the package for a cluster that a folder holds, if there is one."""
    found = sorted(Path(folder).glob(f"shipment-etl-py{python}-{arch}-*.tar.gz")) if folder else []
    if not found:
        return None
    digest = found[-1].name.removesuffix(".tar.gz").rpartition("-")[2]
    # So that it counts as used last.
    if os.access(found[-1].parent, os.W_OK):
        found[-1].parent.touch()
    return Package(found[-1].read_bytes(), digest, python, arch)


def _keep(package: Package, folder: Path) -> None:
    """Put a package into the cache, and take out what was not used for the longest time."""
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".{os.getpid()}"
    aside.write_bytes(package.data)
    aside.replace(folder / package.file_name)
    others = sorted(folder.parent.iterdir(), key=lambda each: each.stat().st_mtime, reverse=True)
    for each in others[MAX_CACHED:]:
        for file in each.iterdir():
            file.unlink(missing_ok=True)
        each.rmdir()


def _pip(command: str, arguments: list[str]) -> None:
    call = [sys.executable, "-m", "pip", command, *PIP, *arguments]
    done = subprocess.run(call, capture_output=True, text=True, check=False)  # nosec B603 # no shell, and our own words
    if done.returncode != 0:
        raise PackageFailed(f"pip {command}", done.stderr or done.stdout)
