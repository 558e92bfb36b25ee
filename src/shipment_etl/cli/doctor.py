"""The doctor: looks at this machine, and says for each finding what to do."""

import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement
from rich.console import Console

from shipment_etl.cli.rendering import print_json_lines
from shipment_etl.errors import ShipmentEtlError

__all__ = ["Finding", "examine", "print_findings"]

SIGNS = {"green": "✔", "yellow": "!", "red": "✘"}
PYTHONS = ((3, 11), (3, 12))


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: green is well, yellow may matter, red will fail. `remedy` is empty where well."""

    what: str
    state: str
    found: str
    remedy: str = ""


def examine(lake: str | None) -> list[Finding]:
    """Look at Python, packages, the engine, and a lake if one is given."""
    return [_python(), *_packages(), _engine(), *([_lake(lake)] if lake else [])]


def print_findings(findings: list[Finding], as_json: bool) -> None:
    """Print findings, for people or as JSON lines."""
    if as_json:
        print_json_lines(asdict(finding) for finding in findings)
        return
    console = Console(highlight=False, soft_wrap=True)
    for finding in findings:
        console.print(f"{SIGNS[finding.state]} {finding.what}: {finding.found}", style=finding.state, markup=False)
        if finding.remedy:
            console.print(f"  → {finding.remedy}", markup=False)


def _python() -> Finding:
    found = platform.python_version()
    if sys.version_info[:2] in PYTHONS:
        return Finding("Python", "green", found)
    return Finding("Python", "red", found, "Use Python 3.11 or 3.12: pyspark 3.5 runs on no newer one.")


def _packages() -> Iterator[Finding]:
    for text in requires("shipment-etl") or ():
        needed = Requirement(text)
        if needed.marker is not None and not needed.marker.evaluate():
            continue
        try:
            found = version(needed.name)
        except PackageNotFoundError:
            yield Finding(needed.name, "red", "not installed", f"pip install '{needed.name}{needed.specifier}'")
            continue
        if needed.specifier.contains(found, prereleases=True):
            yield Finding(needed.name, "green", found)
        else:
            yield Finding(needed.name, "red", found, f"pip install '{needed.name}{needed.specifier}'")


def _engine() -> Finding:
    from shipment_etl.sessions import session

    try:
        spark = session("sail")
        rows = spark.range(3).count()
    except Exception as problem:  # whatever an engine says when it does not start is the finding
        return Finding("Engine sail", "red", f"does not start: {problem}"[:300], "pip install --force-reinstall pysail")
    return Finding("Engine sail", "green" if rows == 3 else "red", f"speaks Spark {spark.version}")


def _lake(uri: str) -> Finding:
    from shipment_etl.lake.lake import Lake

    what = f"Lake {uri}"
    try:
        lake = Lake(uri)
    except ShipmentEtlError as problem:
        return Finding(what, "red", str(problem), "Choose another address.")
    try:
        lake.storage.check_writable()
    except ShipmentEtlError as problem:
        found, _, remedy = str(problem).partition(". ")
        return Finding(what, "red", found, remedy)
    if not lake.exists():
        return Finding(what, "yellow", "is not there yet", f"shipment-etl generate --lake {uri}")
    return Finding(what, "green", f"{len(lake.tables())} tables")
