"""The commands `shipment-etl emr …`: each parses, makes one call, prints. Orchestrators can call them one by one."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from datetime import date as Date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from shipment_etl.cli.option_groups import DateOptions, OutputOptions, expand_options
from shipment_etl.cli.options import LakeOption
from shipment_etl.cli.terminal import echo
from shipment_etl_emr.errors import SettingMissing, TargetUnfit
from shipment_etl_emr.options import (
    ClusterArgument,
    JobArgument,
    JobName,
    MoreArgument,
    PackageOption,
    RunOption,
    ScriptOption,
    ServiceOptions,
    StepArgument,
    TimeoutOption,
)
from shipment_etl_emr.printing import print_outcome, print_progress, print_result
from shipment_etl_emr.settings import s3_parts

if TYPE_CHECKING:
    from shipment_etl_emr.clusters import Clusters
    from shipment_etl_emr.runner import EmrRunner
    from shipment_etl_emr.service import Service
    from shipment_etl_emr.target import Job

__all__ = ["app"]

# Modules that import boto3 are imported where they are used, so that --help and usage errors answer at once.

app = typer.Typer(
    help="Run jobs on Amazon EMR: temporary clusters, always terminated.", no_args_is_help=True, add_completion=False
)


SCRIPTS = {JobName.generate: "spark/data_generation.py", JobName.process: "spark/pyspark_app.py"}
NO_SCRIPT = "Run from the folder that holds spark/, or name one with --script FILE or s3://…."
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command()
@expand_options
def check(
    *,
    lake: LakeOption = "",
    package: PackageOption = None,
    aws: ServiceOptions,
    options: OutputOptions,
) -> None:
    """Check everything a run needs, without starting anything; each problem is reported with a fix."""
    from shipment_etl_emr.checks import check_service
    from shipment_etl_emr.checks.table import print_checks

    checks = check_service(aws.open, lake or None, package, tuple(SCRIPTS.values()), packaged=not aws.local)
    print_checks(checks, options.as_json)
    if any(each.state == "red" for each in checks):
        raise typer.Exit(1)


@app.command(context_settings=PASSED_ON)
@expand_options
def run(
    *,
    job: JobArgument,
    lake: LakeOption = "",
    more: MoreArgument = None,
    batch: DateOptions,
    run: RunOption = None,
    script: ScriptOption = None,
    package: PackageOption = None,
    timeout: TimeoutOption = 180,
    aws: ServiceOptions,
    options: OutputOptions,
) -> None:
    """Run a job on its own cluster, and always terminate the cluster."""
    from shipment_etl_emr.errors import RunStopped
    from shipment_etl_emr.signals import Stopped

    service = aws.open()
    wanted = _job(service, job, lake, more or [], batch, run, script, package)
    try:
        with _runner(service, wanted.run) as runner:
            outcome = runner.run(wanted, timeout * 60)
    except Stopped as stopped:
        raise RunStopped(wanted.run, stopped.number) from stopped
    print_outcome(outcome, options.as_json)


@app.command()
@expand_options
def create(
    *,
    run: RunOption = None,
    lake: Annotated[
        str | None, typer.Option("--lake", metavar="URI", help="Lake to check before a cluster is created.")
    ] = None,
    package: PackageOption = None,
    aws: ServiceOptions,
    options: OutputOptions,
) -> None:
    """Create a cluster that accepts steps and terminates when idle; prints its ID."""
    if lake is not None:
        s3_parts(lake, "--lake")
    service = aws.open()
    clusters = _clusters(service)
    service.check(lake)
    name = run or _run_id("cluster")
    cluster = clusters.create(name, service.upload_bootstrap(), service.package(package))
    print_result({"run": name, "cluster": cluster}, options.as_json, cluster)


@app.command(context_settings=PASSED_ON)
@expand_options
def submit(
    *,
    cluster: ClusterArgument,
    job: JobArgument,
    lake: LakeOption = "",
    more: MoreArgument = None,
    batch: DateOptions,
    run: RunOption = None,
    script: ScriptOption = None,
    package: PackageOption = None,
    aws: ServiceOptions,
    options: OutputOptions,
) -> None:
    """Add a job to a cluster as a step without waiting for it; prints the step's ID."""
    service = aws.open()
    clusters = _clusters(service)
    # The cluster already has its package.
    wanted = _job(service, job, lake, more or [], batch, run, script, package or "")
    place = clusters.submit(cluster, wanted)
    print_result({"run": wanted.run, "cluster": place.cluster, "step": place.step}, options.as_json, place.step)


@app.command()
@expand_options
def wait(
    *,
    cluster: ClusterArgument,
    step: StepArgument,
    job: Annotated[JobName, typer.Option("--job", metavar="JOB", help="What the step runs: generate or process.")],
    reports: Annotated[
        int | None, typer.Option(help="Number of run reports that the step must print; at least one if not given.")
    ] = None,
    timeout: TimeoutOption = 180,
    aws: ServiceOptions,
    options: OutputOptions,
) -> None:
    """Wait for a step and verify its report; the cluster keeps running."""
    from shipment_etl_emr.target import Job, Place

    service = aws.open()
    wanted = Job(step, job.value, "", (), "", reports=reports)
    with _runner(service, step) as runner:
        outcome = runner.wait(wanted, Place(cluster, step), timeout * 60)
    print_outcome(outcome, options.as_json)


@app.command()
@expand_options
def cancel(
    *,
    cluster: ClusterArgument,
    step: StepArgument,
    aws: ServiceOptions,
    options: OutputOptions,
) -> None:
    """Cancel a step; its cluster keeps running."""
    from shipment_etl_emr.target import Place

    target, place = aws.open().target, Place(cluster, step)
    target.cancel(place)
    print_progress(target.look(place), options.as_json)


@app.command()
@expand_options
def terminate(
    *,
    cluster: ClusterArgument,
    aws: ServiceOptions,
    options: OutputOptions,
) -> None:
    """Terminate a cluster and wait for its end; one that has ended is left alone."""
    state = _clusters(aws.open()).end_cluster(cluster)
    print_result({"cluster": cluster, "cluster_state": state}, options.as_json, f"{cluster} {state}")


@app.command()
@expand_options
def status(
    *,
    cluster: ClusterArgument,
    step: Annotated[str, typer.Argument(metavar="[STEP]", help="ID of the step; by default our first one.")] = "",
    aws: ServiceOptions,
    options: OutputOptions,
) -> None:
    """Show the state of a cluster and its step."""
    from shipment_etl_emr.target import Place

    print_progress(aws.open().target.look(Place(cluster, step)), options.as_json)


@app.command()
@expand_options
def logs(
    *,
    cluster: ClusterArgument,
    step: StepArgument,
    file: Annotated[str, typer.Option(help="stderr, stdout, controller or syslog.")] = "stderr",
    aws: ServiceOptions,
    options: OutputOptions,
) -> None:
    """Print a log of a step, as far as it has arrived."""
    from shipment_etl_emr.target import Place

    service, place = aws.open(), Place(cluster, step)
    folder = service.target.logs_at(place)
    text = service.logs.text(folder, file)
    print_result({"cluster": cluster, "step": step, "file": f"{folder}{file}.gz", "text": text}, options.as_json, text)


@app.command()
@expand_options
def ui(
    *,
    cluster: ClusterArgument,
    step: Annotated[str, typer.Argument(metavar="[STEP]", help="ID of the job run, if serverless.")] = "",
    aws: ServiceOptions,
    options: OutputOptions,
) -> None:
    """Print a link to the Spark UI; anyone with the link can open it, so it is printed only to a terminal."""
    from shipment_etl_emr.errors import LinkExposed
    from shipment_etl_emr.target import Place

    if not sys.stdout.isatty():
        raise LinkExposed
    echo(aws.open().target.ui(Place(cluster, step)))


@app.command()
@expand_options
def reap(
    *,
    run: Annotated[
        str | None, typer.Option("--run", metavar="ID", help="Terminate clusters of this run, whatever their age.")
    ] = None,
    prefix: Annotated[str, typer.Option(metavar="TEXT", help="Only clusters of runs whose name starts with this.")] = "",
    dry: Annotated[bool, typer.Option("--dry-run", help="Only list them.")] = False,
    aws: ServiceOptions,
    options: OutputOptions,
) -> None:
    """Terminate our clusters that are older than their maximum age."""
    clusters = _clusters(aws.open())
    for each in clusters.reap(run, prefix=prefix, dry=dry):
        created = datetime.fromtimestamp(each.created, UTC).isoformat(timespec="seconds")
        told = {"cluster": each.name, "run": each.run, "created": created, "ended": not dry}
        print_result(told, options.as_json, f"{each.name} of {each.run}, created {created}")


@app.command()
@expand_options
def package(
    *,
    more: Annotated[
        list[str] | None, typer.Option("--with", metavar="NAME", help="Another distribution to include, as a plugin.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Write it to this folder; do not upload it.")] = None,
    python: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Python of the cluster, as 3.11; by default from the settings.")
    ] = None,
    arch: Annotated[
        str | None, typer.Option(metavar="ARCH", help="x86_64 or aarch64; by default from the settings.")
    ] = None,
    aws: ServiceOptions,
    options: OutputOptions,
) -> None:
    """Build the cluster's Python environment, upload it if it is new, and print its URI."""
    from shipment_etl_emr.package import build

    if python is None or arch is None:
        wanted = aws.read_settings()
        python, arch = python or wanted.known_release.python, arch or wanted.arch
    made = build(python, arch, more or ())
    if out is not None:
        file = out / made.file_name
        out.mkdir(parents=True, exist_ok=True)
        file.write_bytes(made.data)
        uri, new = str(file), True
    else:
        service = aws.open()
        service.check()
        uri, new = service.upload_package(made)
    print_result({"package": uri, "new": new, "bytes": len(made.data), "sha256": made.digest}, options.as_json, uri)


def _clusters(service: "Service") -> "Clusters":
    if service.settings.target != "cluster":
        raise TargetUnfit("EMR Serverless", "clusters", "emr run, wait, status, logs and cancel")
    return service.clusters


@contextmanager
def _runner(service: "Service", run: str) -> "Iterator[EmrRunner]":
    from shipment_etl_emr.live import show_live
    from shipment_etl_emr.runner import EmrRunner

    with show_live(run) as watch:
        yield EmrRunner(service.target, service.logs, service.timing, watch)


def _job(
    service: "Service",
    name: JobName,
    lake: str,
    more: Sequence[str],
    batch: DateOptions,
    run: str | None,
    script: str | None,
    package: str | None,
) -> "Job":
    """Return the job to run, after all checks; `package` is empty if the cluster already has one."""
    from shipment_etl_emr.requests import check_length
    from shipment_etl_emr.target import Job

    days = batch.days()
    lake = lake or service.lake or ""
    if not lake:
        raise SettingMissing("lake", "Give one with --lake s3://…, or set SHIPMENT_ETL_LAKE.")
    s3_parts(lake, "--lake")
    if name is JobName.generate and not days:
        # Pinned here, so that a retry after midnight means the same day.
        days = [Date.today()]
    when = ["--from", str(days[0]), "--to", str(days[-1])] if batch.first else ["--date", str(days[0])] if days else []
    # Of a range, only landed days are processed, and their number is not known here.
    reports = None if name is JobName.process and not batch.date else max(len(days), 1)
    arguments = ("--lake", lake, *when, *more)
    wanted = Job(run or _run_id(name.value), name.value, "", arguments, "", reports=reports)
    check_length(arguments)
    service.check(lake)
    uri = service.storage.script(service.settings.code, script or SCRIPTS[name], NO_SCRIPT)
    if package == "":
        return Job(wanted.run, wanted.name, uri, arguments, "", reports=reports)
    return Job(wanted.run, wanted.name, uri, arguments, service.package(package), service.upload_bootstrap(), reports)


def _run_id(what: str) -> str:
    return f"{what}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:8]}"
