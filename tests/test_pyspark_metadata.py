"""PySpark without package metadata, as on a cluster: libraries that ask for its version still get it."""

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pyspark
import pytest

from shipment_etl import pyspark_metadata
from shipment_etl.engines.java import versions_that_fit

# PySpark without its metadata, in a Python that finds the metadata of everything else.
WITHOUT = """
import importlib.metadata as metadata, sys
find = metadata.MetadataPathFinder.find_distributions
metadata.MetadataPathFinder.find_distributions = classmethod(
    lambda cls, context=metadata.DistributionFinder.Context(): (
        each for each in find(context) if context.name != "pyspark" and each.name != "pyspark"
    )
)
try:
    metadata.version("pyspark")
except metadata.PackageNotFoundError:
    print("none")
"""


def run(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", WITHOUT + code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.split()


def test_every_module_of_a_step_imports_without_it() -> None:
    code = """
import shipment_etl.jobs.generate, shipment_etl.jobs.process, shipment_etl.cli.main, shipment_etl.lake.lake
import shipment_etl.engines.registry, shipment_etl.engines.java
print(metadata.version("pyspark"), *shipment_etl.engines.java.versions_that_fit())
"""
    assert run(code) == ["none", pyspark.__version__, *map(str, versions_that_fit())]


def test_existing_metadata_is_left_alone() -> None:
    before = list(sys.meta_path)
    pyspark_metadata.provide()
    assert sys.meta_path == before
    assert version("pyspark") == pyspark.__version__


def test_it_provides_only_pyspark() -> None:
    finder = pyspark_metadata._Finder()
    (found,) = finder.find_distributions(pyspark_metadata.DistributionFinder.Context(name="pyspark"))
    assert found.version == pyspark.__version__
    assert Path(str(found.locate_file("pyspark"))).is_dir()
    assert not list(finder.find_distributions(pyspark_metadata.DistributionFinder.Context(name="numpy")))
    with pytest.raises(PackageNotFoundError):
        version("no-such-distribution")
