"""Steps on nodes that have only what a cluster's have: a bare Python, a Spark without package metadata, no default region.

The package is the real one. The lake is in eu-central-1, and S3 refuses requests that are signed for another region.
"""

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sysconfig
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from emr.local.conftest import QUICK, Aws
from shipment_etl.engines.jars import s3_jars
from shipment_etl.engines.java import find_java
from shipment_etl.errors import JarsUnreachable, JavaMissing
from shipment_etl_emr import Job, build, cluster_request, job_run_request, step_request
from shipment_etl_emr.local import local_aws
from shipment_etl_emr.local.nodes import Node
from shipment_etl_emr.settings import Settings

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(900)]

REGION = "eu-central-1"
ROOT = Path(__file__).parents[5]
DAY = "2026-11-23"
LAKE = "s3://acme-lake/shipments"
# Skip the JVM's second compiler, to start faster.
SPARK = {"spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1", "spark.driver.memory": "2g"}
SETTINGS = Settings("s3://acme-code", "s3://acme-logs/emr", region=REGION, spark=SPARK)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """A local AWS whose clusters have nodes, with buckets in another region."""
    try:
        s3_jars(find_java())
    except (JavaMissing, JarsUnreachable) as missing:
        pytest.skip(f"STEPS ON NODES ARE NOT TESTED HERE. {missing}")
    with local_aws(tmp_path_factory.mktemp("aws"), engine="spark") as local:
        started = Aws(local)
        far = started.client("s3", region_name=REGION)
        for bucket in ("acme-code", "acme-logs", "acme-lake"):
            far.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        started.s3, started.emr = far, started.client("emr", region_name=REGION)
        yield started


@pytest.fixture(scope="module")
def package(aws: Aws) -> str:
    """The URI of the real package, uploaded for clusters."""
    made = build("3.11", "x86_64")
    aws.s3.put_object(Bucket="acme-code", Key=made.name, Body=made.data)
    return f"s3://acme-code/{made.name}"


def put(aws: Aws, key: str, text: str | bytes) -> str:
    aws.s3.put_object(Bucket="acme-code", Key=key, Body=text)
    return f"s3://acme-code/{key}"


def job(aws: Aws, script: str, name: str, *more: str) -> Job:
    uri = put(aws, script, (ROOT / "spark" / script).read_bytes())
    return Job(name, name, uri, ("--lake", LAKE, "--date", DAY, *more), "")


def log(aws: Aws, cluster: str, step: str, name: str) -> str:
    key = f"emr/{cluster}/steps/{step}/{name}.gz"
    return gzip.decompress(aws.s3.get_object(Bucket="acme-logs", Key=key)["Body"].read()).decode()


def bootstrap(aws: Aws) -> str:
    return put(aws, "bootstrap.sh", (ROOT / "adapters/shipment-etl-emr/src/shipment_etl_emr/bootstrap.sh").read_bytes())


def counts(stdout: str) -> dict[str, int]:
    report = json.loads(stdout.splitlines()[-1])
    assert report["engine"] == "spark"
    return report["counts"]


def test_both_step_scripts_run_on_a_cluster(aws: Aws, package: str) -> None:
    request = cluster_request(SETTINGS, "both", 1, bootstrap(aws), package, None)
    cluster = aws.emr.run_job_flow(**request)["JobFlowId"]
    steps = [job(aws, "data_generation.py", "generate", "--rows", "1000"), job(aws, "pyspark_app.py", "process")]
    names = aws.emr.add_job_flow_steps(JobFlowId=cluster, Steps=[step_request(each) for each in steps])["StepIds"]
    for name, expected in zip(names, ("read", "accepted"), strict=True):
        aws.emr.get_waiter("step_complete").wait(
            ClusterId=cluster, StepId=name, WaiterConfig={"Delay": 1, "MaxAttempts": 400}
        )
        assert counts(log(aws, cluster, name, "stdout"))[expected] == 1000
    keys = [each["Key"] for each in aws.s3.list_objects_v2(Bucket="acme-lake")["Contents"]]
    assert any(key.startswith("shipments/processed/carrier_performance/_delta_log/") for key in keys)
    aws.emr.terminate_job_flows(JobFlowIds=[cluster])
    aws.until_gone(cluster)


LOOK = """
import importlib.util, json, os, sys
names = ("shipment_etl", "numpy", "pandera", "pip")
print(json.dumps([dict(os.environ), sys.path, [name for name in names if importlib.util.find_spec(name)]]))
"""


def test_a_step_cannot_import_anything_of_this_environment(aws: Aws) -> None:
    command = ["spark-submit", put(aws, "look.py", LOOK)]
    look = {
        "Name": "look",
        "ActionOnFailure": "CONTINUE",
        "HadoopJarStep": {"Jar": "command-runner.jar", "Args": command},
    }
    # Without a bootstrap action, and so without a package.
    cluster = aws.emr.run_job_flow(**cluster_request(SETTINGS, "poor", 1, "", "", None))["JobFlowId"]
    (name,) = aws.emr.add_job_flow_steps(JobFlowId=cluster, Steps=[look])["StepIds"]
    aws.emr.get_waiter("step_complete").wait(ClusterId=cluster, StepId=name, WaiterConfig=QUICK)
    environment, path, found = json.loads(log(aws, cluster, name, "stdout"))
    assert found == []
    ours = str(Path(sysconfig.get_path("purelib")).parents[2])
    assert not [each for each in path if each.startswith(ours) and not each.endswith(".jar")]
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == REGION
    inherited = os.environ.keys() - {"HOME", "JAVA_HOME", "PATH", "PWD", "SHLVL", "_", "OLDPWD"}
    assert not {name for name in environment.keys() & inherited if not name.startswith(("AWS_", "LC_", "PY", "SPARK_"))}
    aws.emr.terminate_job_flows(JobFlowIds=[cluster])
    aws.until_gone(cluster)


def test_a_bad_package_fails_in_bootstrap_and_not_in_a_step(aws: Aws, tmp_path: Path) -> None:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        entry = tarfile.TarInfo("shipment_etl/__init__.py")
        tar.addfile(entry, io.BytesIO())
    digest = hashlib.sha256(plain.getvalue()).hexdigest()
    bad = put(aws, f"packages/shipment-etl-py3.11-x86_64-{digest}.tar.gz", gzip.compress(plain.getvalue()))
    wanted = replace(job(aws, "pyspark_app.py", "process"), package=bad)
    cluster = aws.emr.run_job_flow(**cluster_request(SETTINGS, "bad", 1, bootstrap(aws), bad, wanted))["JobFlowId"]
    status = aws.until_gone(cluster)
    assert (status["State"], status["StateChangeReason"]["Code"]) == ("TERMINATED_WITH_ERRORS", "BOOTSTRAP_FAILURE")
    assert "bootstrap action 1 returned a non-zero return code" in status["StateChangeReason"]["Message"]
    assert aws.states(cluster) == ["CANCELLED"]
    key = f"emr/{cluster}/node/primary/bootstrap-actions/1/stderr.gz"
    said = gzip.decompress(aws.s3.get_object(Bucket="acme-logs", Key=key)["Body"].read()).decode()
    assert "No module named 'numpy'" in said


def test_s3_refuses_what_is_signed_for_another_region(aws: Aws) -> None:
    # Without boto3, which would follow the bucket to its region; other clients do not.
    url = f"{aws.local.endpoint}/acme-lake?list-type=2"
    scope = f"AWS4-HMAC-SHA256 Credential={aws.local.key}/20261124/us-east-1/s3/aws4_request"
    with pytest.raises(HTTPError) as refused:
        urlopen(Request(url, headers={"Authorization": scope}))
    assert refused.value.code == 400
    assert refused.value.headers["x-amz-bucket-region"] == REGION
    assert b"<Code>AuthorizationHeaderMalformed</Code>" in refused.value.read()
    assert urlopen(Request(url, headers={"Authorization": scope.replace("us-east-1", REGION)})).status == 200
    assert aws.client("s3").get_bucket_location(Bucket="acme-lake")["LocationConstraint"] == REGION


@contextmanager
def serverless(aws: Aws, request: Mapping[str, Any], folder: Path) -> Iterator[tuple[list[str], dict[str, str], Path]]:
    """A job run in the layout of EMR Serverless: archives unpacked in the driver's folder, all else as Spark settings."""
    (properties,) = [each["properties"] for each in request["configurationOverrides"]["applicationConfiguration"]]
    node = Node(
        folder / "image",
        [{"Classification": "spark-defaults", "Properties": properties}],
        aws.local.environment,
        region=REGION,
    )
    work = folder / "work"
    work.mkdir()
    uri, _, name = properties["spark.archives"].partition("#")
    archive = folder / Path(uri).name
    aws.s3.download_file("acme-code", uri.removeprefix("s3://acme-code/"), str(archive))
    (work / name).mkdir()
    subprocess.run(["tar", "-xzf", str(archive), "-C", str(work / name)], check=True)
    prefix = "spark.emr-serverless.driverEnv."
    driver = {each.removeprefix(prefix): node.place(value) for each, value in properties.items() if each.startswith(prefix)}
    command, variables = node.spark_submit(["--conf", "spark.archives="])
    yield command, {**variables, **driver}, work
    node.close()


def test_both_step_scripts_run_in_the_layout_of_serverless(aws: Aws, package: str, tmp_path: Path) -> None:
    settings = replace(SETTINGS, target="serverless", application="00f", job_role="arn:aws:iam::123456789012:role/jobs")
    lake = "s3://acme-lake/serverless"
    for script, name, more in (("data_generation.py", "generate", ["--rows", "1000"]), ("pyspark_app.py", "process", [])):
        wanted = Job(name, name, "", ("--lake", lake, "--date", DAY, *more), package)
        request = job_run_request(settings, wanted, "token")
        with serverless(aws, request, tmp_path / name) as (command, environment, work):
            shutil.copy(ROOT / "spark" / script, work)
            arguments = request["jobDriver"]["sparkSubmit"]["entryPointArguments"]
            done = subprocess.run(
                [*command, script, *arguments], cwd=work, env=environment, capture_output=True, text=True, check=False
            )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        assert counts(done.stdout)["accepted"] == 1000
