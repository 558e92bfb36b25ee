"""Distributions: the contents of a package for a cluster.

Third-party distributions come from a lock file, our own from where it was installed. The lock file is
`cluster-requirements.txt`, exported from the project's lock by `make lock`. It has versions and hashes for every supported
Python, so that any of them can build the same package.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from shipment_etl_emr.errors import PackageFailed

__all__ = ["Contents", "contents_of", "read_lock"]

ROOT = "shipment-etl"
LOCK = "cluster-requirements.txt"
CLUSTER_HAS = frozenset({"py4j", "pyspark", "pysail"})
"""Distributions that a cluster already has, and the engine that only laptops need."""
NOT_SOURCE = frozenset({"__pycache__", "build", "dist"})


@dataclass(frozen=True, slots=True)
class Contents:
    """Contents of a package.

    Attributes:
        locked: pip requirements from the lock, each a version with its hashes.
        released: pip requirements of distributions that are not in the lock: name==version, as installed here.
        sources: origins of distributions that are not on an index, as pip accepts them.
    """

    locked: tuple[str, ...]
    released: tuple[str, ...]
    sources: tuple[str, ...]

    @property
    def key(self) -> str:
        """A digest of all contents, including the files of source folders."""
        parts = [*self.locked, *self.released, *(f"{source} {_digest_source(source)}" for source in self.sources)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def contents_of(python: str, arch: str, more: Iterable[str] = ()) -> Contents:
    """Return the contents of a package.

    Args:
        python: Python version of the cluster, such as 3.11.
        arch: architecture of its processors: x86_64 or aarch64.
        more: distributions to add, such as your plugins; they must be installed here.

    Raises:
        PackageFailed: a distribution is not installed here.
    """
    environment = _environment(python, arch)
    pinned = read_lock(environment)
    released, sources = [], []
    for each in _find_own(more, environment, pinned.keys() | CLUSTER_HAS):
        if source := _source_of(each):
            sources.append(source)
        else:
            released.append(f"{each.metadata['Name']}=={each.version}")
    return Contents(tuple(pinned[name] for name in sorted(pinned)), tuple(released), tuple(sources))


def read_lock(environment: dict[str, str]) -> dict[str, str]:
    """Return the lock's lines for a cluster, by canonical name; `environment` has its values for markers."""
    text = files("shipment_etl_emr").joinpath(LOCK).read_text("utf-8")
    found: dict[str, str] = {}
    for line in text.replace("\\\n", " ").splitlines():
        pinned, _, hashes = line.partition(" --hash=")
        if not pinned.strip() or pinned.startswith("#"):
            continue
        requirement = Requirement(pinned)
        # pip would evaluate markers for the Python that it runs on.
        if requirement.marker is None or requirement.marker.evaluate(environment):
            found[canonicalize_name(requirement.name)] = f"{requirement.name}{requirement.specifier} --hash={hashes}"
    return found


def _environment(python: str, arch: str) -> dict[str, str]:
    return {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "platform_machine": arch,
        "platform_system": "Linux",
        "sys_platform": "linux",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }


def _find_own(more: Iterable[str], environment: dict[str, str], known: Iterable[str]) -> Iterator[Distribution]:
    """Yield our own distribution and `more`, with their dependencies that are not `known`, sorted by name."""
    found: dict[str, Distribution] = {ROOT: _find_distribution(ROOT)}
    seen = set(known)
    asked: list[tuple[Requirement, tuple[str, ...]]] = [(Requirement(name), ()) for name in more]
    while asked:
        requirement, extras = asked.pop()
        name = canonicalize_name(requirement.name)
        key = f"{name}[{','.join(sorted(extras))}]"
        if name in seen or key in seen or name == ROOT:
            continue
        seen.add(key)
        found[name] = _find_distribution(name)
        for line in found[name].requires or ():
            other = Requirement(line)
            if other.marker is None or any(
                other.marker.evaluate({**environment, "extra": extra}) for extra in ("", *extras)
            ):
                asked.append((other, tuple(other.extras)))
    yield from (found[name] for name in sorted(found))


def _find_distribution(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError:
        raise PackageFailed(f"finding {name}", "it is not installed here. Install it, then build again.") from None


def _source_of(each: Distribution) -> str:
    """Return the origin of a distribution, as pip accepts it; empty if it was installed from an index."""
    recorded = each.read_text("direct_url.json")
    if not recorded:
        return ""
    origin: dict[str, Any] = json.loads(recorded)
    url = str(origin["url"])
    if version_control := origin.get("vcs_info"):
        url = f"{version_control['vcs']}+{url}@{version_control['commit_id']}"
    return url + (f"#subdirectory={origin['subdirectory']}" if origin.get("subdirectory") else "")


def _digest_source(source: str) -> str:
    """Return a digest of a source's files; empty if its address already names a revision."""
    if not source.startswith("file:"):
        return ""
    place = Path(unquote(urlsplit(source).path))
    digest = hashlib.sha256()
    if place.is_file():
        digest.update(place.read_bytes())
    for file in sorted(_source_files(place)):
        digest.update(f"{file.relative_to(place)}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _source_files(folder: Path) -> Iterator[Path]:
    # In the src layout, files outside src, such as tests and docs, do not affect the wheel.
    roots = [folder / "src"] if (folder / "src").is_dir() else [folder]
    yield from (file for file in (folder / "pyproject.toml", folder / "README.md") if file.is_file() and roots != [folder])
    for root in roots:
        for file in root.rglob("*"):
            parts = file.relative_to(folder).parts
            if file.is_file() and not any(part in NOT_SOURCE or part.startswith(".") for part in parts):
                yield file
