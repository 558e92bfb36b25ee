"""A lake in a folder on this machine."""

import atexit
import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import pyarrow.fs as pafs

from shipment_etl.errors import InvalidValue, LakeFull, LakeMissing, LakeUnwritable
from shipment_etl.lake.lock import LOCK_FILES, FolderLock
from shipment_etl.lake.storage import COMMIT, Storage

__all__ = ["FolderStorage"]

NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
DENIED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG)
PLAIN_PATH = re.compile(r"[A-Za-z0-9._~/-]+")
"""A path that every engine can handle. Sail does not find a Delta table if it has to encode its path."""
MISREAD = re.compile(r"[*?\[\]{}\\]|%[0-9A-Fa-f]{2}")
"""What is part of a pattern for engines and DuckDB, and a code that `deltalake` decodes."""


class FolderStorage(Storage):
    """A folder on this machine.

    Args:
        folder: its path.

    Raises:
        InvalidValue: it is no path, or one that other programs would misread.
    """

    def __init__(self, folder: str | Path) -> None:
        try:
            root = Path(folder).expanduser().absolute().as_posix()
        except RuntimeError as problem:
            raise InvalidValue("lake", str(folder), "a path; there is no home directory of that user") from problem
        if not str(folder) or "://" in str(folder) or not root.isprintable() or MISREAD.search(root):
            raise InvalidValue(
                "lake", str(folder), "s3://bucket/prefix, or a path without control characters, * ? [ ] { } \\ and %20"
            )
        super().__init__(root, root if PLAIN_PATH.fullmatch(root) else _link(root))

    @property
    def files(self) -> pafs.FileSystem:
        """The lake as a file system."""
        return pafs.SubTreeFileSystem(self.uri, pafs.LocalFileSystem())

    @property
    def options(self) -> dict[str, str]:
        """Nothing: `deltalake` needs no options for a folder."""
        return {}

    def check(self) -> None:
        """Do nothing: a folder can always be reached."""

    def check_writable(self) -> None:
        """Write a file into the nearest folder that exists. Errors as for `Storage.check_writable`."""
        folder = Path(self.uri)
        nearest = folder
        try:
            nearest = next(each for each in (folder, *folder.parents) if each.exists())
            with tempfile.TemporaryFile(dir=nearest):
                pass
        except OSError as problem:
            raise LakeUnwritable(str(nearest), problem.strerror or str(problem)) from problem

    def failure_in(self, text: str) -> None:
        """Return None: a folder makes no requests that could fail."""

    @contextmanager
    def translate_failures(self) -> Iterator[None]:
        """Run the body; errors of the file system become our errors.

        Raises:
            LakeFull: no space is left.
            LakeMissing: a file is where the lake should be.
            LakeUnwritable: the permissions do not allow it, or its path is too long.
        """
        try:
            yield
        except OSError as problem:
            if problem.errno in NO_SPACE:
                raise LakeFull(self.uri) from problem
            if problem.errno == errno.ENOTDIR:
                raise LakeMissing(self.uri) from problem
            if problem.errno in DENIED:
                raise LakeUnwritable(self.uri, os.strerror(problem.errno)) from problem
            raise

    def lock(self, job: str) -> FolderLock:
        """Return the lock of the lake, not yet taken."""
        return FolderLock(self.uri, job)

    def exists(self) -> bool:
        """Whether there is anything in the folder but a lock."""
        root = Path(self.uri)
        with self.translate_failures():
            return root.is_dir() and any(each.name not in LOCK_FILES for each in root.iterdir())

    def make_empty(self, path: str) -> None:
        """Make a folder, or empty it."""
        with self.translate_failures():
            self.files.create_dir(path)
            self.files.delete_dir_contents(path)

    def delete(self, path: str) -> None:
        """Delete a folder with all that is in it."""
        with self.translate_failures(), suppress(FileNotFoundError):
            self.files.delete_dir(path)

    @contextmanager
    def create_file(self, path: str) -> Iterator[Path]:
        """Yield the path of a file in the folder."""
        place = Path(self.uri, path)
        with self.translate_failures():
            place.parent.mkdir(parents=True, exist_ok=True)
            yield place

    def newest_commit(self, log: str) -> int | None:
        """Return the number of the newest commit in a Delta log, or None.

        Checks for commits from the last checkpoint on, usually ten at most: opening a table, or listing its log, takes
        longer the more commits it has.
        """
        newest = self.last_checkpoint(log)
        while self.kind(f"{log}/{newest + 1:020}.json") == pafs.FileType.File:
            newest += 1
        if newest < 0:
            # Without a hint, and if the first commits were deleted.
            names = (path.rpartition("/")[2] for path in self.sizes(log))
            newest = max((int(name[:20]) for name in names if COMMIT.fullmatch(name)), default=-1)
        return newest if newest >= 0 else None


@cache
def _link(root: str) -> str:
    """Return the path of a link to a folder, which every engine can handle, for as long as this process runs.

    Raises:
        InvalidValue: the path of the folder for temporary files cannot be handled either.
    """
    temporary = tempfile.gettempdir()
    if not PLAIN_PATH.fullmatch(temporary):
        raise InvalidValue("TMPDIR", temporary, "a path of letters, digits and . _ ~ - / only")
    folder, process = tempfile.mkdtemp(prefix="shipment-etl-"), os.getpid()

    def remove() -> None:
        # A forked process ends earlier, and must leave the link alone.
        if os.getpid() == process:
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    link = Path(folder, "lake")
    link.symlink_to(root)
    return link.as_posix()
