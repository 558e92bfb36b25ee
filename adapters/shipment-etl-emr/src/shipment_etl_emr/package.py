"""The package for a cluster: all Python distributions it needs, for its Python and processor, as one archive.

It leaves out what the cluster already has (pyspark) and only laptops need (pysail). The same wheels give the same bytes.
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
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from shipment_etl.files import cache_folder
from shipment_etl_emr.distributions import Contents, contents_of
from shipment_etl_emr.errors import PackageFailed

__all__ = ["FOLDER", "Package", "archive", "build", "mark_of"]

FOLDER = "SHIPMENT_ETL_PACKAGES"
"""Environment variable that names a folder of prebuilt packages; our images have one."""
PLATFORMS = ("manylinux2014", *(f"manylinux_2_{glibc}" for glibc in range(17, 35)))
"""Wheels that run on Amazon Linux 2023, which has glibc 2.34."""
GZIP_LEVEL = 4
"""The result is little larger than with level 6, in half the time."""
MAX_CACHED = 4
"""Number of packages in the cache: two Pythons or processors, each before and after a change."""
PIP = ("--no-deps", "--quiet", "--disable-pip-version-check", "--retries=2", "--timeout=15")
"""Few retries, so that a host without internet fails within a minute."""


@dataclass(frozen=True, slots=True)
class Package:
    """An archive for a cluster; `digest` is the SHA-256 of its uncompressed tar."""

    data: bytes
    digest: str
    python: str
    arch: str

    @property
    def file_name(self) -> str:
        """File name; the same content has the same name."""
        return f"shipment-etl{mark_of(self.python, self.arch)}{self.digest}.tar.gz"

    @property
    def name(self) -> str:
        """Name of its object below the code folder in S3."""
        return f"packages/{self.file_name}"


def mark_of(python: str, arch: str) -> str:
    """Return the part of a package's file name that names its Python version and architecture."""
    return f"-py{python}-{arch}-"


def build(python: str, arch: str, more: Iterable[str] = (), environ: Mapping[str, str] = os.environ) -> Package:
    """Return the package: a prebuilt or cached one with the same contents, or else a new one, which is then cached.

    Args:
        python: Python version of the cluster, such as 3.11.
        arch: architecture of its processors: x86_64 or aarch64.
        more: distributions to add, such as your plugins; they must be installed here.
        environ: environment with SHIPMENT_ETL_PACKAGES, the folder that is searched first, and XDG_CACHE_HOME.

    Raises:
        PackageFailed: a distribution is not installed here, or has no wheel for the cluster.
    """
    more = tuple(more)
    if not more and (ready := _read(environ.get(FOLDER), python, arch)):
        return ready
    contents = contents_of(python, arch, more)
    folder = cache_folder(environ) / "packages" / f"{python}-{arch}-{contents.key}"
    if ready := _read(folder, python, arch):
        return ready
    made = _assemble(contents, python, arch)
    # The cache is optional: without it, the package is assembled each time.
    with suppress(OSError):
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
    """Return the wheels unpacked into one gzipped tar without times and owners, and the SHA-256 of the tar."""
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
            # The file's path once installed.
            yield (name.split("/", 2)[2] if kind else name), source.read(name)


def _read(folder: Path | str | None, python: str, arch: str) -> Package | None:
    """Return the package for a cluster from a folder, if there is one."""
    found = sorted(Path(folder).glob(f"*{mark_of(python, arch)}*.tar.gz")) if folder else []
    if not found:
        return None
    digest = found[-1].name.removesuffix(".tar.gz").rpartition("-")[2]
    # Mark it as recently used.
    if os.access(found[-1].parent, os.W_OK):
        found[-1].parent.touch()
    return Package(found[-1].read_bytes(), digest, python, arch)


def _keep(package: Package, folder: Path) -> None:
    """Put a package into the cache, and delete the least recently used ones."""
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
    done = subprocess.run(call, capture_output=True, text=True, check=False)  # nosec B603 # no shell, fixed arguments
    if done.returncode != 0:
        raise PackageFailed(f"pip {command}", done.stderr or done.stdout)
