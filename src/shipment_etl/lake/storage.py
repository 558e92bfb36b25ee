"""Storage: what a lake lies on. `FolderStorage` is a folder of this machine, `S3Storage` a prefix of a bucket.

Paths are relative to the lake. All that the lake does beside running queries goes through this interface, so that nothing
above it asks what kind of storage it is.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import pyarrow.fs as pafs

from shipment_etl.errors import StorageError
from shipment_etl.lake.lock import Lock
from shipment_etl.s3 import is_s3

__all__ = ["STAGING", "Storage", "storage_of"]

STAGING = "_staging"


def storage_of(uri: str | Path) -> "Storage":
    """Return the storage at an address: s3://bucket/prefix, or a folder.

    Raises:
        InvalidValue: the embedded engine would not find this address again.
        ExtraMissing: S3 needs a package that is not installed.
    """
    if is_s3(str(uri)):
        # Only here, so that users without S3 do not need boto3.
        from shipment_etl.lake.s3_storage import S3Storage

        return S3Storage(str(uri))
    from shipment_etl.lake.folder_storage import FolderStorage

    return FolderStorage(uri)


class Storage(ABC):
    """What a lake lies on.

    Args:
        uri: address of the lake.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri

    @property
    @abstractmethod
    def files(self) -> pafs.FileSystem:
        """The lake as a file system."""

    @property
    @abstractmethod
    def options(self) -> dict[str, str]:
        """What `deltalake` needs to know to open a table."""

    @abstractmethod
    def check(self) -> None:
        """Ask whether the storage can be reached.

        Raises:
            StorageError: what stands in the way, and what to do.
        """

    @abstractmethod
    def check_writable(self) -> None:
        """Ask whether the lake could be written.

        Raises:
            LakeUnwritable, StorageError: it could not, and what to do.
        """

    @abstractmethod
    def failure_in(self, text: str) -> StorageError | None:
        """Return the error of a request that failed, where the text of an engine's error names one."""

    @abstractmethod
    def watched(self) -> AbstractContextManager[None]:
        """Do something with files in the body; where the storage is to blame for a failure, its error says so."""

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
    def incoming(self, path: str) -> AbstractContextManager[Path]:
        """Give a place on this machine's disk for a file; once the body is done it is in the lake, at the path."""

    @abstractmethod
    def newest_commit(self, log: str) -> int | None:
        """Return the number of the newest commit in a Delta log, None if there is none."""

    def kind(self, path: str) -> pafs.FileType:
        """Return what is at a path: a file, a directory, or nothing."""
        with self.watched():
            return self.files.get_file_info(path).type

    def folders(self, path: str) -> list[str]:
        """Return the paths of the folders in a folder, none if it is not there."""
        with self.watched():
            found = self.files.get_file_info(pafs.FileSelector(path, allow_not_found=True))
        return [info.path for info in found if info.type == pafs.FileType.Directory]

    def sizes(self, path: str) -> dict[str, int]:
        """Return the bytes of each file below a folder, by its path within it."""
        return {info.path.removeprefix(f"{path}/"): info.size for info in self._below(path)}

    def read(self, path: str) -> bytes | None:
        """Return what a file holds, None if it is not there."""
        with self.watched(), suppress(FileNotFoundError), self.files.open_input_stream(path) as file:
            return bytes(file.read())
        return None

    def open(self, path: str) -> Any:
        """Open a file for reading anywhere in it."""
        with self.watched():
            return self.files.open_input_file(path)

    def write(self, path: str, content: bytes) -> None:
        """Write a file, in place of one that is there."""
        with self.watched():
            self.files.create_dir(path.rpartition("/")[0])
            with self.files.open_output_stream(path) as file:
                file.write(content)

    def last_checkpoint(self, log: str) -> int:
        """Return the number of the last checkpoint in a Delta log, -1 if there is none."""
        found = self.read(f"{log}/_last_checkpoint")
        return -1 if found is None else int(json.loads(found)["version"])

    def _below(self, path: str) -> Iterator[pafs.FileInfo]:
        with self.watched():
            found = self.files.get_file_info(pafs.FileSelector(path, allow_not_found=True, recursive=True))
        yield from (info for info in found if info.type == pafs.FileType.File)
