"""Gate: every step by which a job changes its lake passes here, and faults are injected before or after any of them.

Steps are named by what they do, not by where the code does it: a job may make as many of them as it likes. A process that
was killed does nothing any more, so once a job is killed here, none of its further steps has an effect, whatever its
handlers try; only what the operating system would do is done.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from deltalake.table import TableOptimizer

from shipment_etl.errors import StorageFailed
from shipment_etl.lake import commits
from shipment_etl.lake.folder_storage import FolderStorage
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.lock import FolderLock
from shipment_etl.lake.object_lock import ObjectLock
from shipment_etl.lake.s3_storage import S3Storage
from shipment_etl.lake.tables import RUNS

__all__ = ["AFTER", "BEFORE", "FAIL", "INTERRUPT", "KILL", "STEPS", "Fault", "Gate", "Killed"]

BEFORE, AFTER = "before", "after"
KILL, INTERRUPT, FAIL = "kill", "interrupt", "fail"

STEPS = ("any", "lock", "write", "commit", "log", "restore", "delete", "compact", "vacuum", "checkpoint", "unlock")
"""`write`: files are written; `commit`: of a table; `log`: the commit that counts; `delete`: files or a whole table."""

DELTA = {
    "create_write_transaction": "commit",
    "restore": "restore",
    # A rollback empties the tables that a run has made.
    "delete": "restore",
    "vacuum": "vacuum",
    "create_checkpoint": "checkpoint",
    "cleanup_metadata": "checkpoint",
}
STORAGE = {"delete": "delete", "make_empty": "delete", "write": "write"}


class Killed(BaseException):
    """The process is gone. Nothing that Python does on the way out may have an effect."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens before or after the nth step of a kind: KILL, INTERRUPT, FAIL, or the name of an action of the gate."""

    step: str
    nth: int
    moment: str
    what: str

    def __repr__(self) -> str:
        return f"{self.what} {self.moment} {self.step} {self.nth}"


@dataclass
class Gate:
    """The steps of one job.

    Attributes:
        faults: in the order in which they come; each waits until the one before has happened.
        actions: faults besides the three that a gate knows.
        steps: names of the steps that were made.
        happened: the faults that happened.
        killed: whether the job was killed.
        lock: the lock that the job holds, or last held.
    """

    faults: list[Fault] = field(default_factory=list)
    actions: Mapping[str, Callable[["Gate"], None]] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    happened: list[Fault] = field(default_factory=list)
    killed: bool = False
    lock: Any = None
    open: bool = False
    _seen: int = 0

    @contextmanager
    def watch(self) -> Iterator["Gate"]:
        """Let all steps pass through here while the body runs one job."""
        with pytest.MonkeyPatch.context() as patch:
            for name, step in DELTA.items():
                self._patch(patch, DeltaTable, name, step)
            self._patch(patch, TableOptimizer, "compact", "compact")
            self._patch(patch, commits, "create_table_with_add_actions", "commit")
            for storage in (FolderStorage, S3Storage):
                for name, step in STORAGE.items():
                    if name in vars(storage):
                        self._patch(patch, storage, name, step)
                self._patch_create_file(patch, storage)
            self._patch(patch, Lake, "write_files", "write")
            for lock in (FolderLock, ObjectLock):
                self._patch_lock(patch, lock)
            yield self

    @contextmanager
    def bypass(self) -> Iterator[None]:
        """Do in the body what another process does: its steps do not pass here."""
        self.open, before = True, self.open
        try:
            yield
        finally:
            self.open = before

    @property
    def holds_lock(self) -> bool:
        """Whether the job holds the lock of the lake."""
        return "lock" in self.steps and "unlock" not in self.steps

    def step(self, name: str, do: Callable[[], Any], fail: Callable[[], Exception]) -> Any:
        """Make a step, with the faults that are due."""
        if self.open:
            return do()
        if self.killed:
            raise Killed
        due = self._due(name)
        if due and due.moment == BEFORE:
            self._act(due, fail)
        made = do()
        self.steps.append(name)
        if due and due.moment == AFTER:
            self._act(due, fail)
        return made

    def _due(self, name: str) -> Fault | None:
        # A lock that cannot be released raises nothing: it is left to expire.
        if not self.faults or self.faults[0].step not in ("any", name) or (name, self.faults[0].what) == ("unlock", FAIL):
            return None
        self._seen += 1
        if self._seen <= self.faults[0].nth:
            return None
        self._seen = 0
        self.happened.append(self.faults.pop(0))
        return self.happened[-1]

    def _act(self, fault: Fault, fail: Callable[[], Exception]) -> None:
        if fault.what == KILL:
            self.killed = True
            raise Killed
        if fault.what == INTERRUPT:
            raise KeyboardInterrupt
        if fault.what == FAIL:
            raise fail()
        with self.bypass():
            self.actions[fault.what](self)

    def _patch(self, patch: pytest.MonkeyPatch, owner: Any, name: str, step: str) -> None:
        original = getattr(owner, name)

        def make_step(*args: Any, **kwargs: Any) -> Any:
            if name == "vacuum" and (kwargs.get("dry_run") or args[2:3] == (True,)):
                return original(*args, **kwargs)
            is_log = step == "commit" and _table(args[0]).endswith(RUNS.name)
            return self.step("log" if is_log else step, lambda: original(*args, **kwargs), lambda: _failure(args[0]))

        patch.setattr(owner, name, make_step)

    def _patch_create_file(self, patch: pytest.MonkeyPatch, storage: type) -> None:
        original = storage.create_file

        @contextmanager
        def create_file(its: Any, path: str) -> Iterator[Any]:
            with original(its, path) as place:
                self.step("write", lambda: None, lambda: _failure(its))
                yield place
            self.step("write", lambda: None, lambda: _failure(its))

        patch.setattr(storage, "create_file", create_file)

    def _patch_lock(self, patch: pytest.MonkeyPatch, kind: type) -> None:
        acquire, release = kind._acquire, kind._release

        def take_lock(lock: Any, deadline: float) -> None:
            if not self.open:
                self.lock = lock
            self.step("lock", lambda: acquire(lock, deadline), lambda: StorageFailed("the lake", "forced"))

        def release_lock(lock: Any) -> None:
            if self.killed and lock is self.lock:
                _forget(lock)
                return
            try:
                self.step("unlock", lambda: release(lock), lambda: StorageFailed("the lake", "forced"))
            except Killed:
                _forget(lock)
                raise

        patch.setattr(kind, "_acquire", take_lock)
        patch.setattr(kind, "_release", release_lock)


def _forget(lock: Any) -> None:
    """Do with a lock what happens to it when its process ends."""
    if isinstance(lock, FolderLock):
        lock._lock.release(force=True)
    else:
        # A process that has ended releases nothing.
        lock._lost = "killed"
        lock._done.put(None)
        if lock._keeping.is_alive():
            lock._keeping.join()


def _table(where: Any) -> str:
    return (where if isinstance(where, str) else getattr(where, "table_uri", "")).rstrip("/")


def _failure(where: Any) -> Exception:
    """Return the error of a step that fails, as deltalake or the storage would raise it."""
    if isinstance(where, FolderStorage):
        return OSError(5, "Input/output error")
    if isinstance(where, S3Storage):
        return StorageFailed(where.uri, "forced")
    return DeltaError("Generic error: forced")
