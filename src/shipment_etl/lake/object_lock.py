"""The lock of a lake in a store of objects: an object that only conditional puts make and change.

It is made where there is none (`If-None-Match: *`), and renewed, given back or taken over where it is still the one that
was read (`If-Match`). The store decides every race, and its clock alone says how old a lock is. Its holder renews it; one
that is not renewed for its time expires, and is taken over.
"""

import json
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from queue import Empty, SimpleQueue
from typing import Any, Protocol
from uuid import uuid4

from shipment_etl.errors import LakeLocked, LockLost, StorageError
from shipment_etl.lake.lock import LOCK, Lock, owner_of, read_owner

__all__ = ["ObjectLock", "Objects"]

LASTS_SECONDS = 120
"""How long a lock outlives its holder."""
RENEWALS = 6
"""How often it is renewed in that time, so that some may fail."""
LOOK_SECONDS = 2.0
"""How often a job that waits looks again."""
MAX_ATTEMPTS = 5


class Objects(Protocol):
    """What a lock needs of a store of objects; errors are StorageErrors."""

    def fetch(self, name: str) -> tuple[bytes, str, float] | None:
        """Return an object, its etag, and its age in seconds by the store's own clock; None if there is none."""

    def put(self, name: str, body: bytes, etag: str | None) -> str | None:
        """Write an object where none is (etag None) or where it is still that one; its new etag, None if it is not so."""


class ObjectLock(Lock):
    """A lock in a store of objects.

    Args:
        objects: where it lies.
        uri: of the lake, for messages.
        job: what it is taken for.
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
        # An Event, or `join`, can be left in disorder by an interrupt; these two cannot.
        self._done: SimpleQueue[None] = SimpleQueue()
        self._kept = threading.Lock()
        self._kept.acquire()
        # A signal interrupts the main thread only, so another one gives the lock back.
        self._keeping = threading.Thread(target=self._keep, name="lake lock", daemon=True)

    def check(self) -> None:
        """Ask whether the lock is still ours. Errors as for `Lock.check`."""
        left = self._seconds - _longest(self._renewed)
        # A commit that begins now has to be made before the lock expires.
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
                return
        raise self._refusal(self._objects.fetch(LOCK))

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
            # Interrupted while it was taken: it may be ours.
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
        """Write the lock as ours on top of the one with this etag; whether it is ours now."""
        for _ in range(MAX_ATTEMPTS):
            asked = _now()
            record = {**self._owner, "seconds": self._seconds, "renewed": _text(datetime.now(UTC)), **more}
            body = json.dumps(record).encode()
            new = self._objects.put(LOCK, body, etag)
            if new is None:
                # A put whose answer got lost was made all the same: what is there may be ours, from now or from before.
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
        """Renew the lock until the job is done, then give it back."""
        try:
            self._renew()
            # One that cannot be given back expires. It is overwritten, not deleted: not every store deletes on a condition.
            if not self._lost:
                with suppress(StorageError):
                    self._put(self._etag, released=True)
        finally:
            self._kept.release()

    def _renew(self) -> None:
        while not self._is_done(self._seconds / RENEWALS):
            # What fails now is tried again at the next turn; `check` knows how long ago the last success was.
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


def _longest(since: tuple[float, float]) -> float:
    """Return the seconds since then, by the clock that says more: one stands still in sleep, the other can be set."""
    return max(now - then for now, then in zip(_now(), since, strict=True))


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
