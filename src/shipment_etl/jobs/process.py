"""The process job: a batch of raw shipments becomes clean shipments, a quarantine, the roll-up and the marts."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date as Date
from typing import Any

from pyspark.sql import SparkSession

from shipment_etl.dates import as_date
from shipment_etl.errors import BatchMissing, DataRejected, InvalidValue, LakeMissing, ReportsTied
from shipment_etl.generator.shipments import SOURCE
from shipment_etl.jobs.batch import load_batch, split_batch
from shipment_etl.jobs.ingest import as_source
from shipment_etl.jobs.marts import update_marts
from shipment_etl.jobs.reports import resolve_reports
from shipment_etl.jobs.roll_up import update_lane_days
from shipment_etl.jobs.work import run_job
from shipment_etl.lake.lake import Lake, LakeAddress, as_lake
from shipment_etl.lake.landed import backlog
from shipment_etl.lake.runs import HELD, PROCESS, RowCounts, Run
from shipment_etl.lake.tables import SHIPMENTS
from shipment_etl.network import Network
from shipment_etl.plugins import Plugins, plugins
from shipment_etl.sessions import session
from shipment_etl.thresholds import MAX_REJECTED

__all__ = ["run_process", "run_waiting"]

TIED = "shipment_id:tied"
"""The warning that counts reports for which only the row number says which is newer."""


def run_process(
    lake: LakeAddress,
    *,
    date: Date | str | None = None,
    source: str = SOURCE,
    network: Network | None = None,
    max_rejected: float = MAX_REJECTED,
    spark: SparkSession | None = None,
    listeners: Iterable[object] = (),
) -> Run:
    """Process one batch of one source: contract, split, clean, roll-up, marts, run log, in this order.

    Running it again, after a success or a crash, results in the same tables.

    Args:
        lake: the lake to read and write.
        date: the batch date; the newest batch of the source if None.
        source: name of the source, as in raw/SOURCE.
        network: allowed values, and capacities of warehouses. If None: the default network for generated shipments, any
            value for your own files; capacities are the default network's.
        max_rejected: share of the batch that may be quarantined, 0 … 1. Above it the batch is held: its rejected rows are in
            the quarantine, and neither clean shipments nor marts change.
        spark: a session; `session()` if None.
        listeners: objects that implement hooks.

    Raises:
        PluginError: a plugin cannot be used; nothing was done.
        InvalidValue: an argument is out of range; nothing was done.
        LakeMissing, TableMissing, BatchMissing: there is nothing to process.
        RowsLost, LakeError, EngineFailed: the lake is as it was.
        DataRejected: more rows were quarantined than `max_rejected` allows; the run is logged as held.
    """
    lake = as_lake(lake)
    run = _process(lake, source, date, network, max_rejected, spark, plugins(listeners))
    if run.status == HELD and (problem := _problem(run.counts, run.warnings, max_rejected)):
        raise problem
    return run


def run_waiting(
    lake: LakeAddress,
    *,
    source: str | None = None,
    network: Network | None = None,
    max_rejected: float = MAX_REJECTED,
    spark: SparkSession | None = None,
    listeners: Iterable[object] = (),
) -> list[Run]:
    """Process every batch that was landed since it was last processed, the oldest first, each as `run_process` does.

    A held batch does not stop those after it. It is not retried until it is landed again; `run_process` processes it by its
    date.

    Args:
        lake: the lake to read and write.
        source: name of the source; all sources if None.
        network: as for `run_process`.
        max_rejected: share of a batch that may be quarantined.
        spark: a session; `session()` if None.
        listeners: objects that implement hooks.

    Returns:
        A run for each batch, with the status `held` where too many rows were rejected; none if no batch waits.

    Raises:
        LakeMissing, TableMissing: there is no lake, or no such source.
        PluginError, InvalidValue, LakeError, EngineFailed: as for `run_process`; the batches before it are processed.
    """
    lake = as_lake(lake)
    waiting = backlog(lake, None if source is None else as_source(source)).waiting
    plugged = plugins(listeners)
    return [_process(lake, batch.source, batch.batch_date, network, max_rejected, spark, plugged) for batch in waiting]


def _process(
    lake: Lake,
    source: str,
    date: Date | str | None,
    network: Network | None,
    max_rejected: float,
    spark: SparkSession | None,
    plugged: Plugins,
) -> Run:
    """Process a batch as `run_process` does, but return the run of a held batch."""
    source = as_source(source)
    if not 0 <= max_rejected <= 1:
        raise InvalidValue("max_rejected", max_rejected, "a share from 0 to 1")
    batch_date = _batch(lake, source, date)
    spark = session(plugged=plugged) if spark is None else spark
    with run_job(
        spark,
        lake,
        job=PROCESS,
        source=source,
        batch_date=batch_date,
        settings=_settings(max_rejected, network),
        plugins=plugged,
    ) as work:
        work.network = (network or Network.default()).digest
        with work.staging() as staging:
            batch = load_batch(work, staging, network)
            if batch.currency is not None:
                work.settings["currency"] = batch.currency
            work.rules = tuple(batch.verdict.rules)
            outcome = split_batch(work, staging, batch)
            counts, warnings = outcome.counts, {TIED: outcome.tied} if outcome.tied else {}
            if problem := _problem(counts, warnings, max_rejected):
                # Of a held batch only the quarantine is updated: its earlier results still count.
                work.drop(SHIPMENTS)
                return work.finish(counts, outcome.reasons, warnings, HELD, str(problem))
            with work.stage("reports"):
                resolved = resolve_reports(work, staging, outcome.shipments, outcome.overtaken, outcome.hashes)
                work.overtook = resolved.overtook
            with work.stage("lane_days"):
                changed, broken = update_lane_days(
                    work, staging, resolved.shipments, batch.verdict.warnings, resolved.corrections
                )
            with work.stage("marts"):
                update_marts(work, staging, network or Network.default(), changed)
        tied = outcome.tied + resolved.tied
        counts = replace(counts, accepted=resolved.shipments.rows, overtaken=resolved.overtaken)
        return work.finish(counts, outcome.reasons, broken | ({TIED: tied} if tied else {}))


def _settings(max_rejected: float, network: Network | None) -> dict[str, Any]:
    """Return the settings of a run, with the on-time target of its network, which reports compare shipments with."""
    target = None if network is None else network.on_time_target
    return {"max_rejected": max_rejected, **({} if target is None else {"on_time_target": float(target)})}


def _problem(counts: RowCounts, warnings: Mapping[str, int], max_rejected: float) -> DataRejected | None:
    """Return why a batch is held, None if it is not."""
    if counts.rejects_more_than(max_rejected):
        return DataRejected(counts.quarantined, counts.read, max_rejected)
    if warnings.get(TIED, 0) > max_rejected * counts.read:
        return ReportsTied(warnings[TIED], counts.read, max_rejected)
    return None


def _batch(lake: Lake, source: str, date: Date | str | None) -> Date:
    if not lake.exists():
        raise LakeMissing(lake.uri)
    known = sorted({as_date(file.partition["batch_date"]) for file in lake.files(f"raw/{source}")})
    if not known:
        raise BatchMissing(source, date or "any date", ())
    batch_date = known[-1] if date is None else as_date(date)
    if batch_date not in known:
        raise BatchMissing(source, batch_date, [day.isoformat() for day in known])
    return batch_date
