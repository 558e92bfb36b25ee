"""Extends moto's EMR with real states, which follow `lifecycle`, and with calls that moto lacks.

All code that depends on moto's internals is here. moto's objects hold the state, because a reset of moto replaces them: a
cluster is read from them as a plain value, `lifecycle` returns the next value, and that is written back.
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
"""Held by each call and by the executor while they read or change clusters."""
MIN_IDLE, MAX_IDLE = 60, 604_800
DEFAULT_IDLE = 3_600
SPARKS = {"emr-7.13.0": "3.5.6"}
"""Known releases and their Spark versions."""


class LiveStep(models.Step):
    """A step with the reason of its failure, and whether it must be cancelled by force."""

    forced = False
    failure: dict[str, str] | None = None

    @property
    def status(self) -> dict[str, Any]:
        """The status from moto, with the details of a failure."""
        return {**super().status, **({"FailureDetails": self.failure} if self.failure else {})}


class LiveCluster(models.Cluster):
    """A cluster whose states are those of `lifecycle`."""

    code = ""
    message = ""
    idle_seconds: float | None = None
    idle_since: float | None = None
    fleets: list[dict[str, Any]]
    # moto's own type lacks attributes that a step has here.
    steps: list[Any]
    scaling: dict[str, Any] | None = None
    configured: Sequence[Mapping[str, Any]] = ()
    """Configurations as requested; moto changes the case of names in them."""

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
        """Update this cluster from a plain value."""
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
            # moto calls this before the cluster is complete.
            return []
        new: list[models.Step] = [LiveStep(state="PENDING", **step) for step in steps]
        added = [lifecycle.Step(step.id, step.action_on_failure) for step in new]
        value = _try_change(lambda: lifecycle.add(self.value, added))
        self.steps.extend(new)
        self.become(value)
        return new

    def run_bootstrap_actions(self) -> None:
        """Do nothing: the executor runs bootstrap actions and advances the cluster."""

    def terminate(self) -> None:
        """Terminate the cluster, unless it is protected."""
        self.become(_try_change(lambda: lifecycle.terminate(self.value)))

    @property
    def status(self) -> dict[str, Any]:
        """The status from moto, with EMR's reason."""
        told = super().status
        return {**told, "StateChangeReason": {"Code": self.code or None, "Message": self.message or None}}

    @property
    def instance_collection_type(self) -> str:
        """Whether it has instance fleets or instance groups."""
        return "INSTANCE_FLEET" if self.fleets else "INSTANCE_GROUP"


class _Clusters(dict[str, Any]):
    """Clusters by ID; for an unknown ID it raises the error of EMR."""

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
        # Only methods for CloudFormation are abstract, and moto instantiates clusters anyway.
        return LiveCluster(self, **asked)  # type: ignore[abstract]

    def create_security_configuration(self, name: str, security_configuration: Any) -> models.SecurityConfiguration:
        """Store a security configuration as text; a stack passes it as a mapping."""
        text = security_configuration if isinstance(security_configuration, str) else json.dumps(security_configuration)
        return super().create_security_configuration(name, text)

    def list_clusters(self, *given: Any, **asked: Any) -> list[models.Cluster]:
        """Return clusters, newest first."""
        return sorted(super().list_clusters(*given, **asked), key=lambda each: each.creation_datetime, reverse=True)


class LiveResponse(ElasticMapReduceResponse):
    """The calls of EMR: moto's, and those that moto lacks."""

    def get_region_from_url(self, request: Any, full_url: str) -> str:
        """Return the region that the client signed for."""
        return BaseResponse.get_region_from_url(self, request, full_url)

    def call_action(self) -> Any:
        """Answer a call while holding the lock."""
        action = self._get_action()
        if not hasattr(self, camelcase_to_underscores(action)):
            # moto would answer with a server error, which clients retry for minutes.
            problem = ValidationException(f"Local AWS does not support {action} of EMR.")
            status, headers, body = self.serialized(ActionResult(problem))
            return status, headers, body
        with LOCK:
            return super().call_action()

    def run_job_flow(self) -> ActionResult:
        """Create a cluster, including the parts of the request that moto ignores."""
        clusters = self.backend.clusters
        before = dict(clusters)
        try:
            answer = super().run_job_flow()
            told: Any = answer.result
            self._complete(self._cluster(told["JobFlowId"]))
        except Exception:
            # moto keeps a cluster whose creation failed halfway.
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
            cluster.idle_seconds = _read_idle_seconds(policy)

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
        """Set whether clusters wait for more steps."""
        for name in self._get_param("JobFlowIds", []):
            self._cluster(name).keep_job_flow_alive_when_no_steps = self._get_bool_param("KeepJobFlowAliveWhenNoSteps")
        return EmptyResult()

    def put_auto_termination_policy(self) -> ActionResult:
        """Set how long a cluster may be idle."""
        policy = self._get_param("AutoTerminationPolicy") or {}
        self._cluster(self._get_param("ClusterId")).idle_seconds = _read_idle_seconds(policy)
        return EmptyResult()

    def get_auto_termination_policy(self) -> ActionResult:
        """Return how long a cluster may be idle."""
        seconds = self._cluster(self._get_param("ClusterId")).idle_seconds
        return ActionResult({} if seconds is None else {"AutoTerminationPolicy": {"IdleTimeout": int(seconds)}})

    def remove_auto_termination_policy(self) -> ActionResult:
        """Let a cluster be idle forever."""
        self._cluster(self._get_param("ClusterId")).idle_seconds = None
        return EmptyResult()

    def put_managed_scaling_policy(self) -> ActionResult:
        """Store how a cluster may scale; clusters do not scale here."""
        self._cluster(self._get_param("ClusterId")).scaling = self._get_param("ManagedScalingPolicy")
        return EmptyResult()

    def get_managed_scaling_policy(self) -> ActionResult:
        """Return how a cluster may scale."""
        scaling = self._cluster(self._get_param("ClusterId")).scaling
        return ActionResult({} if scaling is None else {"ManagedScalingPolicy": scaling})

    def remove_managed_scaling_policy(self) -> ActionResult:
        """Remove the scaling policy of a cluster."""
        self._cluster(self._get_param("ClusterId")).scaling = None
        return EmptyResult()

    def describe_release_label(self) -> ActionResult:
        """Describe a release; no details are known of the releases that moto lists."""
        label = self._get_param("ReleaseLabel")
        if label not in SPARKS:
            raise InvalidRequestException(f"The release label {label} is not valid.")
        return ActionResult({"ReleaseLabel": label, "Applications": [{"Name": "Spark", "Version": SPARKS[label]}]})

    def list_instance_fleets(self) -> ActionResult:
        """Return a cluster's fleets."""
        return ActionResult({"InstanceFleets": self._cluster(self._get_param("ClusterId")).fleets})

    def _cluster(self, name: str) -> LiveCluster:
        cluster = self.backend.clusters[name]
        assert isinstance(cluster, LiveCluster)  # nosec B101 # the backend makes no others
        return cluster


def install() -> None:
    """Replace moto's EMR with this one; call it before the first request."""
    models.emr_backends.backend = LiveBackend


def clusters() -> Iterator[LiveCluster]:
    """Yield all clusters that are not gone, of every account and region. The caller must hold the lock."""
    # Looked up again each time: a reset replaces all of them.
    for account in list(models.emr_backends.values()):
        for backend in list(account.values()):
            for cluster in list(backend.clusters.values()):
                if isinstance(cluster, LiveCluster) and cluster.state not in GONE:
                    yield cluster


def _try_change(change: Callable[[], lifecycle.Cluster]) -> lifecycle.Cluster:
    try:
        return change()
    except NotPossible as problem:
        raise ValidationException(str(problem)) from problem


def _read_idle_seconds(policy: dict[str, Any]) -> float:
    seconds = int(policy.get("IdleTimeout") or DEFAULT_IDLE)
    if not MIN_IDLE <= seconds <= MAX_IDLE:
        raise ValidationException(f"IdleTimeout must be from {MIN_IDLE} to {MAX_IDLE} seconds.")
    return seconds


def _fleet(number: int, asked: dict[str, Any]) -> dict[str, Any]:
    """Return a fleet with its full target capacity."""
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
