"""Storage: where a lake is stored. `FolderStorage` is a folder on this machine, `S3Storage` a prefix of a bucket.

Paths are relative to the lake. Everything that the lake does except queries goes through this interface, so that no code
above it depends on the kind of storage.
"""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import pyarrow.fs as pafs

from shipment_etl.errors import StorageError
from shipment_etl.lake.lock import Lock
from shipment_etl.s3 import is_s3

__all__ = ["COMMIT", "STAGING", "Storage", "storage_of"]

STAGING = "_staging"
COMMIT = re.compile(r"\d{20}\.json")
"""The name of a commit in a Delta log."""


def storage_of(uri: str | Path) -> "Storage":
    """Return the storage at an address: s3://bucket/prefix, or a folder.

    Raises:
        InvalidValue: a lake cannot be at this address.
        ExtraMissing: S3 needs a package that is not installed.
    """
    if is_s3(str(uri)):
        # Only here, so that users without S3 do not need boto3.
        from shipment_etl.lake.s3_storage import S3Storage

        return S3Storage(str(uri))
    from shipment_etl.lake.folder_storage import FolderStorage

    return FolderStorage(uri)


class Storage(ABC):
    """Where a lake is stored.

    Args:
        uri: address of the lake.
        engine_uri: another address of the same place, which engines can handle; the same if None.
    """

    def __init__(self, uri: str, engine_uri: str | None = None) -> None:
        self.uri = uri
        self.engine_uri = uri if engine_uri is None else engine_uri

    @property
    @abstractmethod
    def files(self) -> pafs.FileSystem:
        """The lake as a file system."""

    @property
    @abstractmethod
    def options(self) -> dict[str, str]:
        """Options for `deltalake` to open a table."""

    @abstractmethod
    def check(self) -> None:
        """Check that the storage can be reached.

        Raises:
            StorageError: it cannot; the error says why, and what to do.
        """

    @abstractmethod
    def check_writable(self) -> None:
        """Check that the lake can be written.

        Raises:
            LakeUnwritable, StorageError: it cannot; the error says why, and what to do.
        """

    @abstractmethod
    def failure_in(self, text: str) -> StorageError | None:
        """Return the error of a failed request, if the text of an engine's error names one."""

    @abstractmethod
    def translate_failures(self) -> AbstractContextManager[None]:
        """Use files in the body; failures that the storage causes become our errors."""

    @abstractmethod
    def lock(self, job: str) -> Lock:
        """Return the lock of the lake, not yet taken."""

    @abstractmethod
    def exists(self) -> bool:
        """Whether there is anything at the address but a lock."""

    @abstractmethod
    def make_empty(self, path: str) -> None:
        """Make a folder, or empty it."""

    @abstractmethod
    def delete(self, path: str) -> None:
        """Delete a folder with all that is in it."""

    @abstractmethod
    def create_file(self, path: str) -> AbstractContextManager[Path]:
        """Yield a path on this machine's disk for a file; after the body, it is in the lake, at `path`."""

    @abstractmethod
    def newest_commit(self, log: str) -> int | None:
        """Return the number of the newest commit in a Delta log, or None."""

    def kind(self, path: str) -> pafs.FileType:
        """Return what is at a path: a file, a directory, or nothing."""
        with self.translate_failures():
            return self.files.get_file_info(path).type

    def folders(self, path: str) -> list[str]:
        """Return the paths of the folders in a folder, none if it does not exist."""
        with self.translate_failures():
            found = self.files.get_file_info(pafs.FileSelector(path, allow_not_found=True))
        return [info.path for info in found if info.type == pafs.FileType.Directory]

    def sizes(self, path: str) -> dict[str, int]:
        """Return the bytes of each file below a folder, by its path within it."""
        return {info.path.removeprefix(f"{path}/"): info.size for info in self._below(path)}

    def read(self, path: str) -> bytes | None:
        """Return the content of a file, None if it does not exist."""
        with self.translate_failures(), suppress(FileNotFoundError), self.files.open_input_stream(path) as file:
            return bytes(file.read())
        return None

    def open(self, path: str) -> Any:
        """Open a file for reading anywhere in it."""
        with self.translate_failures():
            return self.files.open_input_file(path)

    def write(self, path: str, content: bytes) -> None:
        """Write a file, in place of an existing one."""
        with self.translate_failures():
            self.files.create_dir(path.rpartition("/")[0])
            with self.files.open_output_stream(path) as file:
                file.write(content)

    def last_checkpoint(self, log: str) -> int:
        """Return the number of the last checkpoint in a Delta log, or -1."""
        found = self.read(f"{log}/_last_checkpoint")
        # By Delta's protocol it is only a hint. A crash or a full disk can leave it empty.
        with suppress(ValueError, KeyError, TypeError):
            return -1 if found is None else int(json.loads(found)["version"])
        return -1

    def _below(self, path: str) -> Iterator[pafs.FileInfo]:
        with self.translate_failures():
            found = self.files.get_file_info(pafs.FileSelector(path, allow_not_found=True, recursive=True))
        yield from (info for info in found if info.type == pafs.FileType.File)
