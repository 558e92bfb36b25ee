"""Schedules of jobs and crashes on a lake: what its log says has happened, and nothing else.

`python -m tests.trust --only schedules` runs many more of them.
"""

import pytest

from shipment_etl.jobs import work
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.snapshot import Snapshot
from shipment_etl.lake.tables import RUNS
from tests.store.client import Store
from tests.trust import machine
from tests.trust.gate import AFTER, KILL, Fault
from tests.trust.machine import FIRST, LakeMachine
from tests.trust.schedules import machine_in, run_schedules
from tests.trust.small_jobs import MARTS_KEY, SOURCES

FEW = 25


@pytest.mark.slow
def test_a_lake_in_a_folder_holds_what_its_log_says_whatever_happens_to_jobs() -> None:
    run_schedules(LakeMachine, seed=1, number=FEW)


@pytest.mark.slow
def test_a_lake_on_s3_holds_what_its_log_says_whatever_happens_to_jobs(store: Store) -> None:
    run_schedules(machine_in(store.bucket("schedules")), seed=1, number=FEW // 8)


def test_a_job_that_does_not_roll_back_what_a_dead_one_left_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def take_all(lake: Lake, run: str) -> Snapshot:
        if not lake.exists():
            return Snapshot(lake)
        versions = {name: lake.version(name) for name in lake.tables()}
        return Snapshot(lake, versions, MARTS_KEY, versions.pop(RUNS.name, None))

    # Notes need a run of hypothesis around them.
    monkeypatch.setattr(machine, "note", lambda _: None)
    _run_after_a_dead_job()
    monkeypatch.setattr(work, "recover", take_all)
    with pytest.raises(AssertionError):
        _run_after_a_dead_job()


def test_independent_rollbacks_undo_what_their_own_runs_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "note", lambda _: None)
    schedule = LakeMachine()
    try:
        with schedule.jobs.ready():
            schedule.begin_with_a_batch((SOURCES[0], FIRST))
            schedule.land((SOURCES[1], FIRST), [])
            schedule.process((SOURCES[0], FIRST), [])
            processed, landed = list(reversed(schedule.logged))[:2]
            for run_id in (landed, processed):
                assert schedule.run("rollback", run_id, []) is None
                schedule.the_lake_is_what_the_log_says()
            assert list(schedule.raw) == [(SOURCES[0], FIRST)]
    finally:
        schedule.teardown()


def _run_after_a_dead_job() -> None:
    """Land a batch again, kill that job after its first commit, and process the batch."""
    batch = (SOURCES[0], FIRST)
    schedule = LakeMachine()
    try:
        with schedule.jobs.ready():
            schedule.begin_with_a_batch(batch)
            schedule.land(batch, [Fault("commit", 0, AFTER, KILL)])
            schedule.process(batch, [])
            schedule.the_lake_is_what_the_log_says()
    finally:
        schedule.teardown()
