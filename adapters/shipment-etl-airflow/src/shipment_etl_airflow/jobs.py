"""Jobs: what the tasks around a job on EMR do: prepare it before money is spent, and always end it."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from shipment_etl_airflow.connected import connect
from shipment_etl_airflow.errors import ChecksRed, VariableMissing
from shipment_etl_emr import Job, Place
from shipment_etl_emr.checks import check_service
from shipment_etl_emr.requests import check_length
from shipment_etl_emr.settings import s3_parts

__all__ = ["as_job", "check", "end", "prepare"]

SCRIPTS = {"generate": "data_generation.py", "process": "pyspark_app.py"}
LEVELS = {"green": logging.INFO, "yellow": logging.WARNING, "red": logging.ERROR}
"""State of a check → its level in the log."""
NO_SCRIPT = "Put the folder spark/ of the project next to emr.toml."


def as_job(fields: Mapping[str, Any]) -> Job:
    """Return the job that an XCom holds."""
    return Job(**{**fields, "arguments": tuple(fields["arguments"])})


def check(lake: str, settings: str, connection: str, package: str) -> None:
    """Check everything a run needs, and log each finding with its fix; nothing is started.

    Args:
        lake: s3:// URI; empty if none is set.
        settings: file emr.toml.
        connection: ID of a connection of type aws.
        package: s3:// URI of a package; empty if none is set.

    Raises:
        ChecksRed: something is missing.
    """
    scripts = tuple(str(Path(settings).parent / "spark" / name) for name in SCRIPTS.values())
    checks = check_service(lambda: connect(settings, connection), lake or None, package or None, scripts)
    for each in checks:
        fix = f" Fix: {each.fix}" if each.fix else ""
        logging.getLogger(__name__).log(LEVELS[each.state], "%s %s: %s%s", each.state, each.name, each.found, fix)
    if red := [each.name for each in checks if each.state == "red"]:
        raise ChecksRed(red)


def prepare(
    name: str,
    runs: Sequence[str],
    lake: str,
    options: Sequence[str],
    settings: str,
    connection: str,
    package: str,
) -> dict[str, Any]:
    """Check everything that can be checked, end earlier runs, upload what the job needs, and return the job's fields.

    Args:
        name: generate or process.
        runs: names of the run, the newest last; the others were cleared, and their clusters are ended.
        lake: s3:// URI.
        options: more options of the job.
        settings: file emr.toml.
        connection: ID of a connection of type aws.
        package: s3:// URI of a package; if empty, one is built from what is installed here.

    Raises:
        UsageError: something cannot work; no cluster was started.
        EmrError: AWS refused, or did not answer.
    """
    service = connect(settings, connection)
    if not lake:
        raise VariableMissing("shipment_etl_lake", "where the tables are", "s3://my-bucket/shipments")
    s3_parts(lake, "The lake")
    wanted = Job(runs[-1], name, "", ("--lake", lake, *options), "")
    check_length(wanted.arguments)
    service.check(lake)
    for cleared in runs[:-1]:
        service.target.end(cleared, None)
    file = Path(settings).parent / "spark" / SCRIPTS[name]
    script = service.storage.script(service.settings.code, str(file), NO_SCRIPT)
    found = replace(wanted, script=script, package=service.package(package or None), bootstrap=service.upload_bootstrap())
    return {**asdict(found), "arguments": list(found.arguments)}


def end(run: str, place: Mapping[str, str] | None, settings: str, connection: str) -> None:
    """End all clusters of a run, and wait until they have ended.

    Args:
        run: its name.
        place: cluster and step, if they are known; None if it is not known whether there is one, or will be.
        settings: file emr.toml.
        connection: ID of a connection of type aws.

    Raises:
        ClusterMayLive: one was not seen to end.
    """
    target = connect(settings, connection).target
    target.end(run, Place(**place) if place else None, unsure=place is None)
