"""Requests to AWS as plain dicts; no call is made here."""

from collections.abc import Iterable, Mapping
from typing import Any

from shipment_etl_emr.errors import StepTooLong
from shipment_etl_emr.machines import machine, spark_sizes
from shipment_etl_emr.settings import Settings
from shipment_etl_emr.target import Job

__all__ = [
    "ATTEMPT_TAG",
    "MANAGED_TAG",
    "MAX_AGE_TAG",
    "NAME",
    "RUN_TAG",
    "bootstrap_action",
    "check_length",
    "cluster_request",
    "job_run_request",
    "step_request",
    "tags_of",
]

NAME = "shipment-etl/"
"""Prefix of the names of our clusters, steps and job runs."""
RUN_TAG, ATTEMPT_TAG, MAX_AGE_TAG = "shipment-etl:run", "shipment-etl:attempt", "shipment-etl:max-age-minutes"
MANAGED_TAG = "for-use-with-amazon-emr-managed-policies"
"""EMR's managed policy for its service role allows access only to resources with this tag."""
HOME = "/opt/shipment_etl"
ARCHIVE = "shipment_etl"
SPOT_MINUTES = 10
MAX_STEP = 10_280
"""Maximum number of characters of all arguments of a step, as EMR counts them."""
DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}
DELTA_JARS = ",".join(f"/usr/share/aws/delta/lib/{name}.jar" for name in ("delta-spark", "delta-storage"))
COMMON = {"spark.sql.session.timeZone": "UTC", **DELTA}


def cluster_request(
    settings: Settings, run: str, attempt: int, bootstrap: str, package: str, job: Job | None
) -> dict[str, Any]:
    """Return the request for a cluster.

    Args:
        settings: where and on what the job runs.
        run: name of the run that the cluster is for, stored as a tag.
        attempt: number of the attempt at this run, from 1.
        bootstrap: s3:// URI of the bootstrap action; empty if the nodes need none.
        package: s3:// URI of the package.
        job: the step of a transient cluster, which ends with it; None for a cluster that is kept until it is idle.

    Raises:
        StepTooLong: the arguments of the step are too long.
    """
    request: dict[str, Any] = {
        "Name": f"{NAME}{run}",
        "ReleaseLabel": settings.release,
        "LogUri": f"{settings.logs.rstrip('/')}/",
        "Applications": [{"Name": "Spark"}],
        "Configurations": _configurations(settings),
        "BootstrapActions": [bootstrap_action(settings, bootstrap, package)] if bootstrap else [],
        "Instances": _instances(settings, keep=job is None),
        "Steps": [] if job is None else [step_request(job, "TERMINATE_CLUSTER")],
        "ServiceRole": settings.service_role,
        "JobFlowRole": settings.instance_profile,
        "VisibleToAllUsers": True,
        "ScaleDownBehavior": "TERMINATE_AT_TASK_COMPLETION",
        "Tags": [{"Key": name, "Value": value} for name, value in tags_of(settings, run, attempt).items()],
    }
    if job is None:
        # A transient cluster ends with its last step; this is for a cluster that waits for more.
        request["AutoTerminationPolicy"] = {"IdleTimeout": settings.idle_minutes * 60}
    if settings.security_configuration:
        request["SecurityConfiguration"] = settings.security_configuration
    if settings.log_key:
        request["LogEncryptionKmsKeyId"] = settings.log_key
    return request


def check_length(arguments: Iterable[str]) -> None:
    """Check that the arguments of a step are not too long.

    Raises:
        StepTooLong: they are.
    """
    size = sum(len(each) + 1 for each in arguments)
    if size > MAX_STEP:
        raise StepTooLong(size, MAX_STEP)


def step_request(job: Job, on_failure: str = "CONTINUE", attempt: int = 0) -> dict[str, Any]:
    """Return a step that runs the job's script; its arguments pass through no shell, so they arrive unchanged.

    Raises:
        StepTooLong: the arguments are too long.
    """
    arguments = ["spark-submit", "--deploy-mode", "client", job.script, *job.arguments]
    check_length(arguments)
    name = f"{NAME}{job.run}" + (f"/{attempt}" if attempt else "")
    return {
        "Name": name,
        "ActionOnFailure": on_failure,
        "HadoopJarStep": {"Jar": "command-runner.jar", "Args": arguments},
    }


def bootstrap_action(settings: Settings, bootstrap: str, package: str) -> dict[str, Any]:
    """Return the action that installs the package on every node, and sets the node's own timer."""
    arguments = [package, settings.known_release.interpreter, HOME, str(settings.max_age_minutes)]
    return {"Name": "shipment-etl", "ScriptBootstrapAction": {"Path": bootstrap, "Args": arguments}}


def job_run_request(settings: Settings, job: Job, token: str) -> dict[str, Any]:
    """Return the request for a job run on EMR Serverless; AWS starts it only once for the same token.

    Raises:
        StepTooLong: the arguments are too long.
    """
    check_length(job.arguments)
    environment = _environment(settings, f"./{ARCHIVE}")
    spark = {
        **COMMON,
        "spark.jars": DELTA_JARS,
        "spark.archives": f"{job.package}#{ARCHIVE}",
        **{f"spark.emr-serverless.driverEnv.{name}": value for name, value in environment.items()},
        **{f"spark.executorEnv.{name}": value for name, value in environment.items()},
        **settings.spark,
    }
    monitoring: dict[str, Any] = {"logUri": f"{settings.logs.rstrip('/')}/"}
    if settings.log_key:
        monitoring["encryptionKeyArn"] = settings.log_key
    return {
        "applicationId": settings.application,
        "executionRoleArn": settings.job_role,
        "clientToken": token,
        "name": f"{NAME}{job.run}",
        "executionTimeoutMinutes": settings.max_age_minutes,
        "jobDriver": {"sparkSubmit": {"entryPoint": job.script, "entryPointArguments": list(job.arguments)}},
        "configurationOverrides": {
            "applicationConfiguration": [{"classification": "spark-defaults", "properties": spark}],
            "monitoringConfiguration": {"s3MonitoringConfiguration": monitoring},
        },
        "tags": tags_of(settings, job.run, 1),
    }


def tags_of(settings: Settings, run: str, attempt: int) -> dict[str, str]:
    """Return the tags of a run's cluster or job run."""
    own = {RUN_TAG: run, ATTEMPT_TAG: str(attempt), MAX_AGE_TAG: str(settings.max_age_minutes)}
    return {**settings.tags, **own, MANAGED_TAG: "true"}


def _environment(settings: Settings, home: str) -> dict[str, str]:
    """Return the environment variables of driver and executors: Python, the package's folder, and the region."""
    environment = {"PYSPARK_PYTHON": settings.known_release.interpreter, "PYTHONPATH": home}
    if settings.region:
        # EMR sets neither; boto3 reads only the second, delta-rs the first.
        environment |= {"AWS_REGION": settings.region, "AWS_DEFAULT_REGION": settings.region}
    return environment


def _configurations(settings: Settings) -> list[dict[str, Any]]:
    environment = _environment(settings, HOME)
    spark = {
        **COMMON,
        **{f"spark.executorEnv.{name}": value for name, value in environment.items()},
        **spark_sizes(settings.primary, settings.workers, settings.count, fixed=not settings.fleets),
        **settings.spark,
    }
    return [
        {"Classification": "delta-defaults", "Properties": {"delta.enabled": "true"}},
        {
            "Classification": "spark-env",
            "Properties": {},
            "Configurations": [{"Classification": "export", "Properties": environment}],
        },
        {"Classification": "spark-defaults", "Properties": spark},
    ]


def _instances(settings: Settings, *, keep: bool) -> dict[str, Any]:
    instances: dict[str, Any] = {"KeepJobFlowAliveWhenNoSteps": keep, "TerminationProtected": False}
    if settings.fleets:
        instances["InstanceFleets"] = [_primary_fleet(settings), _worker_fleet(settings)]
        if settings.subnets:
            instances["Ec2SubnetIds"] = list(settings.subnets)
        return instances
    instances["InstanceGroups"] = [
        _group("MASTER", settings.primary, 1),
        _group("CORE", settings.workers[0], settings.count),
    ]
    if settings.subnets:
        instances["Ec2SubnetId"] = settings.subnets[0]
    return instances


def _group(role: str, kind: str, count: int) -> Mapping[str, Any]:
    return {"InstanceRole": role, "InstanceType": kind, "InstanceCount": count, "Market": "ON_DEMAND"}


def _primary_fleet(settings: Settings) -> Mapping[str, Any]:
    types = [{"InstanceType": settings.primary, "WeightedCapacity": 1}]
    # Never on spot: without its primary, the run is lost.
    return {"InstanceFleetType": "MASTER", "TargetOnDemandCapacity": 1, "InstanceTypeConfigs": types}


def _worker_fleet(settings: Settings) -> Mapping[str, Any]:
    machines = [machine(name) for name in settings.workers]
    least = min(each.cpus for each in machines)
    # Weighted by CPUs, so that two small machines count as one large.
    types = [{"InstanceType": each.name, "WeightedCapacity": each.cpus // least} for each in machines]
    fleet: dict[str, Any] = {"InstanceFleetType": "CORE", "InstanceTypeConfigs": types}
    if not settings.spot:
        return {
            **fleet,
            "TargetOnDemandCapacity": settings.count,
            "LaunchSpecifications": {"OnDemandSpecification": {"AllocationStrategy": "lowest-price"}},
        }
    spot = {
        "TimeoutDurationMinutes": SPOT_MINUTES,
        "TimeoutAction": "SWITCH_TO_ON_DEMAND",
        "AllocationStrategy": "price-capacity-optimized",
    }
    return {**fleet, "TargetSpotCapacity": settings.count, "LaunchSpecifications": {"SpotSpecification": spot}}
