"""The rollback job: restores the lake as it was before a run, by new versions with the old content; nothing is erased."""

from collections.abc import Iterable, Sequence

from pyspark.sql import SparkSession

from shipment_etl.errors import LakeMissing, RollbackRefused, RunMissing, VersionMissing
from shipment_etl.jobs.work import Work, run_job
from shipment_etl.lake.lake import Lake, LakeAddress, as_lake
from shipment_etl.lake.runs import (
    FAILED,
    LANDING,
    MAINTAIN,
    PROCESS,
    ROLLBACK,
    RowCounts,
    Run,
    find_run,
    read_runs,
    standing_runs,
    undone_runs,
)
from shipment_etl.lake.snapshot import empty, restore
from shipment_etl.plugins import plugins
from shipment_etl.sessions import session

__all__ = ["run_rollback"]


def run_rollback(
    lake: LakeAddress, run_id: str, *, spark: SparkSession | None = None, listeners: Iterable[object] = ()
) -> Run:
    """Restore the tables that a run has changed to what they were before it.

    The batch of the run is as it was before, too: a batch that was processed waits again. A rollback is itself a run, and
    can be rolled back.

    Args:
        lake: the lake.
        run_id: id of the run, or the beginning of it.
        spark: a session; `session()` if None.
        listeners: objects that implement hooks.

    Raises:
        LakeMissing: there is no lake.
        RollbackRefused: there is no such run, it changed nothing, later runs depend on it, or files that it needs are gone;
            nothing was done.
        LakeLocked, StorageError: the lake cannot be written; nothing was done.
    """
    lake = as_lake(lake)
    if not lake.exists():
        raise LakeMissing(lake.uri)
    target = _find(lake, run_id)
    plugged = plugins(listeners)
    spark = session(plugged=plugged) if spark is None else spark
    with run_job(
        spark,
        lake,
        job=ROLLBACK,
        source=target.source,
        batch_date=target.batch_date,
        settings={"run": target.run_id},
        plugins=plugged,
    ) as work:
        runs = list(read_runs(lake))
        changed = sorted(name for name, version in (target.after or {}).items() if target.before.get(name) != version)
        _check(work, target, runs, changed)
        after = dict(work.base.tables)
        with work.stage("restore"):
            for name in changed:
                work.lock.check()
                work.note_commit(name)
                if name in target.before:
                    after[name] = restore(lake, name, target.before[name], work.start.run_id)
                else:
                    # Not deleted, so that the rollback can be rolled back.
                    after[name] = empty(lake, name, work.start.run_id)
        work.marts_key = _marts_key_before(target, runs)
        return work.succeed(RowCounts(0, 0), after, {})


def _find(lake: Lake, run_id: str) -> Run:
    try:
        return find_run(lake, run_id)
    except RunMissing as problem:
        raise RollbackRefused(run_id, lake.uri, str(problem.parts["why"])) from problem


def _check(work: Work, target: Run, runs: Sequence[Run], changed: Sequence[str]) -> None:
    """Raise RollbackRefused where the run cannot be rolled back."""

    def refuse(why: str) -> RollbackRefused:
        return RollbackRefused(target.run_id, work.lake.uri, why)

    if target.status == FAILED or not changed or target.job == MAINTAIN:
        raise refuse("it changed no rows")
    if target.run_id in undone_runs(runs):
        raise refuse("it has already been rolled back")
    newer = runs[: runs.index(target)]
    for run in standing_runs(newer):
        if run.status == FAILED or run.job == MAINTAIN:
            continue
        touched = any(run.before.get(name) != (run.after or {}).get(name) for name in changed)
        same_batch = (run.source, run.batch_date) == (target.source, target.batch_date)
        if touched or (target.job in LANDING and run.job == PROCESS and same_batch):
            which = f"{run.run_id} ({run.job} {run.source} {run.batch_date})"
            raise refuse(f"the run {which} depends on it: roll that back first")
    for name in changed:
        if _has_other_files(work, name, (runs[0].after or {}).get(name)):
            raise refuse(f"another program has changed {name}")
        if name in target.before:
            there = work.lake.storage.sizes(name)
            try:
                needed = work.lake.files(name, target.before[name])
            except VersionMissing as problem:
                raise refuse(f"the log of {name} no longer has the version before it") from problem
            if any(file.path not in there for file in needed):
                raise refuse(f"maintain has deleted files of {name} that it needs")


def _has_other_files(work: Work, name: str, version: int | None) -> bool:
    """Whether a table has other files than at a version. Recovery from a dead run makes a version with the same ones."""
    now = work.base.tables.get(name)
    if now == version or now is None or version is None:
        return now != version
    was, found = ({file.path for file in work.lake.files(name, each)} for each in (version, now))
    return was != found


def _marts_key_before(target: Run, runs: Sequence[Run]) -> str:
    """Return the key of the marts before a run; if unknown, empty, so that the marts are recomputed."""
    older = runs[runs.index(target) + 1 :]
    return older[0].marts_key if older and older[0].after == target.before else ""
