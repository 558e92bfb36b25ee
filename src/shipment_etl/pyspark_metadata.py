"""Package metadata for a PySpark without it, such as the one that spark-submit puts on the path of a cluster.

A Spark installation contains PySpark as plain files, without the `dist-info` that pip writes. Libraries that ask
`importlib.metadata` for its version, as pandera does before it patches numpy 2 for PySpark 3.5, then treat it as not
installed. The version is read from PySpark itself.
"""

import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, DistributionFinder, PackageNotFoundError, distribution
from os import PathLike
from pathlib import Path

import pyspark

__all__ = ["provide"]

NAME = "pyspark"
ANY = DistributionFinder.Context()


class _PySpark(Distribution):
    """The distribution of the PySpark that is imported."""

    def read_text(self, filename: str) -> str | None:
        return f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {pyspark.__version__}\n" if filename == "METADATA" else None

    def locate_file(self, path: str | PathLike[str]) -> Path:
        return Path(pyspark.__file__).parent.parent / path


class _Finder(DistributionFinder):
    """Finds only PySpark's distribution."""

    def find_spec(self, *_: object) -> None:
        """Find no modules."""

    def find_distributions(self, context: DistributionFinder.Context = ANY) -> Iterable[Distribution]:
        return [_PySpark()] if context.name in (None, NAME) else []


def provide() -> None:
    """Make the PySpark of this process known to `importlib.metadata`, unless it is already."""
    try:
        distribution(NAME)
    except PackageNotFoundError:
        sys.meta_path.append(_Finder())
