"""Damage: why a table could not be read. Checks the files, because each engine reports damage differently, or not at all."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.exceptions import DeltaError, DeltaProtocolError
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from shipment_etl.errors import EngineFailed, FileDamaged, RowsLost, ShipmentEtlError
from shipment_etl.lake.commits import reason_of
from shipment_etl.lake.lake import DataFile, Lake

__all__ = ["explain", "explain_errors"]

ENGINE = (PySparkException, Py4JError, DeltaError, EngineFailed)
COUNTS = (RowsLost,)
"""Sail reads a missing or empty file as one without rows."""
FILES = (OSError, pa.ArrowException)
MAX_BYTES = 1 << 28
"""Maximum bytes of a table that are read to find a damaged file. A file whose size has changed is found without reading."""


@contextmanager
def explain_errors(lake: Lake, tables: Mapping[str, int | None]) -> Iterator[None]:
    """Read tables in the body; errors of their files, or of the engine, become our errors.

    Args:
        lake: the lake of the tables.
        tables: version of each table that is read, by name; the newest if None.

    Raises:
        FileDamaged: a file is missing or damaged.
        NotPlainParquet: another program has written a table with features that cannot be read without an engine.
        StorageError: the storage cannot be reached.
        EngineFailed: the engine gave up for another reason.
    """
    try:
        yield
    except Exception as problem:
        told = explain(lake, tables, problem)
        if told is problem:
            raise
        raise told from problem


def explain(lake: Lake, tables: Mapping[str, int | None], problem: Exception) -> Exception:
    """Return our error for a problem while tables were read; the problem itself if it is of another kind."""
    if not isinstance(problem, (*ENGINE, *FILES, *COUNTS)):
        return problem
    try:
        lake.storage.check()
        for name, version in tables.items():
            if isinstance(problem, DeltaProtocolError) and lake.has(name):
                lake.require_plain(name, version)
            if lake.has(name) and (found := _find_damage(lake, name, version)):
                return FileDamaged(lake.uri, *found)
    except ShipmentEtlError as blocked:
        return blocked
    if isinstance(problem, FILES):
        return _ask_storage(lake, problem)
    text = reason_of(problem).replace(lake.storage.engine_uri, lake.uri)
    if failure := lake.storage.failure_in(text):
        return failure
    return problem if isinstance(problem, ShipmentEtlError) else EngineFailed("reading the lake", text)


def _ask_storage(lake: Lake, problem: Exception) -> Exception:
    try:
        with lake.storage.translate_failures():
            raise problem
    except Exception as told:
        return told


def _find_damage(lake: Lake, name: str, version: int | None) -> tuple[str, str] | None:
    """Return the first file of a table that is lost or damaged, and what is wrong with it."""
    files = lake.files(name, version)
    sizes = lake.storage.sizes(name)
    for each in files:
        size = sizes.get(each.path)
        if size is None:
            return f"{name}/{each.path}", "it is missing"
        if size != each.size:
            return f"{name}/{each.path}", f"it has {size:,} bytes, and had {each.size:,} when it was written"
    left = MAX_BYTES
    for each in files:
        left -= each.size
        if left >= 0 and (why := _why_unreadable(lake, name, each)):
            return f"{name}/{each.path}", why
    return None


def _why_unreadable(lake: Lake, name: str, file: DataFile) -> str:
    # If the storage cannot read the file, it raises its own error; only content that was read can be damaged.
    content = lake.storage.read(f"{name}/{file.path}")
    try:
        for _ in pq.ParquetFile(pa.BufferReader(content)).iter_batches():
            pass
    except FILES as problem:
        return f"it is damaged ({str(problem).splitlines()[0]:.200})"
    return ""
