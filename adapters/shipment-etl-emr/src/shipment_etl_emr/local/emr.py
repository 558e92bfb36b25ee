"""Amazon EMR as moto has it, made to live: states follow `lifecycle`, and calls that moto misses are added.

Everything that leans on moto's inside is here. Its objects hold the truth, for a reset of moto replaces them; a cluster is
read from them as a plain value, and what `lifecycle` makes of it is written back.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from moto.core.responses import ActionResult, BaseResponse, EmptyResult
from moto.core.utils import camelcase_to_underscores, utcnow
from moto.emr import models, urls
from moto.emr.exceptions import InvalidRequestException, ValidationException
from moto.emr.responses import ElasticMapReduceResponse

from shipment_etl_emr.local import lifecycle
from shipment_etl_emr.local.lifecycle import ACTIVE, ENDED, GONE, NotPossible

__all__ = ["LOCK", "LiveCluster", "clusters", "install"]

LOCK = threading.RLock()
"""Held while clusters are read or changed: by each call, and by the executor."""
MIN_IDLE, MAX_IDLE = 60, 604_800
DEFAULT_IDLE = 3_600
SPARKS = {"emr-7.13.0": "3.5.6"}
"""Releases that are described, with their Spark."""


class LiveStep(models.Step):
    """A step that knows why it failed, and whether it is to be cancelled by force."""

    forced = False
    failure: dict[str, str] | None = None

    @property
    def status(self) -> dict[str, Any]:
        """As moto tells it, with the details of a failure."""
        return {**super().status, **({"FailureDetails": self.failure} if self.failure else {})}


class LiveCluster(models.Cluster):
    """A cluster whose states are those of `lifecycle`."""

    code = ""
    message = ""
    idle_seconds: float | None = None
    idle_since: float | None = None
    fleets: list[dict[str, Any]]
    # moto's own type does not have what a step has in here.
    steps: list[Any]
    scaling: dict[str, Any] | None = None
    configured: Sequence[Mapping[str, Any]] = ()
    """Configurations as they were asked for; moto changes the case of names in them."""

    def __init__(self, backend: models.ElasticMapReduceBackend, **asked: Any) -> None:
        self.fleets = []
        super().__init__(backend, **{**asked, "steps": []})
        self.add_steps(asked["steps"])

    @property
    def value(self) -> lifecycle.Cluster:
        """The cluster as a plain value."""
        steps = (lifecycle.Step(step.id, step.action_on_failure, step.state, step.forced) for step in self.steps)
        return lifecycle.Cluster(
            bool(self.keep_job_flow_alive_when_no_steps),
            bool(self.termination_protected),
            int(self.step_concurrency_level or 1),
            self.idle_seconds,
            self.idle_since,
            str(self.state or "STARTING"),
            self.code,
            self.message,
            tuple(steps),
        )

    def become(self, value: lifecycle.Cluster) -> None:
        """Take over what was made of the value."""
        now = utcnow()
        if value.state != self.state and value.state in ("RUNNING", "WAITING") and self.ready_datetime is None:
            self.ready_datetime = now
        if value.state in GONE and self.state not in GONE:
            self.end_datetime = now
        self.state, self.idle_since, self.code, self.message = value.state, value.idle_since, value.code, value.message
        for mine, step in zip(self.steps, value.steps, strict=True):
            if step.state in ACTIVE and mine.start_date_time is None:
                mine.start_date_time = now
            if step.state in ENDED and mine.state not in ENDED:
                mine.end_date_time = now
            mine.state, mine.forced = step.state, step.forced

    def add_steps(self, steps: list[dict[str, Any]]) -> list[models.Step]:
        """Add steps, all of them pending."""
        if not steps:
            # moto asks for these before the cluster is whole.
            return []
        new: list[models.Step] = [LiveStep(state="PENDING", **step) for step in steps]
        added = [lifecycle.Step(step.id, step.action_on_failure) for step in new]
        value = _possible(lambda: lifecycle.add(self.value, added))
        self.steps.extend(new)
        self.become(value)
        return new

    def run_bootstrap_actions(self) -> None:
        """Leave it to the executor, and to time, how the cluster goes on."""

    def terminate(self) -> None:
        """End the cluster, if it may be ended."""
        self.become(_possible(lambda: lifecycle.terminate(self.value)))

    @property
    def status(self) -> dict[str, Any]:
        """As moto tells it, with EMR's reason."""
        told = super().status
        return {**told, "StateChangeReason": {"Code": self.code or None, "Message": self.message or None}}

    @property
    def instance_collection_type(self) -> str:
        """Whether it is of fleets or of groups."""
        return "INSTANCE_FLEET" if self.fleets else "INSTANCE_GROUP"


class _Clusters(dict[str, Any]):
    """Clusters by ID; asked for one that is not there, it answers as EMR does."""

    def __missing__(self, name: str) -> Any:
        raise InvalidRequestException(f"Cluster id '{name}' is not valid.")


class LiveBackend(models.ElasticMapReduceBackend):
    """EMR of one account in one region."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.clusters = _Clusters()

    @property
    def _url_module(self) -> Any:
        # moto would look for it beside this module.
        return SimpleNamespace(url_bases=urls.url_bases, url_paths={"{0}/$": LiveResponse.dispatch})

    def describe_step(self, cluster_id: str, step_id: str) -> models.Step:
        """Return a step."""
        step = super().describe_step(cluster_id, step_id)
        if step is None:
            raise InvalidRequestException(f"Step id '{step_id}' is not valid.")
        return step

    def run_job_flow(self, **asked: Any) -> LiveCluster:
        """Create a cluster."""
        # It is abstract only in what concerns CloudFormation, and moto makes clusters all the same.
        return LiveCluster(self, **asked)  # type: ignore[abstract]

    def create_security_configuration(self, name: str, security_configuration: Any) -> models.SecurityConfiguration:
        """Keep a security configuration as text; a stack brings it as a mapping."""
        text = security_configuration if isinstance(security_configuration, str) else json.dumps(security_configuration)
        return super().create_security_configuration(name, text)

    def list_clusters(self, *given: Any, **asked: Any) -> list[models.Cluster]:
        """Return clusters, the newest first."""
        return sorted(super().list_clusters(*given, **asked), key=lambda each: each.creation_datetime, reverse=True)


class LiveResponse(ElasticMapReduceResponse):
    """The calls of EMR: those of moto, and those it misses."""

    def get_region_from_url(self, request: Any, full_url: str) -> str:
        """Return the region that the client means, which its signature tells."""
        return BaseResponse.get_region_from_url(self, request, full_url)

    def call_action(self) -> Any:
        """Answer a call, while no other changes anything."""
        action = self._get_action()
        if not hasattr(self, camelcase_to_underscores(action)):
            # moto would answer with an error of the server, which clients repeat for minutes.
            status, headers, body = self.serialized(ActionResult(ValidationException(f"Local AWS has no {action} of EMR.")))
            return status, headers, body
        with LOCK:
            return super().call_action()

    def run_job_flow(self) -> ActionResult:
        """Create a cluster, with what moto leaves out of the request."""
        clusters = self.backend.clusters
        before = dict(clusters)
        try:
            answer = super().run_job_flow()
            told: Any = answer.result
            self._complete(self._cluster(told["JobFlowId"]))
        except Exception:
            # moto keeps a cluster that was refused half-way.
            for name in clusters.keys() - before.keys():
                del clusters[name]
            raise
        return answer

    def _complete(self, cluster: LiveCluster) -> None:
        cluster.fleets = [
            _fleet(number, each) for number, each in enumerate(self._get_param("Instances.InstanceFleets", []))
        ]
        cluster.scaling = self._get_param("ManagedScalingPolicy")
        cluster.configured = json.loads(self.body).get("Configurations", ())
        policy = self._get_param("AutoTerminationPolicy")
        if policy is not None:
            cluster.idle_seconds = _idle(policy)

    def cancel_steps(self) -> ActionResult:
        """Cancel steps."""
        cluster = self._cluster(self._get_param("ClusterId"))
        force = self._get_param("StepCancellationOption") == "TERMINATE_PROCESS"
        value, answers = lifecycle.cancel(cluster.value, self._get_param("StepIds", []), force=force)
        cluster.become(value)
        told = [
            {"StepId": name, "Status": "FAILED" if why else "SUBMITTED", "Reason": why or None}
            for name, why in answers.items()
        ]
        return ActionResult({"CancelStepsInfoList": told})

    def set_keep_job_flow_alive_when_no_steps(self) -> ActionResult:
        """Say whether clusters wait for more steps."""
        for name in self._get_param("JobFlowIds", []):
            self._cluster(name).keep_job_flow_alive_when_no_steps = self._get_bool_param("KeepJobFlowAliveWhenNoSteps")
        return EmptyResult()

    def put_auto_termination_policy(self) -> ActionResult:
        """Say how long a cluster may be idle."""
        self._cluster(self._get_param("ClusterId")).idle_seconds = _idle(self._get_param("AutoTerminationPolicy") or {})
        return EmptyResult()

    def get_auto_termination_policy(self) -> ActionResult:
        """Tell how long a cluster may be idle."""
        seconds = self._cluster(self._get_param("ClusterId")).idle_seconds
        return ActionResult({} if seconds is None else {"AutoTerminationPolicy": {"IdleTimeout": int(seconds)}})

    def remove_auto_termination_policy(self) -> ActionResult:
        """Let a cluster be idle for ever."""
        self._cluster(self._get_param("ClusterId")).idle_seconds = None
        return EmptyResult()

    def put_managed_scaling_policy(self) -> ActionResult:
        """Note how a cluster may grow; here it does not."""
        self._cluster(self._get_param("ClusterId")).scaling = self._get_param("ManagedScalingPolicy")
        return EmptyResult()

    def get_managed_scaling_policy(self) -> ActionResult:
        """Tell how a cluster may grow."""
        scaling = self._cluster(self._get_param("ClusterId")).scaling
        return ActionResult({} if scaling is None else {"ManagedScalingPolicy": scaling})

    def remove_managed_scaling_policy(self) -> ActionResult:
        """Forget how a cluster may grow."""
        self._cluster(self._get_param("ClusterId")).scaling = None
        return EmptyResult()

    def describe_release_label(self) -> ActionResult:
        """Tell what a release holds; those that moto lists are not known in more detail."""
        label = self._get_param("ReleaseLabel")
        if label not in SPARKS:
            raise InvalidRequestException(f"The release label {label} is not valid.")
        return ActionResult({"ReleaseLabel": label, "Applications": [{"Name": "Spark", "Version": SPARKS[label]}]})

    def list_instance_fleets(self) -> ActionResult:
        """Tell a cluster's fleets."""
        return ActionResult({"InstanceFleets": self._cluster(self._get_param("ClusterId")).fleets})

    def _cluster(self, name: str) -> LiveCluster:
        cluster = self.backend.clusters[name]
        assert isinstance(cluster, LiveCluster)  # nosec B101 # the backend makes no others
        return cluster


def install() -> None:
    """Put this EMR in the place of moto's own, before the first call."""
    models.emr_backends.backend = LiveBackend


def clusters() -> Iterator[LiveCluster]:
    """Yield all clusters that are not gone, of every account and region. Hold the lock."""
    # Looked up anew each time: a reset replaces all of them.
    for account in list(models.emr_backends.values()):
        for backend in list(account.values()):
            for cluster in list(backend.clusters.values()):
                if isinstance(cluster, LiveCluster) and cluster.state not in GONE:
                    yield cluster


def _possible(change: Callable[[], lifecycle.Cluster]) -> lifecycle.Cluster:
    try:
        return change()
    except NotPossible as problem:
        raise ValidationException(str(problem)) from problem


def _idle(policy: dict[str, Any]) -> float:
    seconds = int(policy.get("IdleTimeout") or DEFAULT_IDLE)
    if not MIN_IDLE <= seconds <= MAX_IDLE:
        raise ValidationException(f"IdleTimeout must be from {MIN_IDLE} to {MAX_IDLE} seconds.")
    return seconds


def _fleet(number: int, asked: dict[str, Any]) -> dict[str, Any]:
    """Return a fleet that has all it wants."""
    on_demand, spot = asked.get("TargetOnDemandCapacity") or 0, asked.get("TargetSpotCapacity") or 0
    return {
        "Id": f"if-{number}",
        "Name": asked.get("Name"),
        "InstanceFleetType": asked.get("InstanceFleetType"),
        "Status": {"State": "RUNNING"},
        "TargetOnDemandCapacity": on_demand,
        "ProvisionedOnDemandCapacity": on_demand,
        "TargetSpotCapacity": spot,
        "ProvisionedSpotCapacity": spot,
    }
