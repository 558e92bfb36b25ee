"""A local AWS for the tests of a module, and helpers to use it."""

import gzip
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from shipment_etl_emr.local import LocalAws, local_aws
from shipment_etl_emr.local.client import without_aws

# No retries, so that server errors are visible.
ONCE = Config(retries={"total_max_attempts": 1})
DEADLINE_SECONDS = 90
QUICK = {"Delay": 1, "MaxAttempts": DEADLINE_SECONDS}
SCRIPTS = {
    "told": "import json, os, sys; print(json.dumps([sys.argv[1:], os.environ['AWS_ENDPOINT_URL'], os.getcwd()]))",
    "bad": "import sys; print('so far so good'); sys.exit('boom: no such partition')",
    "slow": "import time; print('at work', flush=True); time.sleep(600)",
    # Ignores SIGTERM, and has a child that would outlive it.
    "deaf": (
        "import signal, subprocess, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen(['sleep', '600']); print('child', child.pid, flush=True); time.sleep(600)"
    ),
}


class Aws:
    """A local AWS as its clients see it."""

    def __init__(self, aws: LocalAws) -> None:
        self.local = aws
        self.emr, self.s3 = self.client("emr"), self.client("s3")

    def client(self, name: str, **given: Any) -> Any:
        local = self.local
        keys = {"aws_access_key_id": local.key, "aws_secret_access_key": local.secret}
        return boto3.client(
            name, **{"region_name": local.region, "endpoint_url": local.endpoint, "config": ONCE, **keys, **given}
        )

    def environment(self, **more: str) -> dict[str, str]:
        return {**without_aws(os.environ), **self.local.environment, "COLUMNS": "200", "NO_COLOR": "1", **more}

    def put_scripts(self) -> None:
        for name, text in SCRIPTS.items():
            self.s3.put_object(Bucket="local-code", Key=f"{name}.py", Body=text.encode())

    def create(self, *steps: dict[str, Any], keep: bool = False, emr: Any = None, **more: Any) -> str:
        instances = {
            "KeepJobFlowAliveWhenNoSteps": keep,
            "InstanceGroups": [{"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1}],
            **more.pop("Instances", {}),
        }
        request = {"Name": "a cluster", "LogUri": "s3://local-logs/emr/", "ReleaseLabel": "emr-7.13.0", "Steps": list(steps)}
        roles = {"JobFlowRole": "EMR_EC2_DefaultRole", "ServiceRole": "EMR_DefaultRole"}
        return (emr or self.emr).run_job_flow(**request, **roles, Instances=instances, **more)["JobFlowId"]

    def status(self, cluster: str) -> dict[str, Any]:
        return self.emr.describe_cluster(ClusterId=cluster)["Cluster"]["Status"]

    def steps(self, cluster: str) -> list[dict[str, Any]]:
        """The status of each step, first step first."""
        return [step["Status"] for step in self.emr.list_steps(ClusterId=cluster)["Steps"]][::-1]

    def states(self, cluster: str) -> list[str]:
        return [step["State"] for step in self.steps(cluster)]

    def until_gone(self, cluster: str) -> dict[str, Any]:
        until(lambda: self.status(cluster)["State"].startswith("TERMINATED"))
        return self.status(cluster)

    def log(self, cluster: str, step: str, name: str) -> str:
        key = f"emr/{cluster}/steps/{step}/{name}.gz"
        return gzip.decompress(self.s3.get_object(Bucket="local-logs", Key=key)["Body"].read()).decode()


def until(what: Callable[[], Any]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def step(script: str, *arguments: str, on_failure: str = "CONTINUE") -> dict[str, Any]:
    command = ["spark-submit", "--deploy-mode", "client", f"s3://local-code/{script}.py", *arguments]
    return {"Name": script, "ActionOnFailure": on_failure, "HadoopJarStep": {"Jar": "command-runner.jar", "Args": command}}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with local_aws(tmp_path_factory.mktemp("aws")) as local:
        started = Aws(local)
        started.put_scripts()
        yield started
