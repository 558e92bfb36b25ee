"""Schedules: hypothesis draws jobs and crashes, and the state machine runs them."""

from itertools import count
from uuid import uuid4

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis.stateful import run_state_machine_as_test

from tests.trust.machine import LakeMachine, LyingMachine
from tests.trust.proxy import Proxy

__all__ = ["STEPS_PER_SCHEDULE", "lying_machine_in", "machine_in", "run_schedules"]

STEPS_PER_SCHEDULE = 8


def machine_in(bucket: str) -> type[LakeMachine]:
    """Return a machine whose lakes are in a bucket, s3://…"""
    return type("StoreMachine", (LakeMachine,), {"place": staticmethod(lambda: f"{bucket}/{uuid4().hex}")})


def lying_machine_in(bucket: str, proxy: Proxy, seed: int) -> type[LakeMachine]:
    """Return a machine whose lakes are in a bucket behind a proxy that lies to jobs."""
    return type("LyingStoreMachine", (LyingMachine, machine_in(bucket)), {"proxy": proxy, "numbers": count(seed)})


def run_schedules(machine: type[LakeMachine], *, seed: int, number: int) -> None:
    """Run some schedules, the same for the same seed.

    Args:
        machine: the kind of lake and of jobs.
        seed: any whole number.
        number: of schedules.

    Raises:
        AssertionError: an invariant did not hold; the schedule is in its notes.
    """
    chosen = settings(
        max_examples=number,
        stateful_step_count=STEPS_PER_SCHEDULE,
        deadline=None,
        database=None,
        # Without a search for a smaller schedule that fails: it takes minutes.
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    # hypothesis keeps the seed on the class.
    drawn = seeded(seed)(type(machine.__name__, (machine,), {}))
    with machine.jobs.ready():
        run_state_machine_as_test(drawn, settings=chosen)
