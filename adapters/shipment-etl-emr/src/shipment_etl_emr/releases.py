"""EMR releases: which Spark, Delta and Python versions each has, and which of these Pythons can import the package."""

from dataclasses import dataclass
from importlib.metadata import metadata

from shipment_etl_emr.errors import ReleaseUnfit

__all__ = ["RELEASES", "Release", "release"]


@dataclass(frozen=True, slots=True)
class Release:
    """An EMR release: its versions, with Pythons oldest first; `python` is the one to run the package on."""

    label: str
    spark: str
    delta: str
    pythons: tuple[str, ...]
    python: str = ""

    @property
    def interpreter(self) -> str:
        """Path of the Python on every node."""
        return f"/usr/bin/python{self.python}"


RELEASES = {each.label: each for each in (Release("emr-7.13.0", "3.5.6", "3.3.2", ("3.9", "3.11")),)}
"""Only releases whose Spark and Delta the tests run on: a wrong guess would cost a cluster."""

OLDER = {"emr-5.": ("2.7", "3.7"), "emr-6.": ("2.7", "3.7")}


def release(label: str, requires: str | None = None) -> Release:
    """Return the release of a label, with the Python to use.

    Args:
        label: as AWS writes it, such as emr-7.13.0.
        requires: the Pythons that the package supports, such as >=3.11,<3.13; None reads it from the installed package.

    Raises:
        ReleaseUnfit: the release is unknown, or none of its Pythons can import the package.
    """
    needed = requires or str(metadata("shipment-etl")["Requires-Python"])
    fit = [each.label for each in RELEASES.values() if _find_fitting(each.pythons, needed)]
    known = RELEASES.get(label)
    if known is None:
        pythons = next((pythons for line, pythons in OLDER.items() if label.startswith(line)), None)
        if pythons is None:
            raise ReleaseUnfit(label, "its versions of Python and Spark are unknown", fit)
        raise ReleaseUnfit(label, _explain(pythons, needed), fit)
    fitting = _find_fitting(known.pythons, needed)
    if not fitting:
        raise ReleaseUnfit(label, _explain(known.pythons, needed), fit)
    # The oldest that fits, so that one package serves as many releases as possible.
    return Release(known.label, known.spark, known.delta, known.pythons, fitting[0])


def _find_fitting(pythons: tuple[str, ...], needed: str) -> list[str]:
    from packaging.specifiers import SpecifierSet

    return [python for python in pythons if SpecifierSet(needed).contains(python)]


def _explain(pythons: tuple[str, ...], needed: str) -> str:
    return f"it has Python {' and '.join(pythons)}, and the package needs {needed}"
