"""The ingest job: files land in raw/SOURCE as they are."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date as Date
from pathlib import Path
from typing import Any, Literal, get_args

import pyarrow.compute as pc
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from shipment_etl.dates import as_date
from shipment_etl.errors import BatchExists, InvalidValue, MappingDiffers, RecordsRejected, join_names
from shipment_etl.generator.shipments import SOURCE as GENERATED
from shipment_etl.ingest.inputs import Input, drop_repeated, find_inputs
from shipment_etl.ingest.limits import MAX_BROKEN_AT_FIRST
from shipment_etl.ingest.mapping import SourceMapping
from shipment_etl.ingest.reader import Landed, land
from shipment_etl.jobs.work import Work, run_job
from shipment_etl.lake.lake import DataFile, LakeAddress, as_lake
from shipment_etl.lake.runs import INGEST, RowCounts, Run
from shipment_etl.lake.tables import landed_table
from shipment_etl.lake.written import is_text
from shipment_etl.naming import NAME_RULE, is_name
from shipment_etl.plugins import plugins
from shipment_etl.printable import printable
from shipment_etl.s3 import is_s3
from shipment_etl.sessions import session

__all__ = ["as_source", "run_ingest"]

IfExists = Literal["fail", "replace", "add"]


def run_ingest(
    lake: LakeAddress,
    file: str | Path | Iterable[str | Path],
    *,
    source: str,
    mapping: SourceMapping,
    date: Date | str,
    if_exists: IfExists = "fail",
    max_rejected: float | None = None,
    spark: SparkSession | None = None,
    listeners: Iterable[object] = (),
) -> Run:
    """Land files as a batch of raw/SOURCE, every value as text, with its file and row.

    Args:
        lake: the lake to write to.
        file: a file of one of `formats.FORMATS`, also compressed; a folder or a pattern such as `in/*.csv`, a zip archive,
            s3://bucket/key, or `-` for standard input; or several of them, which land as one batch.
        source: its name in the lake, for example the company it comes from.
        mapping: what its columns mean; it is landed with the batch, so `run_process` does not need it again.
        date: the batch date.
        if_exists: what to do if the source already has a batch of this date: `fail` refuses the files, `replace` replaces
            the batch, `add` adds the files to it.
        max_rejected: share of the records that may be unreadable, 0 … 1; if None, all but one may be.
        spark: a session; `session()` if None.
        listeners: objects that implement hooks.

    Raises:
        InvalidValue, MappingError, PluginError: nothing was done.
        BatchExists: the source has a batch of this date; nothing was done.
        IngestError, LakeError, EngineFailed: the lake is as it was.
        RecordsRejected: too many records are unreadable, or all of the first million; the lake is as it was.
    """
    lake = as_lake(lake)
    source = as_source(source)
    if source == GENERATED:
        raise InvalidValue("source", source, "another name: this one is for generated shipments")
    if if_exists not in get_args(IfExists):
        raise InvalidValue("if_exists", if_exists, f"one of {', '.join(get_args(IfExists))}")
    if max_rejected is not None and not 0 <= max_rejected <= 1:
        raise InvalidValue("max_rejected", max_rejected, "a share from 0 to 1")
    paths = [file] if isinstance(file, str | Path) else list(file)
    inputs, repeated = drop_repeated([each for path in paths for each in _inputs(str(path))])
    plugged = plugins(listeners)
    spark = session(plugged=plugged) if spark is None else spark
    settings: dict[str, Any] = {"file": ", ".join(printable(Path(path).name) for path in paths)}
    with run_job(
        spark, lake, job=INGEST, source=source, batch_date=as_date(date), settings=settings, plugins=plugged
    ) as work:
        table = landed_table(source)
        there = work.files_of_batch(table.name)
        if there and if_exists == "fail":
            raise _make_exists_error(work, there)
        added_to = there if if_exists == "add" else []
        last_row = _last_row(work, added_to, mapping) if added_to else 0
        with work.staging() as staging:
            with work.stage("read"), staging.parquet("records.parquet") as target:
                # As in `_check_problems`: if the caller gives a limit, all records are read.
                max_broken = MAX_BROKEN_AT_FIRST if max_rejected is None else None
                landed = land(inputs, mapping, target, last_row, max_broken)
            _check_problems(landed, max_rejected)
            warnings = [*_warn_of_repeated(repeated), *landed.warnings]
            settings |= {"files": len(landed.files), "filtered": landed.filtered, "warnings": warnings}
            records = staging.read_parquet("records.parquet").withColumn("mapping", F.lit(mapping.text))
            with work.stage("raw"):
                (work.add_to_batch if added_to else work.replace_batch)(table, records)
        return work.finish(RowCounts(read=landed.rows, accepted=work.rows_written(table)))


def _make_exists_error(work: Work, files: Sequence[DataFile]) -> BatchExists:
    """Return the error that says what the existing batch consists of."""
    rows = work.content(landed_table(work.start.source), files, ["source_file"], encoded=is_text)
    names = sorted(pc.unique(rows["source_file"]).to_pylist())
    return BatchExists(work.start.source, work.start.batch_date, rows.num_rows, names)


def _last_row(work: Work, files: Sequence[DataFile], mapping: SourceMapping) -> int:
    """Return the number of the last record of a batch that files are added to; numbers are unique within a batch.

    Raises:
        MappingDiffers: the batch was landed by another mapping; a batch has only one.
    """
    rows = work.content(landed_table(work.start.source), files, ["source_row", "mapping"], encoded=is_text)
    if rows["mapping"][0].as_py() != mapping.text:
        raise MappingDiffers(work.start.source, work.start.batch_date)
    return int(pc.max(rows["source_row"]).as_py())


def _inputs(path: str) -> list[Input]:
    if is_s3(path):
        from shipment_etl.lake.s3_inputs import find_s3_inputs

        return find_s3_inputs(path)
    return find_inputs([path])


def _warn_of_repeated(repeated: Sequence[Input]) -> Iterator[str]:
    if repeated:
        names = join_names(each.short_name for each in repeated)
        yield f"not read again, because it was given twice or is a link to a file that is read anyway: {names}"


def _check_problems(landed: Landed, max_rejected: float | None) -> None:
    """Raise an error if more records are unreadable than the limit allows; without a limit, all but one may be."""
    rejected = landed.problems.total()
    if not rejected or (rejected < landed.rows if max_rejected is None else rejected <= max_rejected * landed.rows):
        return
    raise RecordsRejected(landed.file, rejected, landed.rows, landed.main_problem)


def as_source(name: str) -> str:
    """Return the name of a source.

    Raises:
        InvalidValue: it cannot be part of a table's name.
    """
    if not is_name(name):
        raise InvalidValue("source", name, NAME_RULE)
    return name
