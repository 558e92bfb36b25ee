"""The doctor: checks this machine, and suggests a fix for each problem."""

import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from shlex import quote

from packaging.requirements import Requirement

from shipment_etl.cli.rendering import describe_batches, print_json_lines
from shipment_etl.cli.terminal import console
from shipment_etl.errors import ShipmentEtlError

__all__ = ["Finding", "examine", "print_findings"]

ANY_REGION = "us-east-1"
"""The AWS identity is the same in every region; this one is used if none is configured."""

SIGNS = {"green": "✔", "yellow": "!", "red": "✘"}
PYTHONS = ((3, 11), (3, 12), (3, 13))
PAIRS = {"3.5": ("3.2", "3.3"), "4.0": ("4.0",), "4.1": ("4.1",)}
"""Minor version of pyspark → those of delta-spark that were built for it."""
INSTALL_PAIR = "pip install pyspark==3.5.6 delta-spark==3.3.2"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: green is fine, yellow may matter, red will fail. `remedy` is empty if it is fine."""

    what: str
    state: str
    found: str
    remedy: str = ""


def examine(lake: str | None) -> list[Finding]:
    """Check Python, packages, the engines, AWS, and a lake if one is given."""
    on_s3 = lake is not None and lake.startswith("s3://")
    machine = [_python(), *_packages(), _pair(), _engine(), *_java(), _aws(wanted=on_s3)]
    return [*machine, *([] if lake is None else [_lake(lake)])]


def print_findings(findings: list[Finding], as_json: bool) -> None:
    """Print findings as text or as JSON lines."""
    if as_json:
        print_json_lines(asdict(finding) for finding in findings)
        return
    shown = console()
    for finding in findings:
        shown.print(f"{SIGNS[finding.state]} {finding.what}: {finding.found}", style=finding.state, markup=False)
        if finding.remedy:
            shown.print(f"  → {finding.remedy}", markup=False)


def _python() -> Finding:
    found = platform.python_version()
    if sys.version_info[:2] in PYTHONS:
        return Finding("Python", "green", found)
    return Finding("Python", "red", found, "Use Python 3.11, 3.12 or 3.13.")


def _packages() -> Iterator[Finding]:
    if find_spec("pyspark"):
        from shipment_etl.pyspark_metadata import provide

        provide()
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
    except Exception as problem:  # any error at the start of the engine is the finding
        return Finding("Engine sail", "red", f"does not start: {problem}"[:300], "pip install --force-reinstall pysail")
    return Finding("Engine sail", "green" if rows == 3 else "red", f"compatible with Spark {spark.version}")


def _pair() -> Finding:
    what = "pyspark and delta-spark"
    try:
        spark, delta = version("pyspark"), version("delta-spark")
    except PackageNotFoundError as missing:
        return Finding(what, "red", f"{missing.name} is not installed", INSTALL_PAIR)
    fitting = PAIRS.get(_minor(spark), ())
    if _minor(delta) in fitting:
        return Finding(what, "green", f"{spark} and {delta}")
    remedy = f"pip install 'delta-spark=={fitting[-1]}.*'" if fitting else INSTALL_PAIR
    return Finding(what, "red", f"{spark} and {delta} are not compatible", remedy)


def _minor(release: str) -> str:
    return ".".join(release.split(".")[:2])


def _java() -> Iterator[Finding]:
    """Check Java; only the engine spark needs it, so yellow at worst."""
    from shipment_etl.engines.jars import delta_artifact, find_jars
    from shipment_etl.engines.java import find_java

    try:
        yield Finding("Java for engine spark", "green", str(find_java()))
    except ShipmentEtlError as missing:
        yield Finding("Java for engine spark", "yellow", missing.message.rstrip("."), missing.remedy)
    what = "Jars for engine spark"
    try:
        jars = find_jars()
    except ShipmentEtlError as problem:
        yield Finding(what, "yellow", problem.message.rstrip("."), problem.remedy)
        return
    if jars:
        yield Finding(what, "green", f"{delta_artifact()} in {jars[0].parent}")
    else:
        remedy = "The first session fetches them: shipment-etl demo --days 1 --rows 1000 --engine spark"
        yield Finding(what, "yellow", f"{delta_artifact()} is not in the cache", remedy)


def _aws(*, wanted: bool) -> Finding:
    """Check the AWS identity; AWS is called only if there are boto3 and credentials."""
    what, state = "AWS identity", "yellow" if wanted else "green"
    if not find_spec("boto3"):
        return Finding(what, state, "not checked: boto3 is not installed", "pip install boto3" if wanted else "")
    try:
        aws = import_module("boto3").Session()
        if aws.get_credentials() is None:
            return Finding(what, state, "not checked: there are no credentials", "aws configure" if wanted else "")
        identity = aws.client(
            "sts", region_name=os.environ.get("AWS_REGION") or aws.region_name or ANY_REGION
        ).get_caller_identity()
    except Exception as problem:  # any error is the finding
        return Finding(what, "red" if wanted else "yellow", str(problem)[:300], "Renew the credentials, or unset them.")
    return Finding(what, "green", str(identity["Arn"]))


def _lake(uri: str) -> Finding:
    from shipment_etl.lake.lake import Lake
    from shipment_etl.lake.landed import backlog

    what = f"Lake {uri}"
    try:
        lake = Lake(uri)
    except ShipmentEtlError as problem:
        return Finding(what, "red", problem.message.rstrip("."), problem.remedy or "Choose another address.")
    try:
        lake.storage.check_writable()
        there = lake.exists()
    except ShipmentEtlError as problem:
        return Finding(what, "red", problem.message.rstrip("."), problem.remedy)
    if not there:
        return Finding(what, "yellow", "does not exist yet", f"shipment-etl generate --lake {quote(uri)}")
    try:
        tables, left = len(lake.tables()), backlog(lake)
    except ShipmentEtlError as problem:
        return Finding(what, "red", problem.message.rstrip("."), problem.remedy)
    found = f"{tables} tables"
    if left.held:
        found += f"; {describe_batches(left.held, 'held')}"
    if left.waiting:
        found += f"; {describe_batches(left.waiting, 'waiting')}"
        return Finding(what, "yellow", found, f"Process them: shipment-etl process --lake {quote(uri)}")
    if left.held:
        return Finding(what, "yellow", found, f"See why: shipment-etl show quarantine --lake {quote(uri)}")
    return Finding(what, "green", found)
