"""Maintenance: compacts small files, vacuums old ones, shortens logs. No row of any table changes.

None of it needs an engine. Each step is one Delta commit, or deletes files that no version that counts refers to.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from shipment_etl.errors import VersionMissing
from shipment_etl.lake.commits import DataFile, mark, translate_errors
from shipment_etl.lake.lake import RUN_FOLDER, Lake
from shipment_etl.lake.storage import STAGING

__all__ = ["Size", "clean", "clear_staging", "compact", "find_crowded"]

TARGET_BYTES = 100 << 20
"""Size up to which files are compacted; about the best size for readers."""


@dataclass(frozen=True, slots=True)
class Size:
    """Number of files, and their bytes."""

    files: int
    bytes: int

    @staticmethod
    def of(files: Collection[DataFile]) -> "Size":
        """Return the total size of some files."""
        return Size(len(files), sum(file.size for file in files))


def find_crowded(files: Iterable[DataFile], meant: int = 1) -> list[dict[str, Any]]:
    """Return the values of the partitions that have more files than meant, some of which would fit into one."""
    by_partition: dict[tuple[tuple[str, Any], ...], list[int]] = defaultdict(list)
    for file in files:
        by_partition[tuple(file.partition.items())].append(file.size)
    return [
        dict(key) for key, found in by_partition.items() if len(found) > meant and sum(sorted(found)[:2]) <= TARGET_BYTES
    ]


def compact(lake: Lake, name: str, run: str) -> None:
    """Rewrite the small files of each partition as larger ones, in one commit that names the run.

    Raises:
        LakeMissing, TableMissing, NotADeltaTable: there is no such table.
        CommitConflict: another writer has changed the table meanwhile; its changes stay.
    """
    table = lake.delta(name)
    translate_errors(
        f"compacting {name}",
        lake.storage,
        lambda: table.optimize.compact(target_size=TARGET_BYTES, commit_properties=mark(run, lake.identity())),
    )


def clean(lake: Lake, name: str, hours: int, keep: Iterable[int] = ()) -> Size:
    """Delete the files that no version needs, write a checkpoint, and delete commits older than the log's retention.

    Args:
        lake: the lake.
        name: name of the table.
        hours: how far back: files that were needed since then stay, and files that an uncommitted job wrote since then.
        keep: versions whose files stay, however old they are.

    Returns:
        How much was deleted.

    Raises:
        LakeMissing, TableMissing, NotADeltaTable: there is no such table.
        LakeFull, StorageError, EngineFailed: it could not be done; all versions that count are still readable.
    """
    return translate_errors(f"cleaning {name}", lake.storage, lambda: _clean(lake, name, hours, keep))


def clear_staging(lake: Lake) -> list[str]:
    """Delete what dead jobs left in staging, and return the names of their folders."""
    folders = lake.storage.folders(STAGING)
    lake.storage.delete(STAGING)
    return [folder.removeprefix(f"{STAGING}/") for folder in folders]


def _clean(lake: Lake, name: str, hours: int, keep: Iterable[int]) -> Size:
    table = lake.delta(name)
    # The newest version keeps its files anyway, and opening an old one takes time.
    versions = [version for version in keep if version < table.version() and _is_readable(lake, name, version)]

    def vacuum(dry_run: bool) -> list[str]:
        return table.vacuum(hours, dry_run, enforce_retention_duration=False, full=True, keep_versions=versions)

    deleted = Size(0, 0)
    # A dry run first, because a vacuum makes two commits even if there is nothing to delete.
    if vacuum(dry_run=True):
        there = lake.storage.sizes(name)
        gone = vacuum(dry_run=False)
        deleted = Size(len(gone), sum(there.get(path, 0) for path in gone))
    for folder in lake.storage.folders(name):
        # What engines leave besides data files: folders of dead jobs, checksums.
        if folder.startswith(f"{name}/{RUN_FOLDER}") and not any(
            path.endswith(".parquet") for path in lake.storage.sizes(folder)
        ):
            lake.storage.delete(folder)
    for version in versions:
        # Without a checkpoint of its own, a version cannot be opened once the commits before it are deleted.
        lake.delta(name, version).create_checkpoint()
    table.update_incremental()
    if lake.storage.last_checkpoint(f"{name}/_delta_log") != table.version():
        table.create_checkpoint()
    # Delta keeps 30 days of the log.
    table.cleanup_metadata()
    return deleted


def _is_readable(lake: Lake, name: str, version: int) -> bool:
    try:
        lake.delta(name, version)
    except VersionMissing:
        return False
    return True
