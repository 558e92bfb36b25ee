"""Maintenance: small files put together, dead ones taken away, logs shortened. No row of any table changes.

All of it needs no engine. Each step is one Delta commit or deletes what no version that counts refers to, so that a crash
between two of them leaves tables that are whole.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from shipment_etl.errors import CommitConflict, VersionMissing
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.storage import STAGING

__all__ = ["Size", "clear_staging", "compact", "crowded", "shorten_log", "size", "vacuum"]

TARGET_BYTES = 100 << 20
"""Size up to which files are put together; about what a reader likes best."""
MOST_TRIES = 5


@dataclass(frozen=True, slots=True)
class Size:
    """How many files, and how many bytes they have."""

    files: int
    bytes: int


def size(lake: Lake, name: str) -> Size:
    """Return the size of the newest version of a table. Errors as for `Lake.files`."""
    actions = _actions(lake.delta(name))
    return Size(len(actions), sum(action["size_bytes"] for action in actions))


def crowded(lake: Lake, name: str) -> list[dict[str, Any]]:
    """Return the values of the partitions with several files that would fit into one. Errors as for `Lake.files`."""
    sizes: dict[tuple[tuple[str, Any], ...], list[int]] = defaultdict(list)
    for action in _actions(lake.delta(name)):
        key = tuple((column[10:], value) for column, value in action.items() if column.startswith("partition."))
        sizes[key].append(action["size_bytes"])
    return [dict(key) for key, each in sizes.items() if len(each) > 1 and sum(sorted(each)[:2]) <= TARGET_BYTES]


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


def vacuum(lake: Lake, name: str, hours: int, keep: Iterable[int] = ()) -> Size:
    """Delete the files that no version needs, and return how much that was.

    Args:
        lake: where.
        name: of the table.
        hours: what was needed within them stays, and what was written within them by a job that has not committed yet.
        keep: versions whose files stay however old they are.

    Raises:
        LakeMissing, TableMissing, NotADeltaTable: there is no such table.
    """
    table = lake.delta(name)
    versions = [version for version in keep if _readable(lake, name, version)]

    def vacuumed(dry_run: bool) -> list[str]:
        return table.vacuum(hours, dry_run, enforce_retention_duration=False, full=True, keep_versions=versions)

    with lake.storage.watched():
        # Asked first, because a vacuum makes two commits even where there is nothing to delete.
        if not vacuumed(dry_run=True):
            return Size(0, 0)
        sizes = lake.storage.sizes(name)
        gone = vacuumed(dry_run=False)
    return Size(len(gone), sum(sizes.get(path, 0) for path in gone))


def shorten_log(lake: Lake, name: str) -> None:
    """Write a checkpoint, and delete the commits before it that are older than the log's own retention, 30 days.

    Raises:
        LakeMissing, TableMissing, NotADeltaTable: there is no such table.
    """
    table = lake.delta(name)
    with lake.storage.watched():
        if lake.storage.last_checkpoint(f"{name}/_delta_log") != table.version():
            table.create_checkpoint()
        table.cleanup_metadata()


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


def _actions(table: DeltaTable) -> list[dict[str, Any]]:
    actions = table.get_add_actions(flatten=True)
    names = [name for name in actions.column_names if name == "size_bytes" or name.startswith("partition.")]
    columns = [actions.column(name).to_pylist() for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _readable(lake: Lake, name: str, version: int) -> bool:
    try:
        lake.delta(name, version)
    except VersionMissing:
        return False
    return True
