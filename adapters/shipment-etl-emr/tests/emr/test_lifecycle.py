"""The lifecycle under faults: no cluster is left running, no work is done twice, and no failed job counts as a success."""

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from urllib3.exceptions import ProtocolError

from emr.world import LISTS_LAG, Client, Cluster, Faults, Killed, World, _error
from shipment_etl_emr import once
from shipment_etl_emr.calls import Calls, Unsure
from shipment_etl_emr.claims import Claims
from shipment_etl_emr.clusters import Clusters
from shipment_etl_emr.errors import (
    ClusterMayLive,
    CredentialsRefused,
    EmrError,
    NotAllowed,
    ReapIncomplete,
    RequestRefused,
)
from shipment_etl_emr.logs import Logs
from shipment_etl_emr.requests import MAX_AGE_TAG, RUN_TAG
from shipment_etl_emr.runner import EmrRunner, Outcome
from shipment_etl_emr.settings import Settings
from shipment_etl_emr.signals import Stopped
from shipment_etl_emr.target import Job, Place

SCHEDULES = 1_000
SETTINGS = Settings(code="s3://code", logs="s3://logs/emr")
JOB = Job("night", "process", "s3://code/app.py", ("--json",), "s3://code/package", "s3://code/bootstrap.sh")
TIMEOUT, SHORT = 5_400, 2_000
HOUR = 3_600


def clusters_of(client: Client) -> Clusters:
    calls = Calls(client.timing)
    return Clusters(client, Claims(client, SETTINGS.logs, calls), calls, SETTINGS)


def attempt(world: World, faults: Faults, timeout: float = TIMEOUT) -> str:
    """Run the job as one process; return its result: green, red, stopped, killed, or may live."""
    client = world.client(faults)
    runner = EmrRunner(clusters_of(client), Logs(client, Calls(client.timing)), client.timing)
    try:
        outcome = runner.run(JOB, timeout)
    except Killed:
        return "killed"
    except Stopped:
        return "stopped"
    except ClusterMayLive:
        return "may live"
    except EmrError:
        return "red"
    proof = next(each for each in world.clusters if each.name == outcome.place.cluster)
    assert proof.outcome == "good", "a failed job is reported as a success"
    assert proof.worked is not None
    assert proof.worked[1] == proof.up + proof.takes, "a job that was cut off is reported as a success"
    return "green"


def doubles(world: World) -> list[tuple[Cluster, Cluster]]:
    """Pairs of clusters that did the same work: at the same time, or after the other had done it."""
    at_work = sorted((each for each in world.clusters if each.worked), key=lambda each: each.up)
    return [
        (one, other)
        for number, one in enumerate(at_work)
        for other in at_work[number + 1 :]
        if other.up < one.worked[1] or (one.outcome == "good" and one.worked[1] == one.up + one.takes)  # type: ignore[index]
    ]


def reap(world: World, rate: float) -> None:
    """The last safeguard, as a timer runs it: once an hour, under the same faults."""
    for _ in range(4):
        world.now += HOUR
        for _ in range(3):
            try:
                list(clusters_of(world.client(Faults(rate))).reap())
                break
            except EmrError:
                continue


def schedule(seed: int) -> Counter[str]:
    """One random schedule: up to four processes one after the other, then the reaper."""
    world = World(seed)
    chance = world.random
    foreign = {"Name": "shipment-etl/by-hand", "Instances": {"KeepJobFlowAliveWhenNoSteps": True}, "Steps": [], "Tags": []}
    world.create({**foreign, "AutoTerminationPolicy": {"IdleTimeout": 10**9}}).outcome = "good"
    tally: Counter[str] = Counter()
    for _ in range(chance.randint(1, 4)):
        rate = chance.choice((0, 0.05, 0.2, 0.5))
        faults = Faults(rate, refused=chance.choice((0, 0, 0, 0.5, 1)), slow=chance.choice((0, 0, 0.1)))
        # Most calls of a run poll its progress; the important ones are the first and the last.
        when = chance.choice((chance.randint(1, 40), chance.randint(1, 400)))
        kind = chance.choice(("kill_at", "kill_at", "stop_at", "stall_at", "none"))
        if kind == "stall_at":
            # Another process, with its own faults, does all its work while this one sleeps.
            other = Faults(chance.choice((0, 0.2)), refused=chance.choice((0, 0, 1)))
            faults.while_asleep = lambda other=other: tally.update([attempt(world, replace(other))])  # type: ignore[misc]
        if kind != "none":
            setattr(faults, kind, when)
        how = attempt(world, faults)
        tally[how] += 1
        if how in ("green", "red", "stopped"):
            assert not world.alive(JOB.run), f"a client that ended {how} leaves a cluster alive"
        world.now += chance.choice((1, 30, 600))
    reap(world, chance.choice((0, 0.2)))
    world.now += 12 * HOUR
    reap(world, chance.choice((0, 0.2)))
    tally["alive"] += len([each for each in world.alive() if each.run])
    tally["doubles"] += len(doubles(world))
    tally["clusters"] += len(world.clusters) - 1
    assert world.clusters[0].told_to_end is None, "a cluster that is not ours was ended"
    return tally


def test_a_thousand_random_schedules_leave_no_cluster_no_duplicate_and_no_false_success() -> None:
    total: Counter[str] = Counter()
    for seed in range(SCHEDULES):
        found = schedule(seed)
        assert found["alive"] == 0, f"schedule {seed}: a cluster is alive after the last safeguard"
        assert found["doubles"] == 0, f"schedule {seed}: work was done twice"
        total += found
    print(dict(total))
    # There must have been enough faults, or the test says nothing.
    assert all(total[how] >= SCHEDULES / 20 for how in ("green", "red", "killed", "stopped"))


taken = Claims.latest


def unproven(runner: EmrRunner, job: Job, place: Place, timeout: float) -> Outcome:
    return Outcome(job.run, runner._wait_until_over(job.run, place, timeout).place, ())


@pytest.mark.parametrize(
    ("where", "name", "worse"),
    [
        (Clusters, "end", lambda *given, **more: None),
        (Clusters, "reap", lambda *given, **more: []),
        (EmrRunner, "wait", unproven),
        (Logs, "reports", lambda *given: [{"run_id": "1", "job": "process", "status": "succeeded"}]),
        (Clusters, "_serves", lambda self, cluster, job: cluster.alive),
        (Claims, "take", lambda *given: True),
        (Calls, "once", None),
        (Claims, "latest", lambda self, what: None if (found := taken(self, what)) is None else replace(found, age=1e9)),
        (Calls, "_refused", None),
        (once, "CLAIM_SECONDS", 0.0),
        (once, "_keep_oldest", lambda every, drop: next((each.name for each in every if each.serves), None)),
    ],
    ids=lambda given: (
        getattr(given, "__name__", None) if isinstance(given, type | ModuleType) else given if isinstance(given, str) else ""
    ),
)
def test_the_schedules_detect_a_broken_adapter(where, name, worse, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "once":
        calling = Calls.once
        # A creation that is retried at once, as boto3 does by default.

        def repeated(self: Calls, doing: str, call: Any, **arguments: Any) -> Any:
            for _ in range(4):
                try:
                    return calling(self, doing, call, **arguments)
                except Unsure:
                    continue
            return calling(self, doing, call, **arguments)

        worse = repeated
    if name == "_refused":
        calls = Calls.once
        # A lost answer is taken for a refusal: the claim is released, and a cluster that was created anyway is forgotten.

        def refused(self: Calls, doing: str, call: Any, **arguments: Any) -> Any:
            try:
                return calls(self, doing, call, **arguments)
            except Unsure as problem:
                if doing != "to create a cluster":
                    raise
                raise RequestRefused(doing, str(problem)) from problem

        name, worse = "once", refused
    monkeypatch.setattr(where, name, worse)
    with pytest.raises(AssertionError):  # noqa: PT012  # whichever comes first
        for at in range(1, 60):
            asleep(at)
            asleep_creating(at)
        for seed in range(SCHEDULES):
            found = schedule(seed)
            assert found["alive"] == found["doubles"] == 0


@pytest.mark.parametrize("outcome", ["good", "fail", "hang", "boot"])
def test_after_a_kill_between_any_two_calls_the_next_process_takes_over(outcome: str) -> None:
    reached = True
    at = 0
    while reached:
        at += 1
        world = World(at, outcomes=(outcome,))
        reached = attempt(world, Faults(kill_at=at), SHORT) == "killed"
        after = attempt(world, Faults(), SHORT)
        assert after == ("green" if outcome == "good" else "red")
        assert not world.alive()
        assert not doubles(world)
        assert len(world.clusters) <= (1 if outcome == "good" else 2), "finished work is not repeated"
    assert at > 20


@pytest.mark.parametrize("outcome", ["good", "fail", "hang", "boot"])
def test_a_stop_between_any_two_calls_leaves_nothing_running(outcome: str) -> None:
    at, how = 0, "stopped"
    while how == "stopped":
        at += 1
        world = World(at, outcomes=(outcome,))
        how = attempt(world, Faults(stop_at=at), SHORT)
        assert not world.alive(), f"stopped at {at}"
    assert at > 20


def asleep(at: int) -> None:
    """Two processes run the same job: one does all of it while the other sleeps."""
    world = World(at, outcomes=("good",))
    faults = Faults(stall_at=at)
    faults.while_asleep = lambda: attempt(world, Faults())
    assert attempt(world, faults) == "green"
    assert not doubles(world)
    assert not world.alive()


def asleep_creating(at: int) -> None:
    """Two processes create the same kept cluster: one does all of it while the other sleeps."""
    world = World(at, outcomes=("good",))
    faults = Faults(stall_at=at)

    def other() -> None:
        clusters_of(world.client(Faults())).create("kept", "s3://code/b.sh", "s3://code/p")
        world.now += LISTS_LAG

    faults.while_asleep = other
    found = clusters_of(world.client(faults)).create("kept", "s3://code/b.sh", "s3://code/p")
    assert [each.name for each in world.alive()] == [found]


def test_a_client_asleep_between_any_two_calls_does_not_repeat_the_work_of_another() -> None:
    for at in range(1, 60):
        asleep(at)
        asleep_creating(at)


REFUSED = Faults(refused=1)


@pytest.mark.parametrize("tries", [1, 20])
def test_after_a_refused_creation_the_next_attempt_is_immediate(tries: int) -> None:
    world = World(1, outcomes=("good",))
    for _ in range(tries):
        assert attempt(world, replace(REFUSED)) == "red"
    assert world.objects == {}, "the claim is released"
    start = world.now
    clusters_of(world.client(Faults())).start(JOB)
    assert world.now - start < 10


def test_after_a_kill_during_a_refused_creation_the_next_attempt_waits_at_most_once() -> None:
    at, reached = 0, True
    while reached:
        at += 1
        world = World(at, outcomes=("good",))
        reached = attempt(world, replace(REFUSED, kill_at=at)) == "killed"
        start = world.now
        clusters_of(world.client(Faults())).start(JOB)
        assert world.now - start < once.CLAIM_SECONDS + 30
        assert len(world.clusters) == 1
    assert at > 8


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_lost_answer_to_a_release_does_no_harm(carried_out: bool) -> None:
    world = World(1, outcomes=("good",))
    client = world.client(replace(REFUSED))
    delete = client.delete_object

    def lost(**given: Any) -> Any:
        if carried_out:
            delete(**given)
        raise ReadTimeoutError(endpoint_url="https://s3")

    client.delete_object = lost  # type: ignore[method-assign]
    with pytest.raises((NotAllowed, RequestRefused, CredentialsRefused)):
        clusters_of(client).start(JOB)
    start = world.now
    clusters_of(world.client(Faults())).start(JOB)
    assert (world.now - start < 10) is carried_out
    assert world.now - start < once.CLAIM_SECONDS + 30
    assert len(world.clusters) == 1


def test_reading_a_claim_is_retried() -> None:
    world = World(1)
    client = world.client(Faults())
    claims = Claims(client, SETTINGS.logs, Calls(client.timing))
    put, get = client.put_object, client.get_object
    broken = [ProtocolError("Connection broken"), ReadTimeoutError(endpoint_url="https://s3")]

    def lose_answer(**given: Any) -> Any:
        put(**given)
        raise ReadTimeoutError(endpoint_url="https://s3")

    def break_off(**given: Any) -> Any:
        if broken:
            raise broken.pop()
        return get(**given)

    client.put_object, client.get_object = lose_answer, break_off  # type: ignore[method-assign]
    # The second put finds the claim of the first, and reads who holds it.
    assert claims.take("night", 1)
    assert not broken


def test_a_release_keeps_the_claim_of_another_client() -> None:
    world = World(1)
    one, other = (Claims(world.client(Faults()), SETTINGS.logs, Calls(world.client(Faults()).timing)) for _ in range(2))
    assert one.take("night", 1)
    world.objects.clear()  # as by hand
    assert other.take("night", 1)
    one.release("night", 1)
    assert other.latest("night") is not None


def test_while_one_client_is_refused_another_gets_its_cluster() -> None:
    for at in range(1, 20):
        world = World(at, outcomes=("good",))
        faults = replace(REFUSED, stall_at=at)
        faults.while_asleep = lambda world=world: clusters_of(world.client(Faults())).start(JOB)  # type: ignore[misc]
        with suppress(EmrError):
            clusters_of(world.client(faults)).start(JOB)
        clusters_of(world.client(Faults())).start(JOB)
        assert len(world.alive(JOB.run)) == 1


def test_a_name_that_is_reused_for_months_never_waits() -> None:
    world = World(1, outcomes=("good",))
    for _ in range(90):
        start = world.now
        clusters_of(world.client(Faults())).start(JOB)
        assert world.now - start < 10
        world.now += 7 * 24 * HOUR
    assert len(world.clusters) == 90


def test_the_reaper_ends_the_others_and_reports_clusters_it_may_not_describe() -> None:
    world = World(1, outcomes=("hang",))
    request = {"Name": "shipment-etl/a", "Instances": {"KeepJobFlowAliveWhenNoSteps": False}, "Steps": [{"Name": "x"}]}
    tags = [{"Key": RUN_TAG, "Value": "a"}, {"Key": MAX_AGE_TAG, "Value": "60"}]
    one, hidden, other = (world.create({**request, "Tags": tags}) for _ in range(3))
    world.now += 2 * HOUR
    client = world.client(Faults())
    describe = client.describe_cluster

    def denied(ClusterId: str) -> Any:  # noqa: N803
        if ClusterId == hidden.name:
            raise _error("AccessDeniedException", 400)
        return describe(ClusterId)

    client.describe_cluster = denied  # type: ignore[method-assign]
    ended = []
    with pytest.raises(ReapIncomplete, match=f"1 of the clusters .* {hidden.name}: AWS does not let this role"):
        ended.extend(each.name for each in clusters_of(client).reap())
    assert sorted(ended) == sorted([one.name, other.name])
    assert world.alive() == [hidden]


def test_a_forgotten_kept_cluster_ends_by_itself() -> None:
    world = World(1, outcomes=("good",))
    assert clusters_of(world.client(Faults())).create("kept", "s3://code/b.sh", "s3://code/p") == "j-0"
    assert clusters_of(world.client(Faults())).create("kept", "s3://code/b.sh", "s3://code/p") == "j-0", "asked for again"
    world.now += 600
    assert world.alive()
    world.now += 60 * SETTINGS.idle_minutes
    assert not world.alive()


def test_the_reaper_ends_only_what_is_ours_and_old() -> None:
    world = World(1, outcomes=("hang",))
    request = {"Name": "shipment-etl/a", "Instances": {"KeepJobFlowAliveWhenNoSteps": False}, "Steps": [{"Name": "x"}]}
    tags = [{"Key": RUN_TAG, "Value": "a"}, {"Key": MAX_AGE_TAG, "Value": "60"}]
    old = world.create({**request, "Tags": tags})
    world.now += 2 * HOUR
    young = world.create({**request, "Tags": tags})
    other = world.create({**request, "Tags": []})
    world.now += 60
    clusters = clusters_of(world.client(Faults()))
    assert [each.name for each in clusters.reap(dry=True)] == [old.name]
    assert old in world.alive()
    assert [each.name for each in clusters.reap()] == [old.name]
    assert world.alive() == [young]
    assert other.told_to_end is None
    assert [each.name for each in clusters.reap("a")] == [young.name]


def test_the_reaper_of_a_prefix_leaves_other_runs_alone_whatever_their_age() -> None:
    world = World(1, outcomes=("hang",))
    request = {"Name": "shipment-etl/a", "Instances": {"KeepJobFlowAliveWhenNoSteps": False}, "Steps": [{"Name": "x"}]}
    age = {"Key": MAX_AGE_TAG, "Value": "60"}
    tags = [[{"Key": RUN_TAG, "Value": run}, age] for run in ("a:x", "a.b:x", "ab:x")]
    mine, *others = (world.create({**request, "Tags": each}) for each in tags)
    world.now += 2 * HOUR
    clusters = clusters_of(world.client(Faults()))
    assert [each.name for each in clusters.reap(prefix="a:")] == [mine.name]
    assert list(clusters.reap("a.b:x", prefix="a:")) == []
    assert world.alive() == others
