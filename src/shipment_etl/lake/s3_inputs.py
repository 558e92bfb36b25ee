"""Files on S3 as inputs: one object, all below a prefix, or those that match a pattern."""

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import IO, Any

import pyarrow.fs as pafs

from shipment_etl.errors import FileMissing
from shipment_etl.ingest.formats import is_known
from shipment_etl.ingest.inputs import Input, partitions_of
from shipment_etl.lake.storage import Storage, storage_of

__all__ = ["find_s3_inputs"]


def find_s3_inputs(uri: str) -> list[Input]:
    """Return the files at an address, s3://bucket/key; those below a prefix, or that match a pattern, sorted by name.

    Raises:
        InvalidValue: it names no bucket.
        FileMissing: there is no such file.
        StorageError: the bucket cannot be reached or read.
    """
    bucket, _, key = uri.split("://", 1)[1].partition("/")
    storage = storage_of(f"s3://{bucket}")
    storage.check()
    keys = _keys(storage, key)
    if not keys:
        raise FileMissing(uri)
    return [Input(f"s3://{bucket}/{each}", _opener(storage, each), partitions_of(each)) for each in keys]


def _keys(storage: Storage, key: str) -> list[str]:
    if key and storage.kind(key) == pafs.FileType.File:
        return [key]
    pattern = any(each in key for each in "*?[")
    folder = key.split("*")[0].split("?")[0].split("[")[0].rpartition("/")[0] if pattern else key.rstrip("/")
    with storage.translate_failures():
        found = storage.files.get_file_info(pafs.FileSelector(folder, allow_not_found=True, recursive=True))
    every = sorted(each.path for each in found if each.type == pafs.FileType.File)
    return [each for each in every if (fnmatchcase(each, key) if pattern else is_known(each))]


def _opener(storage: Storage, key: str) -> Callable[[], IO[bytes]]:
    def open_key() -> Any:
        return storage.open(key)

    return open_key
