"""The lifecycle of a cluster: it follows the rules of EMR for any sequence of requests."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shipment_etl_emr.local import lifecycle
from shipment_etl_emr.local.lifecycle import ACTIVE, ENDED, GONE, Cluster, NotPossible, Step

CLUSTER_WAYS = {
    "STARTING": {"BOOTSTRAPPING", "TERMINATING"},
    "BOOTSTRAPPING": {"RUNNING", "WAITING", "TERMINATING"},
    "RUNNING": {"WAITING", "TERMINATING"},
    "WAITING": {"RUNNING", "TERMINATING"},
    "TERMINATING": {"TERMINATED", "TERMINATED_WITH_ERRORS"},
    "TERMINATED": set(),
    "TERMINATED_WITH_ERRORS": set(),
}
STEP_WAYS = {
    "PENDING": {"RUNNING", "CANCELLED"},
    "RUNNING": {"CANCEL_PENDING", "COMPLETED", "FAILED", "INTERRUPTED"},
    "CANCEL_PENDING": {"CANCELLED"},
    **{state: set() for state in ENDED},
}
ACTIONS = ("CONTINUE", "CANCEL_AND_WAIT", "TERMINATE_CLUSTER", "TERMINATE_JOB_FLOW")
SOON = 1_000


class Life(RuleBasedStateMachine):
    """A cluster with random events; each change of state must be one that EMR allows."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.cluster = Cluster(keep=True)

    def become(self, after: Cluster) -> None:
        before = self.cluster
        assert after.state == before.state or after.state in CLUSTER_WAYS[before.state]
        for old, new in zip(before.steps, after.steps, strict=False):
            assert new.name == old.name
            assert new.state == old.state or new.state in STEP_WAYS[old.state]
        if before.state in GONE:
            assert after == before, "a cluster that is gone does not change"
        self.cluster = after

    @rule(keep=st.booleans(), protected=st.booleans(), concurrency=st.integers(1, 3))
    def is_set(self, keep: bool, protected: bool, concurrency: int) -> None:
        self.cluster = replace(self.cluster, keep=keep, protected=protected, concurrency=concurrency)

    @rule(seconds=st.none() | st.integers(60, 600))
    def gets_a_policy(self, seconds: int | None) -> None:
        self.cluster = replace(self.cluster, idle_seconds=seconds)

    @rule(actions=st.lists(st.sampled_from(ACTIONS), max_size=3))
    def gets_steps(self, actions: list[str]) -> None:
        count = len(self.cluster.steps)
        steps = [Step(f"s-{count + number}", action) for number, action in enumerate(actions)]
        try:
            self.become(lifecycle.add(self.cluster, steps))
        except NotPossible:
            ending = self.cluster.state in {"TERMINATING", *GONE}
            assert ending or (self.cluster.concurrency > 1 and set(actions) != {"CONTINUE"})

    @rule()
    def fails_to_bootstrap(self) -> None:
        before = self.cluster
        self.become(lifecycle.fail_bootstrap(before, "bootstrap action 1 returned a non-zero return code"))
        assert (self.cluster.state == "TERMINATING") == (before.state in ("BOOTSTRAPPING", "TERMINATING"))

    @rule(seconds=st.integers(0, 700))
    def grows_older(self, seconds: int) -> None:
        self.now += seconds
        self.become(lifecycle.advance(self.cluster, self.now))

    @rule(number=st.integers(0, 5), force=st.booleans())
    def is_asked_to_cancel(self, number: int, force: bool) -> None:
        after, answers = lifecycle.cancel(self.cluster, [f"s-{number}"], force=force)
        (why,) = answers.values()
        step = next((each for each in self.cluster.steps if each.name == f"s-{number}"), None)
        assert bool(why) == (step is None or step.state in ENDED)
        self.become(after)

    @rule()
    def is_terminated(self) -> None:
        try:
            self.become(lifecycle.terminate(self.cluster))
        except NotPossible:
            assert self.cluster.protected

    @precondition(lambda self: any(step.state in ACTIVE for step in self.cluster.steps))
    @rule(well=st.booleans(), data=st.data())
    def has_a_step_that_ends(self, well: bool, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from([step.name for step in self.cluster.steps if step.state in ACTIVE]))
        self.become(lifecycle.end_step(self.cluster, name, well=well))
        assert next(step for step in self.cluster.steps if step.name == name).state in ENDED

    @invariant()
    def steps_begin_in_their_order(self) -> None:
        states = [step.state != "PENDING" for step in self.cluster.steps if step.state not in ENDED]
        assert states == sorted(states, reverse=True)

    @invariant()
    def what_is_gone_runs_nothing(self) -> None:
        if self.cluster.state in GONE:
            assert all(step.state in ENDED for step in self.cluster.steps)
            assert self.cluster.code

    @invariant()
    def who_waits_has_nothing_to_run(self) -> None:
        if self.cluster.state == "WAITING":
            assert not any(step.state in ACTIVE for step in self.cluster.steps)

    def teardown(self) -> None:
        """From any state, a transient cluster ends when its steps end."""
        cluster = replace(self.cluster, keep=False)
        for _ in range(SOON):
            cluster = lifecycle.advance(cluster, self.now)
            for step in cluster.steps:
                if step.state in ACTIVE:
                    cluster = lifecycle.end_step(cluster, step.name, well=True)
        assert cluster.state in GONE


Life.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestALife = Life.TestCase


@given(concurrency=st.integers(1, 4), count=st.integers(0, 8))
def test_no_more_steps_run_at_a_time_than_may(concurrency: int, count: int) -> None:
    cluster = Cluster(keep=True, concurrency=concurrency, steps=tuple(Step(f"s-{n}") for n in range(count)))
    done = 0
    while done < count:
        cluster = lifecycle.advance(cluster, 0)
        active = [step.name for step in cluster.steps if step.state in ACTIVE]
        assert len(active) <= concurrency
        for name in active[:1]:
            cluster = lifecycle.end_step(cluster, name, well=True)
            done += 1
    assert [step.state for step in cluster.steps] == ["COMPLETED"] * count


def working() -> Cluster:
    """A cluster with three steps, of which the first is running."""
    return lifecycle.advance(lifecycle.add(Cluster(keep=True, state="RUNNING"), [Step("a"), Step("b"), Step("c")]), 0)


def after_failure(action: str, *, keep: bool, protected: bool = False) -> tuple[str, str, list[str]]:
    cluster = Cluster(keep=keep, protected=protected, state="RUNNING")
    cluster = lifecycle.advance(lifecycle.add(cluster, [Step("a", action), Step("b"), Step("c")]), 0)
    cluster = lifecycle.advance(lifecycle.end_step(cluster, "a", well=False), 1)
    return cluster.state, cluster.code, [step.state for step in cluster.steps]


@pytest.mark.parametrize(
    ("action", "keep", "protected", "expected"),
    [
        ("CONTINUE", True, False, ("RUNNING", "", ["FAILED", "RUNNING", "PENDING"])),
        ("CANCEL_AND_WAIT", True, False, ("WAITING", "", ["FAILED", "CANCELLED", "CANCELLED"])),
        ("CANCEL_AND_WAIT", False, False, ("TERMINATING", "ALL_STEPS_COMPLETED", ["FAILED", "CANCELLED", "CANCELLED"])),
        ("TERMINATE_CLUSTER", True, False, ("TERMINATED_WITH_ERRORS", "STEP_FAILURE", ["FAILED", "CANCELLED", "CANCELLED"])),
        (
            "TERMINATE_JOB_FLOW",
            False,
            True,
            ("TERMINATED_WITH_ERRORS", "STEP_FAILURE", ["FAILED", "CANCELLED", "CANCELLED"]),
        ),
        # A protected cluster that waits for more steps is not terminated.
        ("TERMINATE_CLUSTER", True, True, ("WAITING", "", ["FAILED", "CANCELLED", "CANCELLED"])),
    ],
)
def test_what_a_failed_step_does_to_its_cluster(
    action: str, keep: bool, protected: bool, expected: tuple[str, str, list[str]]
) -> None:
    assert after_failure(action, keep=keep, protected=protected) == expected


def test_a_cluster_whose_bootstrap_action_fails_ends_with_errors_and_runs_nothing() -> None:
    cluster = lifecycle.add(Cluster(keep=True), [Step("s-1")])
    cluster = lifecycle.fail_bootstrap(lifecycle.advance(cluster, 0), "bootstrap action 1 failed")
    assert (cluster.code, cluster.message) == ("BOOTSTRAP_FAILURE", "bootstrap action 1 failed")
    cluster = lifecycle.advance(cluster, 1)
    assert cluster.state == "TERMINATED_WITH_ERRORS"
    assert [step.state for step in cluster.steps] == ["CANCELLED"]


def test_an_idle_cluster_ends_when_its_policy_says_so() -> None:
    cluster = Cluster(keep=True, idle_seconds=60, state="WAITING")
    cluster = lifecycle.advance(cluster, 100)
    assert lifecycle.advance(cluster, 159).state == "WAITING"
    assert lifecycle.advance(cluster, 160).state == "TERMINATING"
    busy = lifecycle.advance(lifecycle.add(cluster, [Step("a")]), 150)
    idle_again = lifecycle.advance(lifecycle.end_step(busy, "a", well=True), 155)
    assert lifecycle.advance(idle_again, 214).state == "WAITING", "it is idle since its last step ended"


def test_terminating_interrupts_running_steps_and_cancels_pending_ones() -> None:
    cluster = lifecycle.terminate(working())
    assert [step.state for step in cluster.steps] == ["RUNNING", "CANCELLED", "CANCELLED"]
    assert lifecycle.advance(cluster, 1).state == "TERMINATING", "until the process has ended"
    cluster = lifecycle.advance(lifecycle.end_step(cluster, "a", well=False), 2)
    assert (cluster.state, cluster.steps[0].state) == ("TERMINATED", "INTERRUPTED")


def test_steps_cannot_be_added_to_an_ending_cluster_or_beyond_the_limit() -> None:
    with pytest.raises(NotPossible, match="shutting down, terminated, or finished"):
        lifecycle.add(lifecycle.terminate(working()), [Step("d")])
    with pytest.raises(NotPossible, match="256"):
        lifecycle.add(working(), [Step(f"s-{n}") for n in range(254)])
