"""Lake errors: something is missing, does not fit, or is being changed by another job."""

from collections.abc import Collection

from shipment_etl.errors.base import TRY_AGAIN, JobError
from shipment_etl.errors.wording import suggest

__all__ = [
    "BatchExists",
    "BatchMissing",
    "ChangedOutside",
    "CommitConflict",
    "FileDamaged",
    "HasDeletionVectors",
    "LakeError",
    "LakeFull",
    "LakeLocked",
    "LakeMissing",
    "LakeUnwritable",
    "LockLost",
    "MappingDiffers",
    "NewerRelease",
    "NotADeltaTable",
    "NotPlainParquet",
    "NothingToCompare",
    "NothingToLearn",
    "NothingToReport",
    "RowsChanged",
    "RunMissing",
    "TableLost",
    "TableMissing",
    "VersionMissing",
]


class LakeError(JobError):
    """The lake cannot be read or written."""


class LakeMissing(LakeError):
    """There is no lake at this address."""

    template = "There is no lake at {uri}."
    remedy = "Check the address. The first ingest creates a lake; generate creates one to try things out."

    def __init__(self, uri: str) -> None:
        super().__init__(uri=uri)


class TableMissing(LakeError):
    """The lake has no such table."""

    template = "The lake {uri} has no table {table!r}."
    remedy = "{suggestion}"

    def __init__(self, table: str, uri: str, known: Collection[str]) -> None:
        super().__init__(table=table, uri=uri, known=list(known), suggestion=suggest(table, known))


class NotADeltaTable(LakeError):
    """The folder of a table contains no Delta table."""

    template = "{table} is not a Delta table: {location} contains other files."
    remedy = "Move them elsewhere, then run again."

    def __init__(self, table: str, location: str) -> None:
        super().__init__(table=table, location=location)


class BatchMissing(LakeError):
    """A source has no batch of this date."""

    template = "raw/{source} has no batch of {date}. It has: {known}."
    remedy = "Land it first, with generate or ingest."

    def __init__(self, source: str, date: object, known: Collection[str]) -> None:
        super().__init__(source=source, date=date, known=list(known))


class BatchExists(LakeError):
    """A source already has a batch of this date."""

    template = "raw/{source} already has a batch of {date}: {rows:,} records from {files}."
    remedy = "Use --replace to replace it with these files, --add to add them to it, or another --date."

    def __init__(self, source: str, date: object, rows: int, files: Collection[str]) -> None:
        super().__init__(source=source, date=date, rows=rows, files=list(files))


class MappingDiffers(LakeError):
    """Files cannot be added to a batch that was landed with another mapping."""

    template = "The batch {source} {date} was landed with another mapping, and a batch can have only one."
    remedy = "Use that mapping, or land all files together with --replace, or use another --date or --source."

    def __init__(self, source: str, date: object) -> None:
        super().__init__(source=source, date=date)


class FileDamaged(LakeError):
    """A file of a table is lost or damaged."""

    template = "The file {file} of the lake {uri} cannot be read: {why}."
    remedy = (
        "Restore it from a backup. Without one: if the file is in raw/, land its batch again; if not, move the folder "
        "processed out of the lake, then run: shipment-etl process --lake {uri!q}. This computes all tables again."
    )

    def __init__(self, uri: str, file: str, why: str) -> None:
        super().__init__(uri=uri, file=file, why=why)


class NotPlainParquet(LakeError):
    """The Parquet files of a table do not contain the same rows as the table."""

    template = (
        "{table} needs reader version {version} of the Delta protocol: its Parquet files do not contain the same rows as "
        "the table."
    )
    remedy = "Another program has changed it; use a Delta reader instead, such as DuckDB's delta extension."

    def __init__(self, table: str, version: int) -> None:
        super().__init__(table=table, version=version)


class HasDeletionVectors(LakeError):
    """A job would replace files of a table that may have deletion vectors, which it does not support."""

    template = "{table} uses deletion vectors, which another program has added, so its files cannot be replaced safely."
    remedy = (
        "Remove them with that program, in Spark by: REORG TABLE delta.`{location}` APPLY (PURGE), then ALTER TABLE "
        "delta.`{location}` DROP FEATURE deletionVectors. Then run again."
    )

    def __init__(self, table: str, location: str) -> None:
        super().__init__(table=table, location=location)


class TableLost(LakeError):
    """A table is missing that the log of runs has, and that cannot be computed from others alone."""

    template = "{table} is missing from the lake {uri}, although the log of runs has it."
    remedy = (
        "Restore it from a backup. Without one, move the folder processed out of the lake, then run: shipment-etl process "
        "--lake {uri!q}. This computes all tables again, with a new log of runs."
    )

    def __init__(self, table: str, uri: str) -> None:
        super().__init__(table=table, uri=uri)


class NothingToReport(LakeError):
    """A lake has no runs."""

    template = "The lake {uri} has no runs to report."
    remedy = "Process a batch first: shipment-etl process --lake {uri!q}"

    def __init__(self, uri: str) -> None:
        super().__init__(uri=uri)


class NothingToCompare(LakeError):
    """A lake has no marts."""

    template = "The lake {uri} has no marts to compare."
    remedy = "Make them with: shipment-etl process --lake {uri!q}"

    def __init__(self, uri: str) -> None:
        super().__init__(uri=uri)


class NothingToLearn(LakeError):
    """A source has too few shipments to learn from."""

    template = "The source {source!r} has {shipments:,} shipments in {uri}, but a twin needs {least:,} or more."
    remedy = (
        "Check the name of the source with: shipment-etl runs --lake {uri!q}; process more of it, or lower --min-shipments."
    )

    def __init__(self, source: str, uri: str, shipments: int, least: int) -> None:
        super().__init__(source=source, uri=uri, shipments=shipments, least=least)


class RunMissing(LakeError):
    """The state of a lake after a run cannot be read."""

    template = "The lake {uri} cannot be read as of run {run!r}: {why}."
    remedy = "shipment-etl runs --json --lake {uri!q} lists the runs with their ids."

    def __init__(self, run: str, uri: str, why: str) -> None:
        super().__init__(run=run, uri=uri, why=why)


class LakeFull(LakeError):
    """The disk or bucket is full."""

    template = "There is no space left for the lake {uri}."
    remedy = "Free some space, then run the same command again."

    def __init__(self, uri: str) -> None:
        super().__init__(uri=uri)


class LakeUnwritable(LakeError):
    """The lake's folder cannot be read or written."""

    template = "{folder} cannot be used: {why}."
    remedy = "Choose a folder that you can read and write."

    def __init__(self, folder: str, why: str) -> None:
        super().__init__(folder=folder, why=why)


class LakeLocked(LakeError):
    """Another job is writing to the lake."""

    template = "The lake {uri} is locked: {job} of {owner} has been writing to it since {since}."
    remedy = (
        "Wait until it is done. If it died, its lock expires at {until}: then run the same command again, which takes over "
        "the lock."
    )
    retryable, exit_code = True, TRY_AGAIN

    def __init__(self, uri: str, owner: str, job: str, since: str, until: str) -> None:
        super().__init__(uri=uri, owner=owner, job=job, since=since, until=until)


class LockLost(LakeError):
    """The lock on the lake could not be renewed in time."""

    template = (
        "The lock on the lake {uri} was lost: {why}. Nothing more was written, and nothing rolled back, because another job "
        "may be running."
    )
    remedy = "Run the same command again: it repairs what was left."
    retryable, exit_code = True, TRY_AGAIN

    def __init__(self, uri: str, why: str) -> None:
        super().__init__(uri=uri, why=why)


class CommitConflict(LakeError):
    """Another writer committed to a table first, on every attempt."""

    template = "Another writer committed to {table} first, {tries:,} times in a row."
    remedy = "Run the same command again later."
    retryable, exit_code = True, TRY_AGAIN

    def __init__(self, table: str, tries: int) -> None:
        super().__init__(table=table, tries=tries)


class ChangedOutside(LakeError):
    """Another program changed rows of a table after a run that was never logged."""

    template = (
        "{table} was changed by another program (up to version {newest}) after one of our runs had died while writing; "
        "version {since} is the last valid one."
    )
    remedy = (
        "Restore the table to that version, or to one without rows of the dead run, with DeltaTable.restore of the package "
        "deltalake; then run again."
    )

    def __init__(self, table: str, newest: int, since: int) -> None:
        super().__init__(table=table, newest=newest, since=since)


class NewerRelease(LakeError):
    """The lake was written by a newer release."""

    template = "{what} was written by a newer release of shipment-etl ({found})."
    remedy = "Install that release, or a newer one."

    def __init__(self, what: str, found: str) -> None:
        super().__init__(what=what, found=found)


class VersionMissing(LakeError):
    """The log of a table no longer reaches back to a version."""

    template = "The log of {table} does not reach back to version {version}."
    remedy = "Choose a newer version."

    def __init__(self, table: str, version: int) -> None:
        super().__init__(table=table, version=version)


class RollbackRefused(LakeError):
    """A run cannot be rolled back."""

    template = "The run {run} cannot be rolled back: {why}. Nothing was changed."
    remedy = "shipment-etl runs --json --lake {uri!q} lists the runs with their ids and versions."

    def __init__(self, run: str, uri: str, why: str) -> None:
        super().__init__(run=run, uri=uri, why=why)


class RowsChanged(LakeError):
    """A table does not have the same rows after compaction."""

    template = "{table} had different rows after compaction: fingerprint {before} before, {after} after. It was rolled back."
    remedy = "Please report this with the versions that doctor prints."

    def __init__(self, table: str, before: str, after: str) -> None:
        super().__init__(table=table, before=before, after=after)
