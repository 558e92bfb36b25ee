"""Data errors: files that cannot be landed or written, and row counts that do not add up."""

from collections.abc import Iterable
from typing import ClassVar

from shipment_etl.errors.base import DataRejected, JobError

__all__ = [
    "FileEmpty",
    "FileMissing",
    "FileUnreadable",
    "FileUnwritable",
    "IngestError",
    "LimitExceeded",
    "MixedCurrencies",
    "NothingReadable",
    "RecordTooLarge",
    "RecordTooLong",
    "RecordsRejected",
    "RowsLost",
    "RowsMissing",
    "TooManyFields",
    "UnpackedTooLarge",
]


class IngestError(JobError):
    """A file could not be landed; the lake is unchanged."""


class RecordsRejected(DataRejected):
    """Too many records of a file cannot be parsed; nothing was landed."""

    template = "{rejected:,} of {read:,} records of {file} cannot be parsed; most often: {problem}. Nothing was landed."
    remedy = "Check [file] in the mapping; to land them anyway, use --max-rejected 1."

    def __init__(self, file: str, rejected: int, read: int, problem: str) -> None:
        # Skips the constructor of DataRejected, whose message has other parts.
        super(DataRejected, self).__init__(file=file, rejected=rejected, read=read, problem=problem)


class NothingReadable(RecordsRejected):
    """None of a file's first records can be parsed; the rest was not read, and nothing was landed."""

    template = (
        "None of the first {read:,} records of {file} can be parsed; most often: {problem}. The rest was not read, and "
        "nothing was landed."
    )

    def __init__(self, file: str, read: int, problem: str) -> None:
        super().__init__(file, read, read, problem)


class FileMissing(IngestError):
    """There is no such file."""

    template = "There is no file {file}."
    remedy = "Check the path."

    def __init__(self, file: str) -> None:
        super().__init__(file=file)


class FileEmpty(IngestError):
    """A file has no rows."""

    template = "{file} has no rows: {found}. Nothing was landed."
    remedy = "Check that it is the right file and that it is complete."

    def __init__(self, file: str, found: str, remedy: str | None = None) -> None:
        super().__init__(remedy=remedy, file=file, found=found)


class FileUnreadable(IngestError):
    """A file is not what its name or options say."""

    template = "{file} cannot be read: {why}."

    def __init__(self, file: str, why: str, remedy: str) -> None:
        super().__init__(remedy=remedy, file=file, why=why)


class LimitExceeded(FileUnreadable):
    """A file exceeds a limit that keeps memory bounded."""

    template = "{file} cannot be read: {where} has more than {limit:,} {unit}."
    unit: ClassVar[str] = ""

    def __init__(self, file: str, where: str, limit: int, remedy: str) -> None:
        # Skips the constructor of FileUnreadable, whose message has other parts.
        super(FileUnreadable, self).__init__(remedy=remedy, file=file, where=where, limit=limit, unit=self.unit)


class TooManyFields(LimitExceeded):
    """A record has more fields than `MAX_FIELDS`."""

    unit = "fields"


class RecordTooLong(LimitExceeded):
    """A record of text is longer than `MAX_RECORD_CHARACTERS`."""

    unit = "characters"


class RecordTooLarge(LimitExceeded):
    """A record of a binary format is larger than `MAX_RECORD_BYTES`."""

    unit = "bytes"


class UnpackedTooLarge(LimitExceeded):
    """A packed file gets too large when it is unpacked: see `MAX_UNPACKED_RATIO` and `MAX_UNPACKED_BYTES`."""

    unit = "bytes when unpacked"


class MixedCurrencies(IngestError):
    """Costs are in several currencies, and the mapping does not say which is which."""

    template = "The costs are in {currencies} (column {column!r}), and would be summed as if they were in one currency."
    remedy = (
        "In the mapping, set currency_column = {column!r} and currency, the code to convert to, for shipping_cost; the "
        "rates come from the network."
    )

    def __init__(self, column: str, currencies: Iterable[str]) -> None:
        super().__init__(column=column, currencies=currencies)


class FileUnwritable(JobError):
    """An output file cannot be written."""

    template = "{file} cannot be written: {why}."
    remedy = "Choose another file."

    def __init__(self, file: str, why: str) -> None:
        super().__init__(file=file, why=why)


class RowsMissing(JobError):
    """The files of a table do not contain the rows that were written to them."""

    template = "{table}: {written:,} rows were written, {read:,} were read back. The run is not recorded as succeeded."
    remedy = "Run it again; if that fails too, check the disk or the bucket, and report this with the lake's run log."

    def __init__(self, table: str, written: int, read: int) -> None:
        super().__init__(table=table, written=written, read=read)


class RowsLost(JobError):
    """The row counts of a run do not add up."""

    template = (
        "read {read:,} ≠ accepted {accepted:,} + quarantined {quarantined:,} + duplicates {duplicates:,} + "
        "overtaken {overtaken:,}. The run is not recorded as succeeded."
    )
    remedy = "Run it again; if that fails too, report this with the lake's run log."

    def __init__(self, read: int, accepted: int, quarantined: int, duplicates: int, overtaken: int) -> None:
        super().__init__(read=read, accepted=accepted, quarantined=quarantined, duplicates=duplicates, overtaken=overtaken)
