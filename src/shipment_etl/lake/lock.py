"""Lock: keeps a second writer off a lake whose tables could not bear two.

It is an object in the lake, `_lock.json`, that only a conditional put makes or changes: where there is none
(`If-None-Match: *`), or where it is still the one that was read (`If-Match`). S3 decides such races, and its clock alone
says how old a lock is. Its holder renews it; one that is not renewed for its time expires, and is taken over.
"""

import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any, Protocol
from uuid import uuid4

from shipment_etl.errors import LakeLocked, LockLost, StorageError

__all__ = ["LOCK", "Lock", "ObjectLock", "Objects"]

LOCK = "_lock.json"
LASTS_SECONDS = 120
"""How long a lock outlives its holder."""
RENEWALS = 6
"""How often it is renewed in that time, so that some may fail."""
MOST_TRIES = 5


class Lock:
    """No lock at all, where none is needed."""

    @contextmanager
    def held(self) -> Iterator["Lock"]:
        """Hold the lock while the body runs.

        Raises:
            LakeLocked: someone else holds it; nothing was done.
            StorageError: the storage cannot be reached or written; nothing was done.
        """
        yield self

    def check(self) -> None:
        """Ask whether the lock is still ours; to be asked before each write.

        Raises:
            LockLost: it is not, or nobody knows.
        """


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
        self._owner = {"owner": f"{socket.gethostname()} pid {os.getpid()}", "job": job, "token": uuid4().hex}
        self._since = ""
        self._etag: str | None = None
        self._renewed = _now()
        self._lost = ""

    @contextmanager
    def held(self) -> Iterator["ObjectLock"]:
        """Hold the lock while the body runs. Errors as for `Lock.held`."""
        self._take()
        done = Event()
        renewing = Thread(target=self._renew_until, args=(done,), name="lake lock", daemon=True)
        renewing.start()
        try:
            yield self
        finally:
            done.set()
            renewing.join()
            self._give_back()

    def check(self) -> None:
        """Ask whether the lock is still ours. Errors as for `Lock.check`."""
        left = self._seconds - _longest(self._renewed)
        # A write that begins now has to be done before the lock expires.
        if not self._lost and left < self._seconds / 4:
            self._lost = "it could not be renewed in time, or this machine slept"
        if self._lost:
            raise LockLost(self._uri, self._lost)

    def _take(self) -> None:
        self._since = _text(datetime.now(UTC))
        for _ in range(MOST_TRIES):
            there = self._objects.fetch(LOCK)
            if there is not None and not self._free(there):
                raise self._locked(there)
            if self._put(None if there is None else there[1]):
                return
        raise self._locked(self._objects.fetch(LOCK))

    def _free(self, there: tuple[bytes, str, float]) -> bool:
        body, _, age = there
        record = _record(body)
        return bool(record.get("released")) or age > _lasts(record)

    def _locked(self, there: tuple[bytes, str, float] | None) -> LakeLocked:
        body, age = (there[0], there[2]) if there else (b"{}", 0.0)
        record = _record(body)
        until = datetime.now(UTC) + timedelta(seconds=_lasts(record) - age + 1)
        owner, job, since = (str(record.get(name, "unknown")) for name in ("owner", "job", "since"))
        return LakeLocked(self._uri, owner, job, since, _text(until))

    def _put(self, etag: str | None, **more: Any) -> bool:
        """Write the lock as ours on top of the one with this etag; whether that was still the one."""
        asked = _now()
        record = {**self._owner, "since": self._since, "seconds": self._seconds, "renewed": _text(datetime.now(UTC)), **more}
        body = json.dumps(record).encode()
        new = self._objects.put(LOCK, body, etag)
        if new is None:
            # A put that was repeated because its answer got lost is refused for what it wrote itself.
            there = self._objects.fetch(LOCK)
            if there is None or there[0] != body:
                return False
            new = there[1]
        self._etag, self._renewed = new, asked
        return True

    def _renew_until(self, done: Event) -> None:
        while not done.wait(self._seconds / RENEWALS):
            # What fails now is tried again at the next turn; `check` knows how long ago the last success was.
            with suppress(StorageError):
                if not self._put(self._etag):
                    self._lost = "someone else has taken it over"
                    return

    def _give_back(self) -> None:
        # Who cannot give it back lets it expire. It is overwritten, not deleted: not every store deletes on a condition.
        if not self._lost:
            with suppress(StorageError):
                self._put(self._etag, released=True)


def _record(body: bytes) -> dict[str, Any]:
    """Return what a lock says; nothing where it is not one of ours, so that it expires as others do."""
    try:
        record = json.loads(body)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def _lasts(record: Mapping[str, Any]) -> float:
    seconds = record.get("seconds")
    return seconds if isinstance(seconds, int | float) else LASTS_SECONDS


def _now() -> tuple[float, float]:
    return time.monotonic(), time.time()


def _longest(since: tuple[float, float]) -> float:
    """Return the seconds since then, by the clock that says more: one stands still in sleep, the other can be set."""
    return max(now - then for now, then in zip(_now(), since, strict=True))


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
