"""Local AWS as seen by AWS clients: boto3 and its waiters, and the effects of steps."""

import json
import os
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, WaiterError

from emr.local.conftest import QUICK, Aws, step, until
from emr.test_requests import JOB, NASTY
from shipment_etl_emr.local.guard import STATUS
from shipment_etl_emr.requests import cluster_request
from shipment_etl_emr.settings import Settings

pytestmark = pytest.mark.slow


def test_a_step_runs_and_its_arguments_arrive_unchanged(aws: Aws) -> None:
    cluster = aws.create(keep=True)
    aws.emr.get_waiter("cluster_running").wait(ClusterId=cluster, WaiterConfig=QUICK)
    (name,) = aws.emr.add_job_flow_steps(JobFlowId=cluster, Steps=[step("told", *NASTY)])["StepIds"]
    aws.emr.get_waiter("step_complete").wait(ClusterId=cluster, StepId=name, WaiterConfig=QUICK)
    arguments, endpoint, folder = json.loads(aws.log(cluster, name, "stdout"))
    assert arguments == list(NASTY)
    assert endpoint == aws.local.endpoint
    assert not Path(folder).exists(), "a step's files are deleted with it"
    assert "exit code 0" in aws.log(cluster, name, "controller")
    assert aws.log(cluster, name, "stderr") == aws.log(cluster, name, "syslog") == ""
    aws.emr.terminate_job_flows(JobFlowIds=[cluster])
    aws.emr.get_waiter("cluster_terminated").wait(ClusterId=cluster, WaiterConfig=QUICK)
    assert aws.status(cluster)["StateChangeReason"] == {"Code": "USER_REQUEST", "Message": "Terminated by user request"}
    with pytest.raises(ClientError, match="shutting down, terminated, or finished"):
        aws.emr.add_job_flow_steps(JobFlowId=cluster, Steps=[step("told")])


def test_a_transient_cluster_ends_by_itself(aws: Aws) -> None:
    cluster = aws.create(step("told", "1"), step("told", "2"))
    aws.emr.get_waiter("cluster_terminated").wait(ClusterId=cluster, WaiterConfig=QUICK)
    assert aws.states(cluster) == ["COMPLETED", "COMPLETED"]
    assert aws.status(cluster)["StateChangeReason"]["Code"] == "ALL_STEPS_COMPLETED"
    times = [
        each for one in aws.steps(cluster) for each in (one["Timeline"]["StartDateTime"], one["Timeline"]["EndDateTime"])
    ]
    assert times == sorted(times), "one after the other"


def test_a_failed_step_ends_its_cluster_and_says_why(aws: Aws) -> None:
    cluster = aws.create(step("bad", on_failure="TERMINATE_CLUSTER"), step("told"))
    with pytest.raises(WaiterError):
        aws.emr.get_waiter("cluster_terminated").wait(ClusterId=cluster, WaiterConfig=QUICK)
    status = aws.until_gone(cluster)
    assert (status["State"], status["StateChangeReason"]["Code"]) == ("TERMINATED_WITH_ERRORS", "STEP_FAILURE")
    assert aws.states(cluster) == ["FAILED", "CANCELLED"]
    failure = aws.steps(cluster)[0]["FailureDetails"]
    assert failure["Reason"] == "Unknown Error."
    assert failure["Message"] == "boom: no such partition"
    name = failure["LogFile"].split("/")[-2]
    assert failure["LogFile"] == f"s3://local-logs/emr/{cluster}/steps/{name}/stderr.gz"
    assert aws.log(cluster, name, "stdout") == "so far so good\n"


def test_logs_are_there_when_a_step_is_over(aws: Aws) -> None:
    cluster = aws.create(*[step("told", str(number)) for number in range(4)])
    seen: set[str] = set()

    def all_over() -> bool:
        for each in aws.emr.list_steps(ClusterId=cluster)["Steps"]:
            if each["Status"]["State"] == "COMPLETED" and each["Id"] not in seen:
                assert aws.log(cluster, each["Id"], "stdout"), each
                seen.add(each["Id"])
        return len(seen) == 4

    until(all_over)


def test_a_running_step_is_stopped_and_a_pending_one_never_runs(aws: Aws) -> None:
    cluster = aws.create(step("slow"), step("slow"), step("told"), keep=True)
    until(lambda: aws.states(cluster)[0] == "RUNNING")
    names = [each["Id"] for each in aws.emr.list_steps(ClusterId=cluster)["Steps"]][::-1]
    answers = aws.emr.cancel_steps(ClusterId=cluster, StepIds=[names[1], "s-NONE"])["CancelStepsInfoList"]
    assert [each["Status"] for each in answers] == ["SUBMITTED", "FAILED"]
    assert aws.states(cluster)[1] == "CANCELLED"
    aws.emr.cancel_steps(ClusterId=cluster, StepIds=[names[0]])
    until(lambda: aws.states(cluster) == ["CANCELLED", "CANCELLED", "COMPLETED"])
    assert "exit code 143" in aws.log(cluster, names[0], "controller"), "it was sent SIGTERM"
    aws.emr.terminate_job_flows(JobFlowIds=[cluster])
    aws.until_gone(cluster)


def test_a_step_that_ignores_sigterm_is_killed_with_its_children(aws: Aws) -> None:
    cluster = aws.create(step("deaf"), keep=True)
    until(lambda: aws.states(cluster) == ["RUNNING"])
    (name,) = [each["Id"] for each in aws.emr.list_steps(ClusterId=cluster)["Steps"]]
    until(lambda: bool(processes(name)))
    aws.emr.cancel_steps(ClusterId=cluster, StepIds=[name], StepCancellationOption="TERMINATE_PROCESS")
    until(lambda: aws.states(cluster) == ["CANCELLED"])
    said = aws.log(cluster, name, "stdout").split()
    # It is gone, or only a zombie, which has no command line.
    until(lambda: not said or not commands(said[1]))
    assert processes(name) == []
    aws.emr.terminate_job_flows(JobFlowIds=[cluster])
    aws.until_gone(cluster)


def test_terminating_a_cluster_interrupts_its_step(aws: Aws) -> None:
    cluster = aws.create(step("slow"), step("told"), keep=True)
    until(lambda: aws.states(cluster)[0] == "RUNNING")
    aws.emr.terminate_job_flows(JobFlowIds=[cluster])
    assert aws.until_gone(cluster)["State"] == "TERMINATED"
    assert aws.states(cluster) == ["INTERRUPTED", "CANCELLED"]


def test_a_protected_cluster_is_not_terminated(aws: Aws) -> None:
    cluster = aws.create(keep=True)
    aws.emr.set_termination_protection(JobFlowIds=[cluster], TerminationProtected=True)
    with pytest.raises(ClientError, match="termination protected"):
        aws.emr.terminate_job_flows(JobFlowIds=[cluster])
    until(lambda: aws.status(cluster)["State"] == "WAITING")
    aws.emr.set_termination_protection(JobFlowIds=[cluster], TerminationProtected=False)
    aws.emr.terminate_job_flows(JobFlowIds=[cluster])
    aws.until_gone(cluster)


def test_an_auto_termination_policy_is_stored_and_checked(aws: Aws) -> None:
    # Whether and when it ends a cluster is tested in test_lifecycle.py: the minimum on EMR is a minute.
    cluster = aws.create(keep=True, AutoTerminationPolicy={"IdleTimeout": 900})
    policy = {"AutoTerminationPolicy": {"IdleTimeout": 900}}
    answer = aws.emr.get_auto_termination_policy(ClusterId=cluster)
    assert {"AutoTerminationPolicy": answer["AutoTerminationPolicy"]} == policy
    aws.emr.put_auto_termination_policy(ClusterId=cluster, AutoTerminationPolicy={"IdleTimeout": 60})
    assert aws.emr.get_auto_termination_policy(ClusterId=cluster)["AutoTerminationPolicy"] == {"IdleTimeout": 60}
    with pytest.raises(ClientError, match="from 60 to 604800"):
        aws.emr.put_auto_termination_policy(ClusterId=cluster, AutoTerminationPolicy={"IdleTimeout": 5})
    aws.emr.remove_auto_termination_policy(ClusterId=cluster)
    assert "AutoTerminationPolicy" not in aws.emr.get_auto_termination_policy(ClusterId=cluster)
    aws.emr.terminate_job_flows(JobFlowIds=[cluster])


def test_several_steps_run_at_a_time_if_allowed(aws: Aws) -> None:
    cluster = aws.create(step("slow"), step("slow"), step("slow"), keep=True, StepConcurrencyLevel=2)
    until(lambda: aws.states(cluster) == ["RUNNING", "RUNNING", "PENDING"])
    with pytest.raises(ClientError, match="ActionOnFailure must be CONTINUE"):
        aws.emr.add_job_flow_steps(JobFlowId=cluster, Steps=[step("told", on_failure="CANCEL_AND_WAIT")])
    aws.emr.terminate_job_flows(JobFlowIds=[cluster])
    aws.until_gone(cluster)


def test_our_own_request_is_fully_supported(aws: Aws) -> None:
    settings = Settings("s3://local-code", "s3://local-logs/emr", workers=("m5.xlarge", "m5a.xlarge"), spot=True)
    request = cluster_request(settings, "night", 1, JOB.bootstrap, JOB.package, None)
    cluster = aws.emr.run_job_flow(**request)["JobFlowId"]
    found = aws.emr.describe_cluster(ClusterId=cluster)["Cluster"]
    assert {each["Key"]: each["Value"] for each in found["Tags"]}["shipment-etl:run"] == "night"
    assert found["InstanceCollectionType"] == "INSTANCE_FLEET"
    fleets = aws.emr.list_instance_fleets(ClusterId=cluster)["InstanceFleets"]
    assert [
        (each["InstanceFleetType"], each["ProvisionedOnDemandCapacity"], each["ProvisionedSpotCapacity"]) for each in fleets
    ] == [
        ("MASTER", 1, 0),
        ("CORE", 0, 2),
    ]
    aws.emr.terminate_job_flows(JobFlowIds=[cluster])
    aws.until_gone(cluster)


def test_unknown_clusters_and_calls_are_refused_at_once(aws: Aws) -> None:
    for call in (
        lambda: aws.emr.describe_cluster(ClusterId="j-NONE"),
        lambda: aws.emr.list_steps(ClusterId="j-NONE"),
        lambda: aws.emr.add_job_flow_steps(JobFlowId="j-NONE", Steps=[step("told")]),
        lambda: aws.emr.terminate_job_flows(JobFlowIds=["j-NONE"]),
    ):
        with pytest.raises(ClientError, match="Cluster id 'j-NONE' is not valid"):
            call()
    with pytest.raises(ClientError, match="Local AWS does not support ListStudios of EMR"):
        aws.emr.list_studios()
    before = len(aws.emr.list_clusters()["Clusters"])
    with pytest.raises(ClientError, match="must be CONTINUE"):
        aws.create(step("told", on_failure="TERMINATE_CLUSTER"), StepConcurrencyLevel=2)
    assert len(aws.emr.list_clusters()["Clusters"]) == before, "nothing is left of a refused cluster"


@pytest.mark.parametrize(
    ("jar", "arguments", "told"),
    [
        ("command-runner.jar", ["spark-submit", "s3://local-code/none.py"], "s3://local-code/none.py cannot be downloaded"),
        ("command-runner.jar", ["no-such-program"], "no-such-program cannot be run"),
        ("s3://local-code/mine.jar", ["a"], "no other jar: s3://local-code/mine.jar"),
    ],
)
def test_a_step_that_cannot_run_fails_and_says_why(aws: Aws, jar: str, arguments: list[str], told: str) -> None:
    asked = {"Name": "x", "ActionOnFailure": "CONTINUE", "HadoopJarStep": {"Jar": jar, "Args": arguments}}
    cluster = aws.create(asked)
    aws.until_gone(cluster)
    (found,) = aws.steps(cluster)
    assert found["State"] == "FAILED"
    assert told in found["FailureDetails"]["Message"]


def test_scripts_run_with_their_additional_files(aws: Aws) -> None:
    aws.s3.put_object(Bucket="local-code", Key="hi.sh", Body=b'echo "hi $1"; test -z "$2"')
    aws.s3.put_object(Bucket="local-code", Key="helper.py", Body=b"NAME = 'helper'")
    aws.s3.put_object(Bucket="local-code", Key="uses.py", Body=b"import helper; print(helper.NAME, open('data.txt').read())")
    aws.s3.put_object(Bucket="local-code", Key="data.txt", Body=b"some data")
    jar = "s3://us-east-1.elasticmapreduce/libs/script-runner/script-runner.jar"
    brings = ["--py-files", "s3://local-code/helper.py", "--files", "s3://local-code/data.txt"]
    steps = [
        (jar, ["s3://local-code/hi.sh", "you there"]),
        ("command-runner.jar", ["spark-submit", *brings, "s3://local-code/uses.py"]),
    ]
    cluster = aws.create(
        *[{"Name": "x", "ActionOnFailure": "CONTINUE", "HadoopJarStep": {"Jar": a, "Args": b}} for a, b in steps]
    )
    aws.until_gone(cluster)
    names = [each["Id"] for each in aws.emr.list_steps(ClusterId=cluster)["Steps"]][::-1]
    assert [aws.log(cluster, name, "stdout") for name in names] == ["hi you there\n", "helper some data\n"]


def test_a_cluster_is_in_the_requested_region(aws: Aws) -> None:
    far = aws.client("emr", region_name="eu-west-1")
    cluster = aws.create(step("told"), emr=far)
    with pytest.raises(ClientError, match="is not valid"):
        aws.status(cluster)
    far.get_waiter("cluster_terminated").wait(ClusterId=cluster, WaiterConfig=QUICK)


def test_only_clients_with_the_key_are_accepted(aws: Aws) -> None:
    for service, call in (("emr", "list_clusters"), ("s3", "list_buckets"), ("sts", "get_caller_identity")):
        stranger = aws.client(service, aws_access_key_id="AKIAIOSFODNN7EXAMPLE")
        with pytest.raises(ClientError, match="This local AWS was not started by you"):
            getattr(stranger, call)()
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{aws.local.endpoint}/local-code/told.py")
    link = aws.s3.generate_presigned_url("get_object", Params={"Bucket": "local-code", "Key": "told.py"})
    assert b"sys.argv" in urllib.request.urlopen(link).read()
    told = json.load(urllib.request.urlopen(aws.local.endpoint + STATUS))
    assert told["service"] == "shipment-etl local-aws"
    assert aws.local.key not in json.dumps(told)


def test_every_service_of_ours_answers(aws: Aws) -> None:
    calls = {
        "cloudformation": "list_stacks",
        "ec2": "describe_vpcs",
        "emr-serverless": "list_applications",
        "iam": "list_roles",
        "logs": "describe_log_groups",
        "ssm": "describe_parameters",
        "sts": "get_caller_identity",
    }
    for service, call in calls.items():
        answer: Any = getattr(aws.client(service), call)()
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_any_client_that_follows_the_environment_finds_it(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in aws.local.environment.items():
        monkeypatch.setenv(name, value)
    found = boto3.session.Session().client("s3").list_buckets()["Buckets"]
    assert {each["Name"] for each in found} >= {"local-code", "local-lake", "local-logs"}


def test_a_reset_of_moto_removes_clusters_and_their_processes(aws: Aws) -> None:
    cluster = aws.create(step("slow"), keep=True)
    until(lambda: aws.states(cluster) == ["RUNNING"])
    (name,) = [each["Id"] for each in aws.emr.list_steps(ClusterId=cluster)["Steps"]]
    until(lambda: bool(processes(name)))
    signed = {"Authorization": f"AWS4-HMAC-SHA256 Credential={aws.local.key}/20261124/us-east-1/s3/aws4_request"}
    urllib.request.urlopen(urllib.request.Request(f"{aws.local.endpoint}/moto-api/reset", method="POST", headers=signed))
    until(lambda: not processes(name))
    for bucket in ("local-code", "local-logs"):
        aws.s3.create_bucket(Bucket=bucket)
    aws.put_scripts()
    cluster = aws.create(step("told"))
    assert aws.until_gone(cluster)["State"] == "TERMINATED"
    assert aws.states(cluster) == ["COMPLETED"]


def commands(number: str) -> str:
    """The arguments of a process; empty if it has ended."""
    try:
        return Path(f"/proc/{number}/cmdline").read_text()
    except OSError:
        return ""


def processes(name: str) -> list[str]:
    """The IDs of processes that have a name among their arguments."""
    return [each.name for each in Path("/proc").glob("[0-9]*") if name in commands(each.name)]
