"""The maintain job: fewer and larger files, nothing dead kept, the same rows in every table.

Its run is logged as others are, and names the versions that it left of what the runs before it vouched for. A crash between
any two steps costs nothing but the step: what a table holds is told by its own log, and the marts look there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from shipment_etl.errors import InvalidValue, LakeMissing, RowsChanged, VersionMissing
from shipment_etl.jobs.marts import standing_marts
from shipment_etl.jobs.work import Work, working
from shipment_etl.lake.fingerprint import fingerprint
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.maintenance import Size, clean, clear_staging, compact, crowded, sizes
from shipment_etl.lake.runs import RowCounts, Run, TableVersion, vouched_versions
from shipment_etl.lake.tables import LANE_DAYS, LANE_MONTHS, RUNS, mart_table
from shipment_etl.plugins import plugins
from shipment_etl.sessions import session

__all__ = ["Maintenance", "Upkeep", "run_maintain"]

MOST_DAYS = 30
"""As long as Delta logs are kept: older versions cannot be read, whether their files are there or not."""
LEAST_HOURS = 1
"""A file that is younger may be of a job that has not committed yet."""
DEAD_AFTER = timedelta(days=1)
"""How long a job may be at work without writing to its staging; needed where no lock tells that none is."""
EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What was done to a table: its newest version before and after, and what was deleted of older ones."""

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
    lake: Lake, *, retention_days: int = 7, spark: SparkSession | None = None, listeners: Iterable[object] = ()
) -> Maintenance:
    """Compact all tables, delete what no version needs, shorten the logs. No row changes: fingerprints are checked.

    Args:
        lake: which.
        retention_days: how far back versions stay readable, 0 … 30. Whatever it says, those stay that the newest succeeded
            runs name, and files of the last hour.
        spark: a session; `session()` if None.
        listeners: objects with implementations of hooks.

    Raises:
        InvalidValue: an argument is out of range; nothing was done.
        LakeMissing: there is no lake.
        LakeLocked, StorageError: the lake cannot be written; nothing was done.
        RowsChanged: a table held other rows after compaction, and was put back.
        CommitConflict: other jobs kept changing a table. What was done before is whole; run it again.
    """
    if not 0 <= retention_days <= MOST_DAYS:
        raise InvalidValue("retention_days", retention_days, f"a number of days from 0 to {MOST_DAYS}")
    if not lake.exists():
        raise LakeMissing(lake.uri)
    plugged = plugins(listeners)
    spark = session(plugged=plugged) if spark is None else spark
    with working(
        spark,
        lake,
        job="maintain",
        source=EVERYTHING,
        batch_date=datetime.now(UTC).date(),
        settings={"retention_days": retention_days},
        plugins=plugged,
    ) as work:
        with work.stage("staging"):
            # A lock says that nobody else is at work; without one, only time does.
            left = clear_staging(lake, timedelta(0) if lake.storage.shared else DEAD_AFTER)
        with work.stage("versions"):
            names = lake.tables()
            now = {name: lake.version(name) for name in names}
            vouched = vouched_versions(lake)
            standing = standing_marts(work)
        hours = max(24 * retention_days, LEAST_HOURS)
        tables = {name: _kept_up(work, name, hours, vouched.get(name)) for name in names}
        with work.stage("versions"):
            carried = _carried(work, now, vouched, standing)
        if standing is not None:
            # As any run that marts are compared with, this one says what they were made for.
            work.settings = {**work.settings, "network": standing.settings["network"]}
        return Maintenance(work.succeed(RowCounts(0, 0), carried), tables, left)


def _kept_up(work: Work, name: str, hours: int, vouched: TableVersion | None) -> Upkeep:
    with work.stage("compact"):
        files = sizes(work.lake, name)
        before = after = Size.of(files)
        if parts := crowded(files):
            _compacted(work, name, parts)
            after = Size.of(sizes(work.lake, name))
            work.plugins.tell("after_table_written", start=work.start, table=name)
    work.lock.check()
    with work.stage("clean"):
        deleted = clean(work.lake, name, hours, () if vouched is None else (vouched.version,))
    return Upkeep(before, after, deleted)


def _compacted(work: Work, name: str, parts: list[dict[str, Any]]) -> None:
    lake = work.lake
    version = lake.version(name)
    before = fingerprint(_rows_in(lake.read(work.spark, name), parts))
    work.lock.check()
    compact(lake, name)
    after = fingerprint(_rows_in(lake.read(work.spark, name), parts))
    # Where there is no lock, another job may have changed rows meanwhile.
    if after != before and not lake.changes(name, version):
        lake.restore(name, version)
        raise RowsChanged(name, before, after)


def _rows_in(rows: DataFrame, parts: list[dict[str, Any]]) -> DataFrame:
    """Return the rows of the batch dates that partitions belong to, all rows of a table without."""
    dates = sorted({part["batch_date"] for part in parts if part.get("batch_date") is not None})
    return rows.where(F.col("batch_date").isin(dates)) if dates else rows


def _carried(
    work: Work, now: Mapping[str, int], vouched: Mapping[str, TableVersion], standing: Run | None
) -> dict[str, TableVersion]:
    """Return the versions that hold the very rows that the runs before this one vouched for."""
    lake, carried = work.lake, {}
    together = (LANE_DAYS.name, LANE_MONTHS.name, *(mart_table(mart).name for mart in work.plugins.marts()))
    for name in sorted((vouched.keys() & now.keys()) - {RUNS.name}):
        version = lake.version(name)
        if _same_rows(lake, name, vouched[name].version):
            carried[name] = TableVersion(version, vouched[name].fingerprint)
    # Marts are good only together with the lane_days that they were made from.
    if standing is None or any(name not in carried or lake.changes(name, now[name]) for name in together):
        carried = {name: each for name, each in carried.items() if name not in together}
    return carried


def _same_rows(lake: Lake, name: str, since: int) -> bool:
    try:
        return not lake.changes(name, since)
    except VersionMissing:
        return False
