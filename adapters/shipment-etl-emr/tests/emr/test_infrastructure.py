"""The infrastructure: the templates are what CloudFormation takes, deploy, and give each role no more than it needs."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from cfnlint.decode import cfn_yaml
from moto import mock_aws

from emr.policies import allowed

# What moto does not know it leaves out; cfn-lint knows all of it.
pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse:UserWarning")

FOLDER = Path(__file__).parents[2] / "infrastructure"
ACCOUNT = "123456789012"
REGION = "eu-central-1"
CLUSTER = f"arn:aws:elasticmapreduce:{REGION}:{ACCOUNT}:cluster/j-1"
BUCKETS = {f"{kind}Bucket": f"acme-{kind.lower()}" for kind in ("Lake", "Code", "Logs")}
OURS = {"elasticmapreduce:ResourceTag/shipment-etl:run": "night"}
ASKED = {"aws:RequestTag/shipment-etl:run": "night"}


@pytest.fixture(scope="module", autouse=True)
def aws() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        with mock_aws():
            yield


def deployed(name: str, **parameters: str) -> dict[str, str]:
    """Deploy a template, and return its outputs."""
    cloudformation = boto3.client("cloudformation", REGION)
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=(FOLDER / f"{name}.yaml").read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


@pytest.fixture(scope="module")
def storage() -> dict[str, str]:
    return deployed("storage", Prefix="acme")


@pytest.fixture(scope="module")
def roles(storage: dict[str, str]) -> dict[str, list[Any]]:
    """The statements of each role, its own and those that are attached, by the role's name in the template."""
    deployed("roles", **storage)
    iam = boto3.client("iam", REGION)
    found = {}
    resources = boto3.client("cloudformation", REGION).list_stack_resources(StackName="roles")["StackResourceSummaries"]
    for each in resources:
        if each["ResourceType"] != "AWS::IAM::Role":
            continue
        name = each["PhysicalResourceId"]
        documents = [
            iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
        ]
        for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            if not policy["PolicyArn"].startswith("arn:aws:iam::aws:"):
                version = iam.get_policy(PolicyArn=policy["PolicyArn"])["Policy"]["DefaultVersionId"]
                found_version = iam.get_policy_version(PolicyArn=policy["PolicyArn"], VersionId=version)["PolicyVersion"]
                documents.append(found_version["Document"])
        found[each["LogicalResourceId"]] = [
            statement for document in documents for statement in _read(document)["Statement"]
        ]
    return found


def _read(document: Any) -> Any:
    # A policy that lies in a role comes out of moto as Python writes it.
    return ast.literal_eval(document) if isinstance(document, str) else document


@pytest.mark.slow
def test_cloudformation_takes_the_templates() -> None:
    templates = [str(file) for file in sorted(FOLDER.glob("*.yaml"))]
    done = subprocess.run(
        [str(Path(sys.executable).parent / "cfn-lint"), *templates], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert len(templates) == 4


def test_buckets_are_encrypted(storage: dict[str, str]) -> None:
    s3 = boto3.client("s3", REGION)
    assert storage == BUCKETS
    for bucket in storage.values():
        (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def test_buckets_are_versioned_private_and_tidied() -> None:
    resources = cfn_yaml.load(str(FOLDER / "storage.yaml"))["Resources"]
    buckets = [each for each in resources.values() if each["Type"] == "AWS::S3::Bucket"]
    assert len(buckets) == 3
    for each in buckets:
        told = each["Properties"]
        assert each["DeletionPolicy"] == each["UpdateReplacePolicy"] == "Retain"
        assert told["VersioningConfiguration"] == {"Status": "Enabled"}
        assert all(told["PublicAccessBlockConfiguration"].values())
        assert len(told["PublicAccessBlockConfiguration"]) == 4
        assert {"old-versions", "half-uploads"} <= {rule["Id"] for rule in told["LifecycleConfiguration"]["Rules"]}


def test_buckets_are_reached_over_tls_only() -> None:
    resources = cfn_yaml.load(str(FOLDER / "storage.yaml"))["Resources"]
    denied = {}
    for each in resources.values():
        if each["Type"] == "AWS::S3::BucketPolicy":
            (statement,) = each["Properties"]["PolicyDocument"]["Statement"]
            bucket = each["Properties"]["Bucket"]["Ref"]
            assert statement["Resource"] == [{"Fn::GetAtt": [bucket, "Arn"]}, {"Fn::Sub": f"${{{bucket}.Arn}}/*"}]
            denied[bucket] = [{"Effect": "Allow", "Action": "*", "Resource": "*"}, {**statement, "Resource": "*"}]
    assert set(denied) == {name for name, each in resources.items() if each["Type"] == "AWS::S3::Bucket"}
    for statements in denied.values():
        assert not allowed(statements, "s3:GetObject", "a", {"aws:SecureTransport": "false"})
        assert allowed(statements, "s3:GetObject", "a", {"aws:SecureTransport": "true"})


def of(bucket: str, key: str = "") -> str:
    return f"arn:aws:s3:::acme-{bucket}" + (f"/{key}" if key else "")


MAY = [
    ("NodeRole", "s3:PutObject", of("lake", "raw/a"), {}),
    ("NodeRole", "s3:GetObject", of("code", "scripts/a.py"), {}),
    ("NodeRole", "s3:PutObject", of("logs", "emr/j-1/steps/s-1/stdout.gz"), {}),
    ("JobRole", "s3:DeleteObject", of("lake", "raw/a"), {}),
    ("JobRole", "s3:PutObject", of("logs", "emr/applications/1/jobs/2/SPARK_DRIVER/stdout.gz"), {}),
    ("OrchestratorRole", "elasticmapreduce:RunJobFlow", "*", ASKED),
    ("OrchestratorRole", "elasticmapreduce:ListClusters", "*", {}),
    ("OrchestratorRole", "elasticmapreduce:TerminateJobFlows", CLUSTER, OURS),
    ("OrchestratorRole", "s3:PutObject", of("logs", "emr/claims/night/1"), {}),
    ("OrchestratorRole", "s3:PutObject", of("logs", "airflow/dag_id=data_generation/attempt=1.log"), {}),
    ("OrchestratorRole", "s3:GetObject", of("logs", "emr/j-1/steps/s-1/stdout.gz"), {}),
    ("OrchestratorRole", "s3:ListBucket", of("lake"), {}),
]
MAY_NOT = [
    ("OrchestratorRole", "s3:PutObject", of("logs", "emr/j-1/steps/s-1/stdout.gz"), {}),
    ("NodeRole", "s3:PutObject", of("logs", "airflow/dag_id=data_generation/attempt=1.log"), {}),
    ("NodeRole", "s3:PutObject", of("code", "scripts/a.py"), {}),
    ("NodeRole", "s3:PutObject", of("logs", "emr/claims/night/1"), {}),
    ("NodeRole", "s3:DeleteObject", of("logs", "emr/j-1/steps/s-1/stdout.gz"), {}),
    ("NodeRole", "s3:GetObject", "arn:aws:s3:::of-others/a", {}),
    ("NodeRole", "s3:DeleteBucket", of("lake"), {}),
    ("NodeRole", "s3:PutBucketPolicy", of("lake"), {}),
    ("NodeRole", "elasticmapreduce:RunJobFlow", "*", ASKED),
    ("NodeRole", "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/any", {"iam:PassedToService": "ec2.amazonaws.com"}),
    ("JobRole", "s3:PutObject", of("logs", "emr/j-1/steps/s-1/stdout.gz"), {}),
    ("JobRole", "s3:PutObject", of("code", "scripts/a.py"), {}),
    ("JobRole", "emr-serverless:StartJobRun", "*", {}),
    ("OrchestratorRole", "s3:GetObject", of("lake", "raw/a"), {}),
    ("OrchestratorRole", "s3:PutObject", of("lake", "raw/a"), {}),
    ("OrchestratorRole", "s3:DeleteObject", of("code", "scripts/a.py"), {}),
    ("OrchestratorRole", "s3:PutObject", of("logs", "emr/j-1/steps/s-1/stdout.gz"), {}),
    ("OrchestratorRole", "elasticmapreduce:RunJobFlow", "*", {}),
    ("OrchestratorRole", "elasticmapreduce:TerminateJobFlows", CLUSTER, {}),
    ("OrchestratorRole", "elasticmapreduce:AddJobFlowSteps", CLUSTER, {}),
    ("OrchestratorRole", "elasticmapreduce:SetTerminationProtection", CLUSTER, OURS),
    ("OrchestratorRole", "ec2:RunInstances", "*", {}),
    ("OrchestratorRole", "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/any", {"iam:PassedToService": "ec2.amazonaws.com"}),
    ("OrchestratorRole", "iam:CreateRole", "*", {}),
    ("ServiceRole", "s3:GetObject", of("lake", "raw/a"), {}),
    ("ServiceRole", "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/any", {"iam:PassedToService": "ec2.amazonaws.com"}),
]


@pytest.mark.parametrize(("role", "action", "resource", "context"), MAY)
def test_a_role_may(roles: dict[str, list[Any]], role: str, action: str, resource: str, context: dict[str, str]) -> None:
    assert allowed(roles[role], action, resource, context)


@pytest.mark.parametrize(("role", "action", "resource", "context"), MAY_NOT)
def test_a_role_may_not(roles: dict[str, list[Any]], role: str, action: str, resource: str, context: dict[str, str]) -> None:
    assert not allowed(roles[role], action, resource, context)


def test_a_role_is_handed_on_only_to_the_service_it_is_for(roles: dict[str, list[Any]]) -> None:
    iam = boto3.client("iam", REGION)
    node = next(each["Arn"] for each in iam.list_roles()["Roles"] if "NodeRole" in each["RoleName"])
    assert allowed(roles["OrchestratorRole"], "iam:PassRole", node, {"iam:PassedToService": "ec2.amazonaws.com"})
    assert not allowed(roles["OrchestratorRole"], "iam:PassRole", node, {"iam:PassedToService": "lambda.amazonaws.com"})


def test_the_network_is_private_and_the_host_closed(roles: dict[str, list[Any]]) -> None:
    network = deployed("network")
    ec2 = boto3.client("ec2", REGION)
    subnets = ec2.describe_subnets(SubnetIds=network["Subnets"].split(","))["Subnets"]
    # Moto gives every subnet and host public addresses, whatever it is told.
    template = cfn_yaml.load(str(FOLDER / "network.yaml"))["Resources"]
    told = [each["Properties"]["MapPublicIpOnLaunch"] for each in template.values() if each["Type"] == "AWS::EC2::Subnet"]
    assert told == [False, False]
    assert len({each["AvailabilityZone"] for each in subnets}) == 2
    tag = {"Key": "for-use-with-amazon-emr-managed-policies", "Value": "true"}
    assert all(tag in each["Tags"] for each in subnets)
    gateways = ec2.describe_internet_gateways()["InternetGateways"]
    assert not [each for each in gateways if any(at["VpcId"] == network["Vpc"] for at in each["Attachments"])]

    stack = boto3.client("cloudformation", REGION).describe_stacks(StackName="roles")["Stacks"][0]
    profile = next(each["OutputValue"] for each in stack["Outputs"] if each["OutputKey"] == "OrchestratorProfile")
    host = deployed("orchestrator", Vpc=network["Vpc"], Subnet=network["FirstSubnet"], Profile=profile)
    (reservation,) = ec2.describe_instances(InstanceIds=[host["Host"]])["Reservations"]
    (instance,) = reservation["Instances"]
    (interface,) = cfn_yaml.load(str(FOLDER / "orchestrator.yaml"))["Resources"]["Host"]["Properties"]["NetworkInterfaces"]
    assert interface["AssociatePublicIpAddress"] is False
    assert "KeyName" not in instance
    group = cfn_yaml.load(str(FOLDER / "orchestrator.yaml"))["Resources"]["Closed"]["Properties"]
    assert "SecurityGroupIngress" not in group
    assert [each["ToPort"] for each in group["SecurityGroupEgress"]] == [443]
    hardened = cfn_yaml.load(str(FOLDER / "orchestrator.yaml"))["Resources"]["Hardened"]["Properties"]["LaunchTemplateData"]
    # Tokens are asked for, and a container on the host can ask.
    assert hardened["MetadataOptions"] == {"HttpTokens": "required", "HttpPutResponseHopLimit": 2, "HttpEndpoint": "enabled"}
