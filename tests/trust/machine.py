"""The state machine: jobs, crashes and readers in any order, and what must hold after every step.

Its model of a lake is two dictionaries: the batches that were landed, and those that were processed, as they were landed
then. A run changes them if the log says that it succeeded, and not otherwise; the log is the only commit point. Whatever
happened in between, `lake.snapshot()` must hold what the model says: no batch lost, no row doubled, no mart stale.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar

from deltalake import DeltaTable
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shipment_etl.errors import BatchMissing, LakeLocked, LakeMissing, RollbackRefused, ShipmentEtlError
from shipment_etl.hookspecs import hookimpl
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.lock import LOCK
from shipment_etl.lake.runs import FAILED, SUCCEEDED, Run, RunStart, read_runs, standing_runs
from shipment_etl.lake.snapshot import Snapshot
from shipment_etl.lake.tables import RUNS
from tests.trust.gate import AFTER, BEFORE, FAIL, INTERRUPT, KILL, Fault, Gate, Killed
from tests.trust.small_jobs import SOURCES, SmallJobs

__all__ = ["LakeMachine", "LyingMachine", "make_folder"]

FIRST = date(2026, 11, 30)
BATCHES = st.tuples(st.sampled_from(SOURCES), st.sampled_from([FIRST, FIRST + timedelta(days=1)]))
READ, RIVAL, OVERTAKE = "read", "rival", "overtake"
"""A reader comes; another job comes; a job on S3 hangs until its lock has expired and another job comes."""

SINGLE = ("lock", "log", "unlock")
"""Steps that a job makes once."""
OF_BATCHES = ("any", "lock", "write", "commit", "commit", "log", "unlock")
OF_MAINTENANCE = ("any", "any", "compact", "compact", "vacuum", "checkpoint", "log")
OF_ROLLBACK = ("any", "lock", "restore", "restore", "log", "unlock")
"""Steps of the rollback job."""
OF_ROLLING_BACK = ("any", "restore", "delete", "log", "unlock")
"""Steps of a failed job that rolls back."""
BATCH_JOBS = ("generate", "process")
MANY = 16
"""Approximate number of steps of a job."""


def faults(steps: Sequence[str], many: int = MANY) -> st.SearchStrategy[Fault]:
    """Draw a fault at one of some steps."""
    whats = st.sampled_from((KILL, KILL, INTERRUPT, INTERRUPT, FAIL, FAIL, READ, RIVAL, OVERTAKE, OVERTAKE))
    moments = st.sampled_from((BEFORE, AFTER))

    def at(step: str) -> st.SearchStrategy[Fault]:
        nth = st.integers(0, {"any": many}.get(step, 0 if step in SINGLE else 3))
        return st.builds(Fault, st.just(step), nth, moments, whats)

    return st.sampled_from(steps).flatmap(at)


def pairs_of_faults(steps: Sequence[str]) -> st.SearchStrategy[list[Fault]]:
    """Draw a fault for a job that makes some steps, and another one that follows, such as while it rolls back."""
    return st.tuples(faults(steps), faults(OF_ROLLING_BACK, many=3)).map(list)


Job = Callable[[Lake, object], Any]


def make_folder() -> str:
    """Make a folder for a lake, in memory where there is such a place."""
    memory = Path("/dev/shm")
    return tempfile.mkdtemp(prefix="trust-", dir=memory if memory.is_dir() else None)


class LakeMachine(RuleBasedStateMachine):
    """Schedules of jobs on one lake.

    Attributes:
        jobs: small or real ones.
        place: makes the address of a new lake.
        lies: whether the store may lie at any time.
    """

    lies: ClassVar[bool] = False

    jobs: ClassVar[Any] = SmallJobs()
    place: ClassVar[Callable[[], str]] = staticmethod(lambda: make_folder() + "/lake")

    def __init__(self) -> None:
        super().__init__()
        self.uri = self.place()
        self.in_store = self.uri.startswith("s3:")
        # Two processes, each of which knows the lake as it last saw it.
        self.lake, self.another = Lake(self.uri), Lake(self.uri)
        self.raw: dict[Any, Any] = {}
        self.processed: dict[Any, Any] = {}
        self.changes: dict[str, Callable[[], None]] = {}
        # What each run has changed: which of the two, which batch, and what was there before.
        self.before: dict[str, tuple[dict[Any, Any], Any, Any]] = {}
        # Whether a table was rewritten with the same rows since then: such a run cannot be rolled back.
        self.rewritten = False
        self.logged: dict[str, str] = {}
        self.log_version: int | None = None
        self.landed = 0

    def teardown(self) -> None:
        if not self.in_store:
            shutil.rmtree(Path(self.uri).parent)

    @initialize(batch=BATCHES)
    def begin_with_a_batch(self, batch: Any) -> None:
        self.land(batch, [])
        self.process(batch, [])

    @rule(batch=BATCHES, faults=pairs_of_faults(OF_BATCHES))
    def land(self, batch: Any, faults: list[Fault]) -> None:
        self.run("land", batch, faults)

    @rule(batch=BATCHES, faults=pairs_of_faults(OF_BATCHES))
    def process(self, batch: Any, faults: list[Fault]) -> None:
        self.run("process", batch, faults)

    @rule(faults=pairs_of_faults(OF_MAINTENANCE), hours=st.sampled_from((0, 168)))
    def maintain(self, faults: list[Fault], hours: int) -> None:
        # Only the age of its files protects a job that lost its lock from maintenance.
        overtaken = any(fault.what == OVERTAKE for fault in faults)
        self.rewritten = True
        self.run("maintain", 168 if overtaken else hours, faults)

    @rule(faults=pairs_of_faults(OF_ROLLBACK))
    def roll_back_the_newest_run(self, faults: list[Fault]) -> None:
        standing = [run.run_id for run in standing_runs(read_runs(self.another)) if run.run_id in self.before]
        if standing:
            self.run("rollback", standing[0], faults)

    @rule(which=st.integers(0, 10))
    def compact_by_another_program(self, which: int) -> None:
        tables = self.lake.tables()
        table = DeltaTable(self.lake.location(tables[which % len(tables)]), storage_options=self.lake.storage.options)
        table.optimize.compact()
        self.rewritten = True

    @invariant()
    def the_lake_is_what_the_log_says(self) -> None:
        self.read_log()
        self.check_snapshot()

    def read_log(self) -> None:
        """Update the model with the new runs of the log."""
        version = self.another.version(RUNS.name) if self.another.has(RUNS.name) else None
        if version == self.log_version:
            return
        self.log_version = version
        runs = list(read_runs(self.another))
        assert len(runs) == len({run.run_id for run in runs}), "a run is logged twice"
        assert set(self.logged) <= {run.run_id for run in runs}, "the log lost a run"
        for run in reversed(runs):
            if run.run_id not in self.logged:
                self.logged[run.run_id] = run.status
                assert run.run_id in self.changes, "a run is logged that nobody started"
                if run.status == SUCCEEDED:
                    self._change(run)

    def _change(self, run: Run) -> None:
        if run.job in BATCH_JOBS:
            changed, batch = self.processed if run.job == "process" else self.raw, (run.source, run.batch_date)
            self.before[run.run_id] = changed, batch, changed.get(batch)
            self.rewritten = False
        self.changes[run.run_id]()

    def _undo(self, run_id: str) -> None:
        changed, batch, values = self.before[run_id]
        if values is None:
            del changed[batch]
        else:
            changed[batch] = values

    def check_snapshot(self) -> None:
        try:
            snapshot = self.another.snapshot()
        except LakeMissing:
            assert not self.raw
            return
        self.jobs.check(snapshot, self.raw, self.processed)

    def run(self, job: str, what: Any, planned: list[Fault], lake: Lake | None = None) -> BaseException | None:
        """Run a job with faults, and judge how it ended by the log."""
        change, do = self._job(job, what)
        listener = _Listener(self.changes, change)
        gate = Gate(list(planned), {READ: self._read, RIVAL: self._rival, OVERTAKE: self._overtake})
        ended: BaseException | None = None
        try:
            with gate.watch():
                self.attempt(lambda: do(lake or self.lake, listener))
        except (Exception, KeyboardInterrupt, Killed) as problem:
            if isinstance(problem, KeyboardInterrupt) and all(fault.what != INTERRUPT for fault in gate.happened):
                # The user has stopped the schedules.
                raise
            ended = problem
        note(f"{job} {what}: {ended!r} after {' '.join(gate.steps)}; {gate.happened}")
        if gate.killed and gate.holds_lock and self.in_store:
            self._wait_for_expiry()
        self.read_log()
        self._judge(job, ended, gate, listener.run_id)
        return ended

    def attempt(self, do: Callable[[], Any]) -> None:
        """Do the job."""
        do()

    def _job(self, job: str, what: Any) -> tuple[Callable[[], None], Job]:
        """Return what a job changes in the model if it succeeds, and how to run it."""
        if job == "land":
            self.landed += 1
            values = self.jobs.values(self.landed)
            return lambda: self.raw.update({what: values}), lambda lake, to: self.jobs.land(lake, what, values, to)
        if job == "process":
            return (
                lambda: self.processed.update({what: self.raw[what]}),
                lambda lake, to: self.jobs.process(lake, what, to),
            )
        if job == "rollback":
            return lambda: self._undo(what), lambda lake, to: self.jobs.roll_back(lake, what, to)
        return lambda: None, lambda lake, to: self.jobs.maintain(lake, what, to)

    def _judge(self, job: str, ended: BaseException | None, gate: Gate, run_id: str | None) -> None:
        status = self.logged.get(run_id or "")
        harmless = (READ, RIVAL) if self.in_store else (READ, RIVAL, OVERTAKE)
        harmed = self.lies or any(fault.what not in harmless for fault in gate.happened)
        if ended is None:
            assert status == SUCCEEDED, f"the job ended well, and is logged as {status}"
            if not harmed:
                self._check_newest()
        elif isinstance(ended, Exception):
            assert status in (None, FAILED), f"the job ended with {ended!r}, and is logged as {status}"
            forced = any(fault.what == FAIL for fault in gate.happened)
            assert forced or isinstance(ended, ShipmentEtlError), f"{ended!r} is no error of ours"
            assert harmed or isinstance(ended, BatchMissing | LakeMissing | LakeLocked | RollbackRefused), f"{ended!r}: why?"
            # A rival may have put a run on top of the one to be rolled back.
            may_refuse = self.rewritten or any(fault.what in (RIVAL, OVERTAKE) for fault in gate.happened)
            assert may_refuse or not isinstance(ended, RollbackRefused), f"refused, and why? {ended}"

    def _check_newest(self) -> None:
        """After a job that ended well, the newest versions of the tables hold what counts."""
        newest = {name: self.another.version(name) for name in self.another.tables() if name != RUNS.name}
        if newest != self.another.snapshot().tables:
            self.jobs.check(Snapshot(self.another, newest), self.raw, self.processed)

    def _read(self, gate: Gate) -> None:
        self.read_log()
        self.check_snapshot()

    def _rival(self, gate: Gate) -> None:
        """Another job comes, and finds the lock taken, or already free."""
        ended = self.run("process", next(iter(self.raw), (SOURCES[0], FIRST)), [], self.another)
        assert not gate.holds_lock or isinstance(ended, LakeLocked), f"two jobs at once: {ended!r}"

    def _overtake(self, gate: Gate) -> None:
        """The job hangs until its lock has expired, and another one runs meanwhile."""
        if not self.in_store or not gate.holds_lock:
            self._rival(gate)
            return
        self._wait_for_expiry()
        gate.lock._renewed = (time.monotonic() - 1e6, time.time() - 1e6)
        ended = self.run("process", next(iter(self.raw), (SOURCES[0], FIRST)), [], self.another)
        assert not isinstance(ended, LakeLocked)

    def _wait_for_expiry(self) -> None:
        """Make the lock in the store expire."""
        found = self.lake.storage.fetch(LOCK)
        assert found is not None
        if json.loads(found[0]).get("released"):
            return
        assert self.lake.storage.put(LOCK, json.dumps({**json.loads(found[0]), "seconds": -1}).encode(), found[1])


class LyingMachine(LakeMachine):
    """Schedules of jobs on a store that lies to them, and to nobody else.

    Attributes:
        proxy: the proxy that lies.
        share: share of the requests that it lies about.
        numbers: seed of each job's lies.
    """

    lies = True
    proxy: ClassVar[Any]
    share: ClassVar[float] = 0.03
    numbers: ClassVar[Iterator[int]]

    def run(self, job: str, what: Any, planned: list[Fault], lake: Lake | None = None) -> BaseException | None:
        return super().run(job, what, [], lake)

    def attempt(self, do: Callable[[], Any]) -> None:
        self.proxy.lie(next(self.numbers), self.share)
        try:
            do()
        finally:
            self.proxy.be_honest()
            if self.lake.storage.fetch(LOCK):
                # It may not have been possible to release it.
                self._wait_for_expiry()


class _Listener:
    """Notes which run a job is."""

    def __init__(self, changes: dict[str, Callable[[], None]], change: Callable[[], None]) -> None:
        self.run_id: str | None = None
        self._changes = changes
        self._change = change

    @hookimpl
    def before_run(self, start: RunStart) -> None:
        self.run_id = start.run_id
        self._changes[start.run_id] = self._change
