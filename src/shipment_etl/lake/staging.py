"""Staging: the intermediate results of one job."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from shipment_etl.lake.commits import translate_errors
from shipment_etl.lake.storage import Storage
from shipment_etl.lake.written import read_parquet

__all__ = ["Kept", "Staging"]


@dataclass(frozen=True, slots=True)
class Kept:
    """An intermediate result: its rows as read back, their columns, and their number, from its files."""

    frame: DataFrame
    schema: StructType
    rows: int
    storage: Storage
    paths: tuple[str, ...]

    def content(self) -> pa.Table:
        """Return the rows without an engine; there must be some."""
        tables = []
        for path in self.paths:
            with self.storage.open(path) as opened:
                tables.append(pq.read_table(opened))
        return pa.concat_tables(tables)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Return the rows piece by piece, without an engine."""
        for path in self.paths:
            with self.storage.open(path) as opened:
                yield from pq.ParquetFile(opened).iter_batches()


class Staging:
    """A folder for the intermediate results of one job.

    Results that several queries need are written here once: the embedded engine does not cache, and it knows the size of
    what it reads from a file, so it joins in the right order.
    """

    def __init__(self, spark: SparkSession, storage: Storage, folder: str) -> None:
        self._spark = spark
        self._storage = storage
        self._folder = folder

    def keep(self, name: str, rows: DataFrame) -> Kept:
        """Write a frame, and return it as read back."""
        folder, schema = f"{self._folder}/{name}", rows.schema
        place = f"{self._storage.engine_uri}/{folder}"
        # Sail would compress with zstd, which takes longer than writing what it saves.
        writer = rows.write.mode("overwrite").option("compression", "snappy")
        translate_errors("staging rows", self._storage, lambda: writer.parquet(place))
        sizes = {path: size for path, size in sorted(self._storage.sizes(folder).items()) if path.endswith(".parquet")}
        count = 0
        for path in sizes:
            with self._storage.open(f"{folder}/{path}") as opened:
                count += pq.read_metadata(opened).num_rows
        frame = read_parquet(self._spark, {f"{place}/{path}": size for path, size in sizes.items()}, schema)
        return Kept(frame, schema, count, self._storage, tuple(f"{folder}/{path}" for path in sizes))

    def read_folder(self, name: str, schema: StructType) -> DataFrame:
        """Return the rows of all files that `parquet` wrote into a folder; there may be none."""
        folder = f"{self._folder}/{name}"
        sizes = {f"{self._storage.engine_uri}/{folder}/{path}": size for path, size in self._storage.sizes(folder).items()}
        return read_parquet(self._spark, sizes, schema)

    def put(self, name: str, rows: pa.Table) -> DataFrame:
        """Write rows, and return them as an engine reads them."""
        with self.parquet(name) as path:
            pq.write_table(rows, path)
        return self.read_parquet(name)

    @contextmanager
    def parquet(self, name: str) -> Iterator[Path]:
        """Yield a path on this machine for a Parquet file; after the body, `read_parquet` or `read_folder` can read it."""
        with self._storage.create_file(f"{self._folder}/{name}") as path:
            yield path

    def read_parquet(self, name: str) -> DataFrame:
        """Return what the body of `parquet` wrote."""
        return self._spark.read.parquet(f"{self._storage.engine_uri}/{self._folder}/{name}")
