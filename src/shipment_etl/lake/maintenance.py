"""Maintenance: compacts small files, vacuums old ones, shortens logs. No row of any table changes.

All of it needs no engine. Each step is one Delta commit, or deletes what no version that counts refers to.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from shipment_etl.errors import VersionMissing
from shipment_etl.lake.commits import mark, translate_errors
from shipment_etl.lake.lake import RUN_FOLDER, Lake
from shipment_etl.lake.storage import STAGING

__all__ = ["DataSize", "Size", "clean", "clear_staging", "compact", "crowded", "sizes"]

TARGET_BYTES = 100 << 20
"""Size up to which files are put together; about what a reader likes best."""


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


def crowded(files: Iterable[DataSize], meant: int = 1) -> list[dict[str, Any]]:
    """Return the values of the partitions with more files than are meant to be, some of which would fit into one."""
    by_partition: dict[tuple[tuple[str, Any], ...], list[int]] = defaultdict(list)
    for file in files:
        by_partition[tuple(file.partition.items())].append(file.bytes)
    return [
        dict(key) for key, found in by_partition.items() if len(found) > meant and sum(sorted(found)[:2]) <= TARGET_BYTES
    ]


def compact(lake: Lake, name: str, run: str) -> None:
    """Rewrite the small files of each partition as larger ones, in one commit, marked as of a run.

    Raises:
        LakeMissing, TableMissing, NotADeltaTable: there is no such table.
        CommitConflict: somebody else has changed the table meanwhile; it is as they left it.
    """
    table = lake.delta(name)
    translate_errors(
        f"compacting {name}",
        lake.storage,
        lambda: table.optimize.compact(target_size=TARGET_BYTES, commit_properties=mark(run)),
    )


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
        LakeFull, StorageError, EngineFailed: it could not be done; all versions that count are readable.
    """
    return translate_errors(f"cleaning {name}", lake.storage, lambda: _clean(lake, name, hours, keep))


def clear_staging(lake: Lake) -> list[str]:
    """Delete what jobs that died left in staging, and return the names of their folders."""
    folders = lake.storage.folders(STAGING)
    lake.storage.delete(STAGING)
    return [folder.removeprefix(f"{STAGING}/") for folder in folders]


def _clean(lake: Lake, name: str, hours: int, keep: Iterable[int]) -> Size:
    table = lake.delta(name)
    # The newest one keeps its files anyway, and to open an old one takes its time.
    versions = [version for version in keep if version < table.version() and _readable(lake, name, version)]

    def vacuumed(dry_run: bool) -> list[str]:
        return table.vacuum(hours, dry_run, enforce_retention_duration=False, full=True, keep_versions=versions)

    deleted = Size(0, 0)
    # Asked first, because a vacuum makes two commits even where there is nothing to delete.
    if vacuumed(dry_run=True):
        there = lake.storage.sizes(name)
        gone = vacuumed(dry_run=False)
        deleted = Size(len(gone), sum(there.get(path, 0) for path in gone))
    for folder in lake.storage.folders(name):
        # What engines leave beside their files: a folder of a job that died, checksums.
        if folder.startswith(f"{name}/{RUN_FOLDER}") and not any(
            path.endswith(".parquet") for path in lake.storage.sizes(folder)
        ):
            lake.storage.delete(folder)
    table.update_incremental()
    if lake.storage.last_checkpoint(f"{name}/_delta_log") != table.version():
        table.create_checkpoint()
    # Of the log Delta itself keeps 30 days.
    table.cleanup_metadata()
    return deleted


def _readable(lake: Lake, name: str, version: int) -> bool:
    try:
        lake.delta(name, version)
    except VersionMissing:
        return False
    return True
