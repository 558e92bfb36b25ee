"""Maintenance: small files put together, dead ones taken away, logs shortened. No row of any table changes.

All of it needs no engine. Each step is one Delta commit or deletes what no version that counts refers to, so that a crash
between two of them leaves tables that are whole.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from deltalake.exceptions import CommitFailedError

from shipment_etl.errors import CommitConflict, VersionMissing
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.storage import STAGING

__all__ = ["DataSize", "Size", "clean", "clear_staging", "compact", "crowded", "sizes"]

TARGET_BYTES = 100 << 20
"""Size up to which files are put together; about what a reader likes best."""
MOST_TRIES = 5


@dataclass(frozen=True, slots=True)
class Size:
    """How many files, and how many bytes they have."""

    files: int
    bytes: int

    @staticmethod
    def of(files: Collection["DataSize"]) -> "Size":
        """Return the size of some files together."""
        return Size(len(files), sum(file.bytes for file in files))


@dataclass(frozen=True, slots=True)
class DataSize:
    """The partition that a file belongs to, and its bytes."""

    partition: dict[str, Any]
    bytes: int


def sizes(lake: Lake, name: str) -> list[DataSize]:
    """Return the size of each file of a table. Errors as for `Lake.files`."""
    actions = lake.delta(name).get_add_actions(flatten=True)
    columns = [each for each in actions.column_names if each.startswith("partition.")]
    values = zip(*(actions.column(each).to_pylist() for each in columns), strict=True)
    partitions = [dict(zip((each[10:] for each in columns), row, strict=True)) for row in values]
    found = actions.column("size_bytes").to_pylist()
    return [DataSize(*each) for each in zip(partitions or [{}] * len(found), found, strict=True)]


def crowded(files: Iterable[DataSize]) -> list[dict[str, Any]]:
    """Return the values of the partitions with several files that would fit into one."""
    by_partition: dict[tuple[tuple[str, Any], ...], list[int]] = defaultdict(list)
    for file in files:
        by_partition[tuple(file.partition.items())].append(file.bytes)
    return [dict(key) for key, found in by_partition.items() if len(found) > 1 and sum(sorted(found)[:2]) <= TARGET_BYTES]


def compact(lake: Lake, name: str) -> None:
    """Put the small files of each partition together, in one commit.

    Raises:
        LakeMissing, TableMissing, NotADeltaTable: there is no such table.
        CommitConflict: others kept changing the table; it is as they left it.
    """
    for _ in range(MOST_TRIES):
        table = lake.delta(name)
        try:
            with lake.storage.watched():
                table.optimize.compact(target_size=TARGET_BYTES)
        except CommitFailedError:
            continue
        return
    raise CommitConflict(name, MOST_TRIES)


def clean(lake: Lake, name: str, hours: int, keep: Iterable[int] = ()) -> Size:
    """Delete the files that no version needs, write a checkpoint, and delete commits older than the log's retention.

    Args:
        lake: where.
        name: of the table.
        hours: what was needed within them stays, and what was written within them by a job that has not committed yet.
        keep: versions whose files stay however old they are.

    Returns:
        How much was deleted.

    Raises:
        LakeMissing, TableMissing, NotADeltaTable: there is no such table.
    """
    table = lake.delta(name)
    # The newest one keeps its files anyway, and to open an old one takes its time.
    versions = [version for version in keep if version < table.version() and _readable(lake, name, version)]

    def vacuumed(dry_run: bool) -> list[str]:
        return table.vacuum(hours, dry_run, enforce_retention_duration=False, full=True, keep_versions=versions)

    deleted = Size(0, 0)
    with lake.storage.watched():
        # Asked first, because a vacuum makes two commits even where there is nothing to delete.
        if vacuumed(dry_run=True):
            there = lake.storage.sizes(name)
            gone = vacuumed(dry_run=False)
            deleted = Size(len(gone), sum(there.get(path, 0) for path in gone))
        table.update_incremental()
        if lake.storage.last_checkpoint(f"{name}/_delta_log") != table.version():
            table.create_checkpoint()
        # Of the log Delta itself keeps 30 days.
        table.cleanup_metadata()
    return deleted


def clear_staging(lake: Lake, older_than: timedelta) -> list[str]:
    """Delete what jobs that died left in staging for at least so long, and return the names of their folders."""
    gone = []
    for folder in lake.storage.folders(STAGING):
        changed = lake.storage.changed_at(folder)
        if changed is None or datetime.now(UTC) - changed >= older_than:
            lake.storage.delete(folder)
            gone.append(folder.removeprefix(f"{STAGING}/"))
    if gone and not lake.storage.folders(STAGING):
        lake.storage.delete(STAGING)
    return sorted(gone)


def _readable(lake: Lake, name: str, version: int) -> bool:
    try:
        lake.delta(name, version)
    except VersionMissing:
        return False
    return True
