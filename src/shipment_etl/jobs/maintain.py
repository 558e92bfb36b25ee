"""The maintain job: compacts small files and deletes dead ones; the rows of every table stay the same.

Tables are compacted, then files are deleted that no version needs, neither from before nor from after. The log comes last,
as in every job: nothing that can fail comes after it.
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from shipment_etl.errors import InvalidValue, LakeMissing, RowsChanged
from shipment_etl.jobs.work import Work, run_job
from shipment_etl.lake.fingerprint import fingerprint
from shipment_etl.lake.lake import LakeAddress, as_lake
from shipment_etl.lake.maintenance import Size, clean, clear_staging, compact, find_crowded
from shipment_etl.lake.runs import MAINTAIN, RowCounts, Run
from shipment_etl.lake.tables import LANE_MONTHS, RUNS, SHIPMENTS
from shipment_etl.plugins import plugins
from shipment_etl.sessions import session

__all__ = ["Maintenance", "Upkeep", "run_maintain"]

MAX_DAYS = 30
"""Delta logs are kept this long: older versions cannot be read, even if their files still exist."""
MIN_HOURS = 1
"""A reader may still use a version that was the newest when it started."""
FILES_MEANT = {SHIPMENTS.name: 2, LANE_MONTHS.name: sys.maxsize}
"""Number of files that a partition may have, for tables where this is more than one.

Shipments in transit have their own files. So do months of lane_months, none of which is in two files.
"""
EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What was done to a table: size of its newest version before and after, and of what was deleted of older ones."""

    before: Size
    after: Size
    deleted: Size


@dataclass(frozen=True, slots=True)
class Maintenance:
    """What maintenance did. `staging` names the leftovers of dead jobs that were deleted."""

    run: Run
    tables: Mapping[str, Upkeep]
    staging: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values; the run as docs/run.schema.json describes it."""
        tables = {name: asdict(upkeep) for name, upkeep in self.tables.items()}
        return {"run": self.run.to_json(), "tables": tables, "staging": self.staging}


def run_maintain(
    lake: LakeAddress, *, retention_days: int = 7, spark: SparkSession | None = None, listeners: Iterable[object] = ()
) -> Maintenance:
    """Compact all tables, delete files that no version needs, shorten the logs. Fingerprints ensure that no row changes.

    Args:
        lake: the lake.
        retention_days: number of days that old versions stay readable, 0 … 30. The versions that count and files of the
            last hour are always kept.
        spark: a session; `session()` if None.
        listeners: objects that implement hooks.

    Raises:
        InvalidValue: an argument is out of range; nothing was done.
        LakeMissing: there is no lake.
        LakeLocked, StorageError: the lake cannot be written; nothing was done.
        RowsChanged: a table had different rows after compaction; all tables are as they were.
        CommitConflict: another program changed a table meanwhile; all tables are as they were.
    """
    lake = as_lake(lake)
    if not 0 <= retention_days <= MAX_DAYS:
        raise InvalidValue("retention_days", retention_days, f"a number of days from 0 to {MAX_DAYS}")
    if not lake.exists():
        raise LakeMissing(lake.uri)
    plugged = plugins(listeners)
    spark = session(plugged=plugged) if spark is None else spark
    with run_job(
        spark,
        lake,
        job=MAINTAIN,
        source=EVERYTHING,
        batch_date=datetime.now(UTC).date(),
        settings={"retention_days": retention_days},
        plugins=plugged,
    ) as work:
        with work.stage("staging"):
            # The lock ensures that no other job is running, so what is there was left by one that died.
            left = clear_staging(lake)
        names = sorted(work.base.tables)
        with work.stage("compact"):
            compacted = {name: _compact_table(work, name) for name in names}
        with work.stage("clean"):
            hours = max(24 * retention_days, MIN_HOURS)
            deleted = {name: clean(lake, name, hours, _versions_that_count(work, name)) for name in names}
            if work.base.runs is not None:
                # Unlike those of tables, its commits count at once: the log itself has no log.
                compacted[RUNS.name] = _compact_table(work, RUNS.name)
                work.base = replace(work.base, runs=lake.version(RUNS.name))
                deleted[RUNS.name] = clean(lake, RUNS.name, hours)
                work.base = replace(work.base, runs=lake.version(RUNS.name))
        run = work.succeed(RowCounts(0, 0), {name: lake.version(name) for name in names}, {})
        return Maintenance(run, {name: Upkeep(*each, deleted[name]) for name, each in compacted.items()}, left)


def _versions_that_count(work: Work, name: str) -> list[int]:
    """Return the versions of a table that readers, or the next job, may need if this job fails."""
    logged = work.lake.snapshot().tables.get(name)
    return sorted({work.base.tables[name], *([] if logged is None else [logged])})


def _compact_table(work: Work, name: str) -> tuple[Size, Size]:
    """Compact a table, check that it holds the same rows, and return its sizes before and after."""
    lake = work.lake
    files = lake.files(name)
    parts = find_crowded(files, FILES_MEANT.get(name, 1))
    if not parts:
        return Size.of(files), Size.of(files)
    before = fingerprint(_rows_in(lake.read(work.spark, name), parts))
    work.lock.check()
    if name in work.base.tables:
        work.note_commit(name)
    compact(lake, name, work.start.run_id)
    after = fingerprint(_rows_in(lake.read(work.spark, name), parts))
    if after != before:
        raise RowsChanged(name, before, after)
    work.plugins.notify("after_table_written", start=work.start, table=name)
    return Size.of(files), Size.of(lake.files(name))


def _rows_in(rows: DataFrame, parts: list[dict[str, Any]]) -> DataFrame:
    """Return the rows with the batch dates of some partitions; all rows if these have no batch date."""
    dates = sorted({part["batch_date"] for part in parts if part.get("batch_date") is not None})
    return rows.where(F.col("batch_date").isin(dates)) if dates else rows
