"""Schedules of jobs and crashes on a lake: what its log says has happened, and nothing else.

`python -m tests.trust --only schedules` runs many more of them.
"""

import pytest

from shipment_etl.jobs import work
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.snapshot import Snapshot
from shipment_etl.lake.tables import RUNS
from tests.store.client import Store
from tests.trust.machine import LakeMachine
from tests.trust.schedules import machine_in, run_schedules
from tests.trust.small_jobs import MARTS_KEY

FEW = 25


@pytest.mark.slow
def test_a_lake_in_a_folder_holds_what_its_log_says_whatever_happens_to_jobs() -> None:
    run_schedules(LakeMachine, seed=1, number=FEW)


@pytest.mark.slow
def test_a_lake_on_s3_holds_what_its_log_says_whatever_happens_to_jobs(store: Store) -> None:
    run_schedules(machine_in(store.bucket("schedules")), seed=1, number=FEW // 8)


def test_schedules_find_a_job_that_does_not_roll_back_what_a_dead_one_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def take_all(lake: Lake, run: str) -> Snapshot:
        if not lake.exists():
            return Snapshot(lake)
        versions = {name: lake.version(name) for name in lake.tables()}
        return Snapshot(lake, versions, MARTS_KEY, versions.pop(RUNS.name, None))

    monkeypatch.setattr(work, "recover", take_all)
    with pytest.raises(AssertionError):
        run_schedules(LakeMachine, seed=1, number=200)
