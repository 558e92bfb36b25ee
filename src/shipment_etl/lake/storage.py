"""Storage: what a lake lies on. A folder of this machine here; `lake.s3_storage` has the same for S3.

Paths are relative to the lake. All that the lake does beside running queries goes through this interface, so that nothing
above it asks what kind of storage it is.
"""

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.fs as pafs

from shipment_etl.errors import InvalidValue, LakeUnwritable
from shipment_etl.lake.lock import Lock
from shipment_etl.s3 import is_s3

__all__ = ["STAGING", "Storage", "storage_of"]

PLAIN_PATH = re.compile(r"[A-Za-z0-9._~/-]+")
STAGING = "_staging"


def storage_of(uri: str | Path) -> "Storage":
    """Return the storage at an address: s3://bucket/prefix, or a folder.

    Raises:
        InvalidValue: the embedded engine would not find this address again.
        ExtraMissing: S3 needs a package that is not installed.
    """
    if is_s3(str(uri)):
        # Only here, so that who has no lake on S3 needs no boto3.
        from shipment_etl.lake.s3_storage import S3Storage

        return S3Storage(str(uri))
    root = Path(uri).expanduser().absolute()
    if not PLAIN_PATH.fullmatch(root.as_posix()):
        raise InvalidValue("lake", root.as_posix(), "a path of letters, digits and . _ ~ - / only, or s3://bucket/prefix")
    return Storage(root.as_posix())


class Storage:
    """A folder of this machine.

    Args:
        uri: its path.
    """

    shared = False
    """Whether a lock keeps all writers but one away."""

    def __init__(self, uri: str) -> None:
        self.uri = uri

    @property
    def files(self) -> pafs.FileSystem:
        """The lake as a file system."""
        return pafs.SubTreeFileSystem(self.uri, pafs.LocalFileSystem())

    @property
    def options(self) -> dict[str, str]:
        """What `deltalake` needs to know to open a table."""
        return {}

    def check(self) -> None:
        """Ask whether the storage can be reached.

        Raises:
            StorageError: what stands in the way, and what to do.
        """

    def check_writable(self) -> None:
        """Ask whether the lake could be written.

        Raises:
            LakeUnwritable, StorageError: it could not, and what to do.
        """
        folder = Path(self.uri)
        nearest = next(each for each in (folder, *folder.parents) if each.exists())
        try:
            with tempfile.TemporaryFile(dir=nearest):
                pass
        except OSError as problem:
            raise LakeUnwritable(str(nearest), problem.strerror or str(problem)) from problem

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Do something with files in the body; where the storage is to blame for a failure, its error says so."""
        yield

    def lock(self, job: str) -> Lock:
        """Return the lock that whoever writes to the lake holds, not yet taken."""
        # None is needed: commits to a local Delta table are atomic, whoever makes them. docs/decisions/0015 tells more.
        return Lock()

    def exists(self) -> bool:
        """Whether there is anything at the address."""
        return bool(self.kind("") == pafs.FileType.Directory)

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

    def changed_at(self, path: str) -> datetime | None:
        """Return when the newest file below a folder was written, None if it has none."""
        return max((info.mtime.astimezone(UTC) for info in self._below(path)), default=None)

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

    def make_empty(self, path: str) -> None:
        """Make a folder, or empty it."""
        self.files.create_dir(path)
        self.files.delete_dir_contents(path)

    def delete(self, path: str) -> None:
        """Take away a folder with all that is in it."""
        with self.watched(), suppress(FileNotFoundError):
            self.files.delete_dir(path)

    @contextmanager
    def incoming(self, path: str) -> Iterator[Path]:
        """Give a place on this machine's disk for a file; once the body is done it is in the lake, at the path."""
        yield Path(self.uri, path)

    def newest_commit(self, log: str) -> int | None:
        """Return the number of the newest commit in a Delta log, None if there is none.

        Looks for commits from the last checkpoint on, at most ten as a rule: to open a table, or to list its log, takes
        the longer the more commits it has.
        """
        newest = self.last_checkpoint(log)
        while self.kind(f"{log}/{newest + 1:020}.json") == pafs.FileType.File:
            newest += 1
        return newest if newest >= 0 else None

    def last_checkpoint(self, log: str) -> int:
        """Return the number of the last checkpoint in a Delta log, -1 if there is none."""
        found = self.read(f"{log}/_last_checkpoint")
        return -1 if found is None else int(json.loads(found)["version"])

    def _below(self, path: str) -> list[pafs.FileInfo]:
        with self.watched():
            found = self.files.get_file_info(pafs.FileSelector(path, allow_not_found=True, recursive=True))
        return [info for info in found if info.type == pafs.FileType.File]
