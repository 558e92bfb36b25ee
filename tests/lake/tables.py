"""Tables of a lake: a batch written and committed as a run does it, and what tables contain."""

from dataclasses import replace
from datetime import date
from uuid import uuid4

from pyspark.sql import DataFrame, SparkSession

from shipment_etl.lake.fingerprint import fingerprint
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.tables import RUNS, Table


def replace_batch(lake: Lake, table: Table, rows: DataFrame, source: str, day: date, run: str | None = None) -> None:
    """Write a batch in place of the existing one, in a commit that names a run."""
    run = run or uuid4().hex
    version = lake.version(table.name) if lake.has(table.name) else None
    written = lake.write_files(table, rows.drop("source", "batch_date"), f"run-{run}")
    batch = {"source": source, "batch_date": day.isoformat()}
    before = [] if version is None else lake.files(table.name, version)
    lake.commit(
        table,
        written.schema,
        version=version,
        add=[replace(each, partition=batch) for each in written.files],
        remove=[each for each in before if {name: str(value) for name, value in each.partition.items()} == batch],
        run=run,
    )


def read_fingerprints(spark: SparkSession, lake: Lake) -> dict[str, str]:
    """Return the fingerprint of every table but the log."""
    return {name: fingerprint(lake.read(spark, name)) for name in lake.tables() if name != RUNS.name}


def numbers(spark: SparkSession, *values: int) -> DataFrame:
    return spark.createDataFrame([(value,) for value in values], "number int")
