"""Files on S3 as inputs: one object, all below a prefix, or those that match a pattern."""

import zipfile
from collections.abc import Callable
from glob import has_magic
from io import BufferedReader
from typing import IO, Any

import pyarrow.fs as pafs

from shipment_etl.errors import FileEmpty, FileMissing
from shipment_etl.ingest.folders import is_match, is_visible, split_pattern
from shipment_etl.ingest.inputs import Input, find_members, is_archive, may_be_read, partitions_of
from shipment_etl.lake.storage import Storage, storage_of

__all__ = ["find_s3_inputs"]

ARCHIVE_BLOCK = 1 << 20
"""Bytes of an archive that are requested at once: it is read in many small parts."""


def find_s3_inputs(uri: str) -> list[Input]:
    """Return the files at an address, s3://bucket/key; those below a prefix, or that match a pattern, sorted by name.

    Prefixes and patterns stand for the same files as folders and patterns on disk.

    Raises:
        InvalidValue: it names no bucket.
        FileMissing: there is no such file.
        FileEmpty: a prefix, a pattern or an archive has no file in a known format.
        FileUnreadable: a zip archive is not valid.
        StorageError: the bucket cannot be reached or read.
    """
    bucket, _, key = uri.split("://", 1)[1].partition("/")
    storage = storage_of(f"s3://{bucket}")
    storage.check()
    keys = _find_keys(storage, key, uri)
    if not keys:
        raise FileEmpty(uri, "it has no file in a known format")
    return [found for each in keys for found in _expand(storage, bucket, each)]


def _find_keys(storage: Storage, key: str, uri: str) -> list[str]:
    kind = storage.kind(key) if key else pafs.FileType.Directory
    if kind == pafs.FileType.File:
        return [key]
    if kind == pafs.FileType.Directory:
        prefix = f"{key.rstrip('/')}/" if key else ""
        keys = _list(storage, prefix)
        return [each for each in keys if is_visible(each.removeprefix(prefix).split("/")) and may_be_read(each)]
    if not has_magic(key):
        raise FileMissing(uri)
    prefix, pattern = split_pattern(key)
    return [each for each in _list(storage, prefix) if is_match(each.removeprefix(prefix).split("/"), pattern)]


def _list(storage: Storage, prefix: str) -> list[str]:
    """Return the keys below a prefix, sorted."""
    with storage.translate_failures():
        found = storage.files.get_file_info(pafs.FileSelector(prefix.rstrip("/"), allow_not_found=True, recursive=True))
    return sorted(each.path for each in found if each.type == pafs.FileType.File)


def _expand(storage: Storage, bucket: str, key: str) -> list[Input]:
    name = f"s3://{bucket}/{key}"
    if is_archive(key):
        return find_members(name, lambda: _open_archive(storage, key))
    return [Input(name, _opener(storage, key), partitions_of(key))]


def _open_archive(storage: Storage, key: str) -> zipfile.ZipFile:
    with storage.translate_failures():
        return zipfile.ZipFile(BufferedReader(storage.open(key), ARCHIVE_BLOCK))


def _opener(storage: Storage, key: str) -> Callable[[], IO[bytes]]:
    def open_key() -> Any:
        return storage.open(key)

    return open_key
