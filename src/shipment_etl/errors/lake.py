"""Errors of lakes: what is not there, does not fit, or is being changed by another job."""

from collections.abc import Collection

from shipment_etl.errors.base import TRY_AGAIN, JobError
from shipment_etl.errors.wording import nearest

__all__ = [
    "BatchExists",
    "BatchMissing",
    "ChangedOutside",
    "CommitConflict",
    "FileDamaged",
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
    "TableMissing",
    "VersionMissing",
]


class LakeError(JobError):
    """The lake cannot be read or written."""


class LakeMissing(LakeError):
    """There is no lake at this address."""

    template = "There is no lake at {uri}."
    remedy = "Check the address. The first ingest makes a lake, and generate makes one to try things on."

    def __init__(self, uri: str) -> None:
        super().__init__(uri=uri)


class TableMissing(LakeError):
    """The lake has no such table."""

    template = "The lake {uri} has no table {table!r}."
    remedy = "{suggestion}"

    def __init__(self, table: str, uri: str, known: Collection[str]) -> None:
        super().__init__(table=table, uri=uri, known=list(known), suggestion=nearest(table, known))


class NotADeltaTable(LakeError):
    """A folder stands where a table should be."""

    template = "{table} is not a Delta table: {location} holds other files."
    remedy = "Move them away, then run again."

    def __init__(self, table: str, location: str) -> None:
        super().__init__(table=table, location=location)


class BatchMissing(LakeError):
    """A source has no batch of this date."""

    template = "raw/{source} has no batch of {date}. It has: {known}."
    remedy = "Land it first, with generate or ingest."

    def __init__(self, source: str, date: object, known: Collection[str]) -> None:
        super().__init__(source=source, date=date, known=list(known))


class BatchExists(LakeError):
    """A source has a batch of this date already."""

    template = "raw/{source} has a batch of {date} already: {rows:,} records from {files}."
    remedy = "Give --replace to put these files in its place, --add to make them a part of it, or another --date."

    def __init__(self, source: str, date: object, rows: int, files: Collection[str]) -> None:
        super().__init__(source=source, date=date, rows=rows, files=list(files))


class MappingDiffers(LakeError):
    """Files are to be added to a batch that was landed by another mapping."""

    template = "The batch {source} {date} was landed by another mapping, and a batch has one."
    remedy = "Use that mapping, or land all files together with --replace, or use another --date or --source."

    def __init__(self, source: str, date: object) -> None:
        super().__init__(source=source, date=date)


class FileDamaged(LakeError):
    """A file of a table is lost or damaged."""

    template = "The file {file} of the lake {uri} cannot be read: {why}."
    remedy = (
        "Bring it back from a backup. Where there is none: if it is in raw/, land its batch again; if not, process its "
        "batches again."
    )

    def __init__(self, uri: str, file: str, why: str) -> None:
        super().__init__(uri=uri, file=file, why=why)


class NotPlainParquet(LakeError):
    """The files of a table hold other rows than the table does."""

    template = (
        "{table} needs a reader of version {version} of Delta's protocol: its Parquet files hold other rows than it does."
    )
    remedy = "Another program has changed it; read it with a reader of Delta instead, such as DuckDB's extension delta."

    def __init__(self, table: str, version: int) -> None:
        super().__init__(table=table, version=version)


class NothingToReport(LakeError):
    """A lake has no runs."""

    template = "The lake {uri} has no runs to report."
    remedy = "Process a batch first: shipment-etl process --lake {uri}"

    def __init__(self, uri: str) -> None:
        super().__init__(uri=uri)


class NothingToCompare(LakeError):
    """A lake has no marts."""

    template = "The lake {uri} has no marts to compare."
    remedy = "Make them with: shipment-etl process --lake {uri}"

    def __init__(self, uri: str) -> None:
        super().__init__(uri=uri)


class NothingToLearn(LakeError):
    """A source has too few shipments to learn from."""

    template = "The source {source!r} has {shipments:,} shipments in {uri}, but a twin is learnt from {least:,} or more."
    remedy = (
        "Check the name of the source with: shipment-etl runs --lake {uri}; process more of it, or lower --min-shipments."
    )

    def __init__(self, source: str, uri: str, shipments: int, least: int) -> None:
        super().__init__(source=source, uri=uri, shipments=shipments, least=least)


class RunMissing(LakeError):
    """What a lake held after a run cannot be read."""

    template = "The lake {uri} cannot be read as the run {run!r} left it: {why}."
    remedy = "shipment-etl runs --json --lake {uri} lists the runs with their ids."

    def __init__(self, run: str, uri: str, why: str) -> None:
        super().__init__(run=run, uri=uri, why=why)


class LakeFull(LakeError):
    """The disk or bucket takes no more."""

    template = "There is no space left for the lake {uri}."
    remedy = "Free some, then run the same command again."

    def __init__(self, uri: str) -> None:
        super().__init__(uri=uri)


class LakeUnwritable(LakeError):
    """The lake's folder takes no files."""

    template = "{folder} cannot be written: {why}."
    remedy = "Make it a folder that you may write to."

    def __init__(self, folder: str, why: str) -> None:
        super().__init__(folder=folder, why=why)


class LakeLocked(LakeError):
    """Another job is writing to the lake."""

    template = "The lake {uri} is locked: {job} of {owner} has been writing to it since {since}."
    remedy = (
        "Wait until it is done. If it died, its lock expires at {until}: then run the same command again, which takes the "
        "lock over."
    )
    retryable, exit_code = True, TRY_AGAIN

    def __init__(self, uri: str, owner: str, job: str, since: str, until: str) -> None:
        super().__init__(uri=uri, owner=owner, job=job, since=since, until=until)


class LockLost(LakeError):
    """The lock on the lake could not be renewed in time."""

    template = (
        "The lock on the lake {uri} was lost: {why}. Nothing more was written, and nothing rolled back, because another job "
        "may be at work."
    )
    remedy = "Run the same command again: it repairs what was left."
    retryable, exit_code = True, TRY_AGAIN

    def __init__(self, uri: str, why: str) -> None:
        super().__init__(uri=uri, why=why)


class CommitConflict(LakeError):
    """Another writer won every race for a table."""

    template = "{table} was being written by someone else, {tries:,} times in a row."
    remedy = "Run the same command again later."
    retryable, exit_code = True, TRY_AGAIN

    def __init__(self, table: str, tries: int) -> None:
        super().__init__(table=table, tries=tries)


class ChangedOutside(LakeError):
    """Rows of a table were changed by another program, on top of a run that was never logged."""

    template = (
        "{table} was changed by another program (up to version {newest}) after a run of ours had died while it was writing; "
        "version {since} is the last that counts."
    )
    remedy = (
        "Put the table back to that version, or to one that holds no rows of the dead run, with DeltaTable.restore of the "
        "package deltalake; then run again."
    )

    def __init__(self, table: str, newest: int, since: int) -> None:
        super().__init__(table=table, newest=newest, since=since)


class NewerRelease(LakeError):
    """The lake was written by a newer release."""

    template = "{what} was written by a newer release of shipment-etl ({found})."
    remedy = "Upgrade this one: pip install --upgrade shipment-etl"

    def __init__(self, what: str, found: str) -> None:
        super().__init__(what=what, found=found)


class VersionMissing(LakeError):
    """The log of a table no longer says what happened since a version."""

    template = "The log of {table} does not reach back to version {version}."
    remedy = "Choose a newer version."

    def __init__(self, table: str, version: int) -> None:
        super().__init__(table=table, version=version)


class RollbackRefused(LakeError):
    """A run cannot be rolled back."""

    template = "The run {run} cannot be rolled back: {why}. Nothing was changed."
    remedy = "shipment-etl runs --json lists the runs with their ids and versions."

    def __init__(self, run: str, why: str) -> None:
        super().__init__(run=run, why=why)


class RowsChanged(LakeError):
    """A table does not hold the same rows after its files were compacted."""

    template = "{table} held other rows after compaction: fingerprint {before} before, {after} after. It was rolled back."
    remedy = "Please report this with the versions that doctor prints."

    def __init__(self, table: str, before: str, after: str) -> None:
        super().__init__(table=table, before=before, after=after)
