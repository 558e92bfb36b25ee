"""The lock of a lake in an object store: an object that is only created and changed by conditional puts.

It is created if it does not exist (`If-None-Match: *`), and renewed, released or taken over if it is still the one that
was read (`If-Match`). The store decides every race, and only its clock says how old a lock is. The holder renews it; a lock
that is not renewed in time expires, and can be taken over.
"""

import json
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from queue import Empty, SimpleQueue
from typing import Any, Protocol
from uuid import uuid4

from shipment_etl.errors import LakeLocked, LockLost, StorageError, StorageUnfit
from shipment_etl.lake.lock import LOCK, Lock, owner_of, read_owner

__all__ = ["ObjectLock", "Objects"]

LASTS_SECONDS = 120
"""How long a lock outlives its holder."""
RENEWALS = 6
"""How often it is renewed in that time, so that some may fail."""
LOOK_SECONDS = 2.0
"""How often a waiting job checks the lock again."""
MAX_ATTEMPTS = 5


class Objects(Protocol):
    """What a lock needs from an object store; errors are StorageErrors."""

    def fetch(self, name: str) -> tuple[bytes, str, float] | None:
        """Return an object, its etag, and its age in seconds by the store's own clock, or None if it does not exist."""

    def put(self, name: str, body: bytes, etag: str | None) -> str | None:
        """Write an object if it does not exist (etag None), or still has this etag; return its new etag, else None."""


class ObjectLock(Lock):
    """A lock in an object store.

    Args:
        objects: the store.
        uri: address of the lake, for messages.
        job: the job that takes the lock.
        seconds: how long it lasts unless it is renewed; two minutes if None.
    """

    def __init__(self, objects: Objects, uri: str, job: str, seconds: float | None = None) -> None:
        self._objects = objects
        self._uri = uri
        self._seconds = LASTS_SECONDS if seconds is None else seconds
        self._owner = {**owner_of(job), "token": uuid4().hex}
        self._etag: str | None = None
        self._renewed = _now()
        self._lost = ""
        self._asked = False
        # An interrupt can break an Event, or `join`, but not these two.
        self._done: SimpleQueue[None] = SimpleQueue()
        self._kept = threading.Lock()
        self._kept.acquire()
        # A signal only interrupts the main thread, so another thread releases the lock.
        self._keeping = threading.Thread(target=self._keep, name="lake lock", daemon=True)

    def check(self) -> None:
        """Check that the lock is still ours. Errors as for `Lock.check`."""
        left = self._seconds - _seconds_since(self._renewed)
        # A commit that begins now must be finished before the lock expires.
        if not self._lost and left < self._seconds / 4:
            self._lost = "it could not be renewed in time, or this machine slept"
        if self._lost:
            raise LockLost(self._uri, self._lost)

    def _acquire(self, deadline: float) -> None:
        for _ in range(MAX_ATTEMPTS):
            there = self._objects.fetch(LOCK)
            while there is not None and not _is_free(there):
                if time.monotonic() >= deadline:
                    raise self._refusal(there)
                time.sleep(max(min(LOOK_SECONDS, deadline - time.monotonic()), 0))
                there = self._objects.fetch(LOCK)
            self._asked = True
            if self._put(None if there is None else there[1]):
                self._keeping.start()
                if there is None:
                    self._require_conditions()
                return
        raise self._refusal(self._objects.fetch(LOCK))

    def _require_conditions(self) -> None:
        """Raise StorageUnfit if the store makes a conditional put although there is a lock: two jobs could hold one."""
        if self._objects.put(LOCK, json.dumps(self._owner).encode(), None) is not None:
            raise StorageUnfit(self._uri)

    def _release(self) -> None:
        try:
            self._give_back()
        except BaseException:
            # A program that continues after an interrupt must find the lock free.
            self._give_back()
            raise

    def _give_back(self) -> None:
        self._done.put(None)
        if self._asked and self._keeping.ident is None:
            # Interrupted while the lock was taken: it may be ours.
            self._keeping.start()
        if self._asked:
            with self._kept:
                pass

    def _refusal(self, there: tuple[bytes, str, float] | None) -> LakeLocked:
        body, age = (there[0], there[2]) if there else (b"{}", 0.0)
        record = read_owner(body)
        until = datetime.now(UTC) + timedelta(seconds=_lasts(record) - age + 1)
        owner, job, since = (str(record.get(name, "unknown")) for name in ("owner", "job", "since"))
        return LakeLocked(self._uri, owner, job, since, _text(until))

    def _put(self, etag: str | None, **more: Any) -> bool:
        """Write our lock over the one with this etag; return whether it is ours now."""
        for _ in range(MAX_ATTEMPTS):
            asked = _now()
            record = {**self._owner, "seconds": self._seconds, "renewed": _text(datetime.now(UTC)), **more}
            body = json.dumps(record).encode()
            new = self._objects.put(LOCK, body, etag)
            if new is None:
                # A put whose response got lost was still made: the lock there may be ours, from now or from before.
                there = self._objects.fetch(LOCK)
                if there is None or read_owner(there[0]).get("token") != self._owner["token"]:
                    return False
                if there[0] != body:
                    etag = there[1]
                    continue
                new = there[1]
            self._etag, self._renewed = new, asked
            return True
        return False

    def _keep(self) -> None:
        """Renew the lock until the job is done, then release it."""
        try:
            self._renew()
            # A lock that cannot be released expires. It is overwritten: not every store has conditional deletes.
            if not self._lost:
                with suppress(StorageError):
                    self._put(self._etag, released=True)
        finally:
            self._kept.release()

    def _renew(self) -> None:
        while not self._is_done(self._seconds / RENEWALS):
            # A renewal that fails is retried at the next turn; `check` knows how long ago the last success was.
            with suppress(StorageError):
                if not self._put(self._etag):
                    self._lost = "another job has taken it over"
                    return

    def _is_done(self, seconds: float) -> bool:
        try:
            self._done.get(timeout=seconds)
        except Empty:
            return False
        return True


def _is_free(there: tuple[bytes, str, float]) -> bool:
    body, _, age = there
    record = read_owner(body)
    return bool(record.get("released")) or age > _lasts(record)


def _lasts(record: dict[str, Any]) -> float:
    seconds = record.get("seconds")
    return seconds if isinstance(seconds, int | float) else LASTS_SECONDS


def _now() -> tuple[float, float]:
    return time.monotonic(), time.time()


def _seconds_since(since: tuple[float, float]) -> float:
    """Return the seconds since then, by the clock that shows more: one stops during sleep, the other can be set."""
    return max(now - then for now, then in zip(_now(), since, strict=True))


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
