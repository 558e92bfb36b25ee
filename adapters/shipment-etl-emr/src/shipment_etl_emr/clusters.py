"""Clusters: Amazon EMR on EC2 as a target, with a transient cluster for each run; and operations on kept clusters."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shipment_etl_emr.calls import Calls
from shipment_etl_emr.claims import Claims
from shipment_etl_emr.errors import ClusterMayLive, EmrError, ReapIncomplete, ServiceUnavailable
from shipment_etl_emr.once import SETTLE_SECONDS, Found, find_or_create
from shipment_etl_emr.requests import ATTEMPT_TAG, MAX_AGE_TAG, NAME, RUN_TAG, cluster_request, step_request
from shipment_etl_emr.settings import Settings
from shipment_etl_emr.target import ENDED_BADLY, ENDED_WELL, FAILED, Job, Place, Progress, lookback_seconds

__all__ = ["Cluster", "Clusters"]

ALIVE = ("STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING")
GONE = ("TERMINATED", "TERMINATED_WITH_ERRORS")
END_SECONDS, UI_SECONDS = 300, 60
DEFAULT_MAX_AGE_MINUTES = 360


@dataclass(frozen=True, slots=True)
class Cluster:
    """One of our clusters; `created` in seconds since 1970, `max_age` in seconds."""

    name: str
    run: str
    attempt: int
    state: str
    created: float
    max_age: float

    @property
    def alive(self) -> bool:
        """Whether it costs money until it is terminated."""
        return self.state in ALIVE


class Clusters:
    """Amazon EMR on EC2, through an injected client that does not retry calls by itself."""

    def __init__(self, emr: Any, claims: Claims, calls: Calls, settings: Settings) -> None:
        self._emr = emr
        self._claims = claims
        self._calls = calls
        self._timing = calls.timing
        self._settings = settings

    # The target.

    def start(self, job: Job) -> Place:
        """Find the run's cluster, running or done, or create a transient one with the job as its step."""
        name = self._find_or_create(job.run, job.bootstrap, job.package, job)
        return Place(name, self._find_step(name, f"{NAME}{job.run}"))

    def look(self, place: Place) -> Progress:
        """Return the states of the cluster and the step."""
        status = self._status(place.cluster)
        state, change = status["State"], status.get("StateChangeReason", {})
        gone = state in GONE
        step = place.step or self._first_step(place.cluster)
        if not step:
            told = change.get("Code", ""), change.get("Message", "")
            return Progress(place, state, "", *told, over=gone)
        place = Place(place.cluster, step)
        found = self._calls(f"to describe the step {place}", self._emr.describe_step, ClusterId=place.cluster, StepId=step)[
            "Step"
        ]["Status"]
        over = found["State"] in (ENDED_WELL, *ENDED_BADLY)
        # If the step did not fail itself, the reason is that of its cluster.
        details = {**found.get("StateChangeReason", {}), **found.get("FailureDetails", {})}
        details = details if found["State"] == FAILED or not change.get("Code") else change
        reason = details.get("Reason") or details.get("Code") or change.get("Code", "")
        message = details.get("Message") or change.get("Message", "")
        return Progress(place, state, found["State"], reason, message, over=over or gone)

    def cancel(self, place: Place) -> None:
        """Ask a step to stop; the cluster keeps running."""
        self._calls(
            f"to cancel the step {place}",
            self._emr.cancel_steps,
            ClusterId=place.cluster,
            StepIds=[place.step],
            StepCancellationOption="TERMINATE_PROCESS",
        )

    def end(self, run: str, place: Place | None, *, unsure: bool = False) -> None:
        """Terminate all clusters of a run, and wait until they have ended.

        Raises:
            ClusterMayLive: the end of a cluster could not be confirmed.
        """
        try:
            if place is not None:
                self.end_cluster(place.cluster)
            deadline = self._timing.now() + (SETTLE_SECONDS if unsure else 0)
            for _ in self._timing.pauses(5, 15):
                for each in self.of_run(run):
                    if each.alive:
                        self.end_cluster(each.name)
                if self._timing.now() >= deadline:
                    return
        except ClusterMayLive:
            raise
        except EmrError as problem:
            raise ClusterMayLive(f"Clusters of the run {run}", str(problem)) from problem

    def logs_at(self, place: Place) -> str:
        """Return the folder where EMR puts the logs of a step."""
        return f"{self._settings.logs.rstrip('/')}/{place.cluster}/steps/{place.step}/"

    def ui(self, place: Place) -> str:
        """Return a link to the Spark UI, which outlives the cluster. Anyone with it can open it: keep it out of logs."""
        doing = f"to open the Spark UI of {place.cluster}"
        arn = self._describe(place.cluster)["ClusterArn"]
        made = self._calls(doing, self._emr.create_persistent_app_ui, TargetResourceArn=arn)["PersistentAppUIId"]
        start = self._timing.now()
        for _ in self._timing.pauses(2, 10):
            ask = self._emr.get_persistent_app_ui_presigned_url
            link = self._calls(doing, ask, PersistentAppUIId=made, PersistentAppUIType="SHS").get("PresignedURL")
            if link:
                return str(link)
            if self._timing.now() - start >= UI_SECONDS:
                raise ServiceUnavailable(doing, UI_SECONDS, "it is not ready yet.")
        raise AssertionError("pauses never end")

    # Clusters that are kept, and steps on them.

    def create(self, run: str, bootstrap: str, package: str) -> str:
        """Find a run's cluster, or create one that accepts steps and terminates when idle."""
        return self._find_or_create(run, bootstrap, package, None)

    def submit(self, cluster: str, job: Job) -> Place:
        """Find the run's step on a cluster, or add it."""

        def create(attempt: int) -> str:
            step = step_request(job, attempt=attempt)
            doing = f"to add a step to the cluster {cluster}"
            return str(self._calls.once(doing, self._emr.add_job_flow_steps, JobFlowId=cluster, Steps=[step])["StepIds"][0])

        step = find_or_create(
            f"{cluster}/{job.run}",
            find=lambda: self._steps_of(cluster, job.run),
            create=create,
            drop=lambda name: self.cancel(Place(cluster, name)),
            claims=self._claims,
            timing=self._timing,
        )
        return Place(cluster, step)

    def end_cluster(self, cluster: str) -> str:
        """Terminate a cluster, wait until it has ended, and return its state.

        Raises:
            ClusterMayLive: its end could not be confirmed.
        """
        start = self._timing.now()
        for _ in self._timing.pauses(2, 20):
            state = str(self._status(cluster)["State"])
            if state not in ALIVE:
                return state
            if self._timing.now() - start > END_SECONDS:
                raise ClusterMayLive(f"The cluster {cluster}", f"it is still {state} after {END_SECONDS} s of terminating.")
            self._calls(f"to end the cluster {cluster}", self._emr.terminate_job_flows, JobFlowIds=[cluster])
        raise AssertionError("pauses never end")

    def reap(self, run: str | None = None, *, prefix: str = "", dry: bool = False) -> Iterator[Cluster]:
        """Terminate our clusters that are older than their maximum age, and yield each.

        Args:
            run: terminate only clusters of this run, whatever their age.
            prefix: terminate only clusters of runs whose name starts with it.
            dry: terminate nothing.

        Raises:
            ReapIncomplete: at the end, if some clusters could not be checked or terminated.
        """
        now, problems = self._timing.now(), {}
        for name in [each["Id"] for each in self._list(None, ALIVE)]:
            try:
                each = _cluster(self._describe(name))
                if each is None or not each.run.startswith(prefix):
                    continue
                if each.run != run if run else now - each.created < each.max_age:
                    continue
                if not dry:
                    self.end_cluster(name)
            except EmrError as problem:
                problems[name] = problem
            else:
                yield each
        if problems:
            raise ReapIncomplete(problems)

    def of_run(self, run: str) -> list[Cluster]:
        """Return all recent clusters of a run, oldest first."""
        found = (_cluster(self._describe(each["Id"])) for each in self._list(run, None))
        return sorted((each for each in found if each and each.run == run), key=lambda each: (each.created, each.name))

    def _find_or_create(self, run: str, bootstrap: str, package: str, job: Job | None) -> str:
        def create(attempt: int) -> str:
            request = cluster_request(self._settings, run, attempt, bootstrap, package, job)
            return str(self._calls.once("to create a cluster", self._emr.run_job_flow, **request)["JobFlowId"])

        return find_or_create(
            run,
            find=lambda: [
                Found(each.created, each.name, each.attempt, self._serves(each, job)) for each in self.of_run(run)
            ],
            create=create,
            drop=self.end_cluster,
            claims=self._claims,
            timing=self._timing,
        )

    def _serves(self, cluster: Cluster, job: Job | None) -> bool:
        """Whether it is working, or has done the job, so that a client that missed the answer does not run it again."""
        if job is None:
            return cluster.alive
        step = self._step_state(cluster.name)
        return step == ENDED_WELL or (cluster.alive and step not in ENDED_BADLY)

    def _list(self, run: str | None, states: Sequence[str] | None) -> Iterator[Any]:
        """Yield clusters with our name prefix; of one run or all, in some states or all."""
        asked: dict[str, Any] = {} if states is None else {"ClusterStates": list(states)}
        if run is not None:
            since = self._timing.now() - lookback_seconds(self._settings.max_age_minutes)
            asked["CreatedAfter"] = datetime.fromtimestamp(since, UTC)
        for each in self._pages("clusters", self._emr.list_clusters, "Clusters", asked):
            if each["Name"] == f"{NAME}{run}" or (run is None and each["Name"].startswith(NAME)):
                yield each

    def _describe(self, cluster: str) -> Any:
        doing = f"to describe the cluster {cluster}"
        return self._calls(doing, self._emr.describe_cluster, ClusterId=cluster)["Cluster"]

    def _steps_of(self, cluster: str, run: str) -> list[Found]:
        begin = f"{NAME}{run}/"
        return [
            Found(_seconds(each, "CreationDateTime"), each["Id"], int(number), each["Status"]["State"] not in ENDED_BADLY)
            for each in self._steps(cluster)
            if each["Name"].startswith(begin) and (number := each["Name"].removeprefix(begin)).isdecimal()
        ]

    def _find_step(self, cluster: str, name: str) -> str:
        return next((str(each["Id"]) for each in self._steps(cluster) if each["Name"] == name), "")

    def _first_step(self, cluster: str) -> str:
        return next((str(each["Id"]) for each in self._steps(cluster) if each["Name"].startswith(NAME)), "")

    def _step_state(self, cluster: str) -> str:
        return next((str(each["Status"]["State"]) for each in self._steps(cluster)), "")

    def _steps(self, cluster: str) -> list[Any]:
        # EMR lists the newest first.
        found = self._pages(f"steps of {cluster}", self._emr.list_steps, "Steps", {"ClusterId": cluster})
        return list(found)[::-1]

    def _pages(self, what: str, call: Callable[..., Any], key: str, asked: dict[str, Any]) -> Iterator[Any]:
        marker: dict[str, Any] = {}
        while True:
            page = self._calls(f"to list {what}", call, **asked, **marker)
            yield from page.get(key, [])
            if not page.get("Marker"):
                return
            marker = {"Marker": page["Marker"]}

    def _status(self, cluster: str) -> Any:
        return self._describe(cluster)["Status"]


def _cluster(found: Any) -> Cluster | None:
    """Return a cluster from its description; None if it does not have our tags."""
    tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}
    if RUN_TAG not in tags:
        return None
    attempt, minutes = tags.get(ATTEMPT_TAG, ""), tags.get(MAX_AGE_TAG, "")
    return Cluster(
        found["Id"],
        tags[RUN_TAG],
        int(attempt) if attempt.isdecimal() else 1,
        found["Status"]["State"],
        _seconds(found, "CreationDateTime"),
        60 * (int(minutes) if minutes.isdecimal() else DEFAULT_MAX_AGE_MINUTES),
    )


def _seconds(found: Any, name: str) -> float:
    moment: datetime = found["Status"]["Timeline"][name]
    return moment.timestamp()
