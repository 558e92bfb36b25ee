"""The ingest job: a file lands in raw/SOURCE as it is."""

import re
from collections.abc import Iterable
from datetime import date as Date
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from shipment_etl.dates import as_date
from shipment_etl.errors import InvalidValue
from shipment_etl.generator.shipments import SOURCE as GENERATED
from shipment_etl.ingest.mapping import Mapping
from shipment_etl.ingest.reader import land
from shipment_etl.jobs.work import working
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.runs import RowCounts, Run
from shipment_etl.lake.tables import landed_table
from shipment_etl.plugins import plugins
from shipment_etl.printable import printable
from shipment_etl.sessions import session

__all__ = ["as_source", "run_ingest"]

SOURCE_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def run_ingest(
    lake: Lake,
    file: str | Path,
    *,
    source: str,
    mapping: Mapping,
    date: Date | str,
    spark: SparkSession | None = None,
    listeners: Iterable[object] = (),
) -> Run:
    """Land a file as a batch of raw/SOURCE, every value as text, with its file and row. A batch that is there is replaced.

    Args:
        lake: where to.
        file: CSV, JSON lines or Parquet, CSV and JSON also gzipped.
        source: its name in the lake, for example the company it comes from.
        mapping: what its columns mean; it is landed with the batch, so that `run_process` needs no more.
        date: the batch date.
        spark: a session; `session()` if None.
        listeners: objects with implementations of hooks.

    Raises:
        InvalidValue, MappingError, PluginError: nothing was done.
        IngestError, LakeError, EngineFailed: the lake is as it was.
    """
    source = as_source(source)
    if source == GENERATED:
        raise InvalidValue("source", source, "another name: this one is for generated shipments")
    plugged = plugins(listeners)
    spark = session(plugged=plugged) if spark is None else spark
    batch_date, file = as_date(date), Path(file)
    with working(
        spark,
        lake,
        job="ingest",
        source=source,
        batch_date=batch_date,
        settings={"file": printable(file.name)},
        plugins=plugged,
    ) as work:
        with work.staging() as staging:
            with work.stage("read"), staging.parquet("records.parquet") as target:
                landed = land(file, mapping, target)
            records = staging.read_parquet("records.parquet").select(
                F.lit(landed.file).alias("source_file"),
                "source_row",
                F.to_json("record").alias("record"),
                "problem",
                F.lit(mapping.text).alias("mapping"),
            )
            with work.stage("raw"):
                work.replace_batch(landed_table(source), records)
        return work.finish(RowCounts(read=landed.rows, accepted=work.rows_written(landed_table(source))))


def as_source(name: str) -> str:
    """Return the name of a source.

    Raises:
        InvalidValue: it cannot be part of a table's name.
    """
    if not SOURCE_NAME.fullmatch(name):
        raise InvalidValue("source", name, "lower-case letters, digits and _, beginning with a letter")
    return name
