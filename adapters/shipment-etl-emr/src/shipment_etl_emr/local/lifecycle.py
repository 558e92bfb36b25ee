"""The lifecycle of a cluster and its steps, as on Amazon EMR. Pure: each function returns the changed cluster."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

__all__ = [
    "ACTIVE",
    "BOOTSTRAPPING",
    "ENDED",
    "GONE",
    "Cluster",
    "NotPossible",
    "Step",
    "add",
    "advance",
    "cancel",
    "end_step",
    "fail_bootstrap",
    "terminate",
]

STARTING, BOOTSTRAPPING, RUNNING, WAITING = "STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING"
TERMINATING, TERMINATED, TERMINATED_WITH_ERRORS = "TERMINATING", "TERMINATED", "TERMINATED_WITH_ERRORS"
PENDING, CANCEL_PENDING = "PENDING", "CANCEL_PENDING"
COMPLETED, CANCELLED, FAILED, INTERRUPTED = "COMPLETED", "CANCELLED", "FAILED", "INTERRUPTED"

GONE = frozenset({TERMINATED, TERMINATED_WITH_ERRORS})
"""States of a cluster that has ended."""
ENDED = frozenset({COMPLETED, CANCELLED, FAILED, INTERRUPTED})
"""States of a step that is over."""
ACTIVE = frozenset({RUNNING, CANCEL_PENDING})
"""States of a step that has a process."""
ENDED_WITH_ERRORS = frozenset({"BOOTSTRAP_FAILURE", "STEP_FAILURE"})
"""Reasons for which a cluster ends with errors."""
ENDS_CLUSTER = frozenset({"TERMINATE_CLUSTER", "TERMINATE_JOB_FLOW"})
MAX_STEPS = 256


class NotPossible(ValueError):
    """EMR would refuse this change to a cluster in this state."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step; `forced` is whether to cancel it by SIGKILL, without SIGTERM first."""

    name: str
    on_failure: str = "CONTINUE"
    state: str = PENDING
    forced: bool = False


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster.

    Attributes:
        keep: whether it waits for more steps when all are over; otherwise it ends.
        protected: whether it must not be terminated.
        concurrency: maximum number of steps that run at a time.
        idle_seconds: how long it may be idle before it ends; None means forever.
        idle_since: when it became idle.
        code, message: reason for its state.
    """

    keep: bool
    protected: bool = False
    concurrency: int = 1
    idle_seconds: float | None = None
    idle_since: float | None = None
    state: str = STARTING
    code: str = ""
    message: str = ""
    steps: tuple[Step, ...] = field(default=())


def add(cluster: Cluster, steps: Sequence[Step]) -> Cluster:
    """Add steps.

    Raises:
        NotPossible: it is ending, has too many, or would run several at a time with one that stops the others.
    """
    if cluster.state in {TERMINATING, *GONE}:
        raise NotPossible("A job flow that is shutting down, terminated, or finished may not be modified.")
    if sum(step.state not in ENDED for step in cluster.steps) + len(steps) > MAX_STEPS:
        raise NotPossible(f"Maximum number of active steps ({MAX_STEPS}) for cluster exceeded.")
    if cluster.concurrency > 1 and any(step.on_failure != "CONTINUE" for step in steps):
        raise NotPossible("ActionOnFailure must be CONTINUE where StepConcurrencyLevel is greater than 1.")
    return replace(cluster, steps=(*cluster.steps, *steps))


def cancel(cluster: Cluster, names: Sequence[str], *, force: bool = False) -> tuple[Cluster, dict[str, str]]:
    """Cancel steps; also return, by step, why it cannot be cancelled: empty if it can."""

    def cancel_step(step: Step) -> Step:
        if step.name not in names or step.state not in (PENDING, RUNNING, CANCEL_PENDING):
            return step
        return replace(step, state=CANCELLED if step.state == PENDING else CANCEL_PENDING, forced=force or step.forced)

    by_name = {step.name: step for step in cluster.steps}
    answers = {}
    for name in names:
        step = by_name.get(name)
        why = "The step does not exist." if step is None else f"The step is {step.state}." if step.state in ENDED else ""
        answers[name] = why
    return replace(cluster, steps=tuple(map(cancel_step, cluster.steps))), answers


def terminate(cluster: Cluster) -> Cluster:
    """Terminate a cluster; one that is ending or gone is left unchanged.

    Raises:
        NotPossible: the cluster is protected.
    """
    if cluster.state in {TERMINATING, *GONE}:
        return cluster
    if cluster.protected:
        raise NotPossible("Could not shut down one or more job flows since they are termination protected.")
    return _start_ending(cluster, "USER_REQUEST", "Terminated by user request")


def end_step(cluster: Cluster, name: str, *, well: bool) -> Cluster:
    """Record that the process of a step has ended, `well` or not."""
    (step,) = (each for each in cluster.steps if each.name == name)
    if step.state not in ACTIVE:
        return cluster
    if step.state == CANCEL_PENDING:
        return _set_state(cluster, name, CANCELLED)
    if cluster.state == TERMINATING and not well:
        return _set_state(cluster, name, INTERRUPTED)
    cluster = _set_state(cluster, name, COMPLETED if well else FAILED)
    if well or step.on_failure == "CONTINUE":
        return cluster
    if step.on_failure in ENDS_CLUSTER and not (cluster.protected and cluster.keep):
        return _start_ending(cluster, "STEP_FAILURE", "Shut down as step failed")
    return _cancel_pending(cluster)


def fail_bootstrap(cluster: Cluster, message: str) -> Cluster:
    """End a cluster whose bootstrap action failed."""
    return _start_ending(cluster, "BOOTSTRAP_FAILURE", message) if cluster.state == BOOTSTRAPPING else cluster


def advance(cluster: Cluster, now: float) -> Cluster:
    """Make the next change of state that happens by itself; return the same cluster if nothing changes."""
    if cluster.state in GONE:
        return cluster
    if cluster.state == STARTING:
        return replace(cluster, state=BOOTSTRAPPING)
    if cluster.state == BOOTSTRAPPING:
        return replace(cluster, state=RUNNING if cluster.steps or not cluster.keep else WAITING)
    active = sum(step.state in ACTIVE for step in cluster.steps)
    if cluster.state == TERMINATING:
        if active:
            return cluster
        return replace(cluster, state=TERMINATED_WITH_ERRORS if cluster.code in ENDED_WITH_ERRORS else TERMINATED)
    return _work(cluster, active, now)


def _work(cluster: Cluster, active: int, now: float) -> Cluster:
    due = [step.name for step in cluster.steps if step.state == PENDING][: max(cluster.concurrency - active, 0)]
    for name in due:
        cluster = _set_state(cluster, name, RUNNING)
    if active or due:
        return replace(cluster, state=RUNNING, idle_since=None)
    if not cluster.keep:
        failed = any(step.state == FAILED for step in cluster.steps)
        return _start_ending(cluster, "ALL_STEPS_COMPLETED", f"Steps completed{' with errors' if failed else ''}")
    since = now if cluster.idle_since is None else cluster.idle_since
    if cluster.idle_seconds is not None and now - since >= cluster.idle_seconds:
        return _start_ending(cluster, "USER_REQUEST", "Terminated by its auto-termination policy")
    return replace(cluster, state=WAITING, idle_since=since)


def _start_ending(cluster: Cluster, code: str, message: str) -> Cluster:
    return replace(_cancel_pending(cluster), state=TERMINATING, code=code, message=message, idle_since=None)


def _cancel_pending(cluster: Cluster) -> Cluster:
    steps = (replace(step, state=CANCELLED) if step.state == PENDING else step for step in cluster.steps)
    return replace(cluster, steps=tuple(steps))


def _set_state(cluster: Cluster, name: str, state: str) -> Cluster:
    steps = (replace(step, state=state) if step.name == name else step for step in cluster.steps)
    return replace(cluster, steps=tuple(steps))
