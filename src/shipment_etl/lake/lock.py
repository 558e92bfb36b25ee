"""Lock: one writer at a time on a lake.

A job takes the lock before it reads which versions count, and holds it until its run is logged or rolled back. A job that
finds the lock taken fails at once, or waits for as long as it was asked to.
"""

import json
import os
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from errno import ENOSYS
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from shipment_etl.errors import LakeLocked, LakeUnwritable

__all__ = ["LOCK", "LOCK_FILES", "FolderLock", "Lock", "owner_of", "read_owner"]

LOCK = "_lock.json"
"""File that says who holds the lock. On S3 it is the lock itself."""
HELD = "_lock"
"""In a folder: the file that the operating system locks. Never deleted, because then another job could lock a new one."""
LOCK_FILES = (LOCK, HELD)
ENDS_WITH_PROCESS = "the end of its process"


class Lock(ABC):
    """The lock of one lake, for one job."""

    @contextmanager
    def hold(self, wait: float = 0.0) -> Iterator["Lock"]:
        """Hold the lock while the body runs.

        Args:
            wait: seconds to wait for a job that holds it.

        Raises:
            LakeLocked: another job holds it; nothing was done.
            StorageError, LakeUnwritable: the lake cannot be reached or written; nothing was done.
        """
        try:
            self._acquire(time.monotonic() + wait)
            yield self
        finally:
            self._release()

    @abstractmethod
    def check(self) -> None:
        """Check that the lock is still ours; to be called before each commit.

        Raises:
            LockLost: it is not, or that is unknown.
        """

    @abstractmethod
    def _acquire(self, deadline: float) -> None:
        """Take the lock, or raise LakeLocked once the deadline, on the monotonic clock, has passed."""

    @abstractmethod
    def _release(self) -> None:
        """Release the lock, even if taking it was interrupted; do nothing if another job holds it."""


class FolderLock(Lock):
    """The lock of a lake in a folder. The operating system holds it, so it ends with the process, however that ends.

    Args:
        root: folder of the lake, created if missing.
        job: the job that takes the lock.
    """

    def __init__(self, root: str, job: str) -> None:
        self._root = Path(root)
        self._job = job
        self._lock = FileLock(self._root / HELD, thread_local=False, fallback_to_soft=False)

    def check(self) -> None:
        """Do nothing: the lock is ours as long as the process lives."""

    def _acquire(self, deadline: float) -> None:
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=max(deadline - time.monotonic(), 0))
        except Timeout:
            raise self._refusal() from None
        except OSError as problem:
            why = "its file system has no file locks" if problem.errno == ENOSYS else problem.strerror or str(problem)
            raise LakeUnwritable(str(self._root), why) from problem
        with suppress(OSError):
            (self._root / LOCK).write_text(json.dumps(owner_of(self._job)))

    def _release(self) -> None:
        try:
            if self._lock.is_locked:
                with suppress(OSError):
                    (self._root / LOCK).unlink()
        finally:
            self._lock.release()

    def _refusal(self) -> LakeLocked:
        record: dict[str, Any] = {}
        with suppress(OSError):
            record = read_owner((self._root / LOCK).read_bytes())
        owner, job, since = (str(record.get(name, "unknown")) for name in ("owner", "job", "since"))
        return LakeLocked(self._root.as_posix(), owner, job, since, ENDS_WITH_PROCESS)


def owner_of(job: str) -> dict[str, str]:
    """Return who takes a lock, and since when, as written into it."""
    since = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {"owner": f"{socket.gethostname()} pid {os.getpid()}", "job": job, "since": since}


def read_owner(content: bytes) -> dict[str, Any]:
    """Return what a lock says; nothing if it is not one of ours, so that it expires like any other."""
    try:
        record = json.loads(content)
    except ValueError:
        return {}
    return dict(record) if isinstance(record, Mapping) else {}
