"""The infrastructure: the templates are valid and can be deployed; buckets and network are private."""

import json
import re
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from emr.policies import allowed
from emr.stacks import ACCOUNT, FOLDER, REGION, deploy, resources_of

# moto leaves out what it does not support; cfn-lint checks all of it.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Tried to parse:UserWarning"),
    pytest.mark.usefixtures("mocked_aws"),
]

BUCKETS = {f"{kind}Bucket": f"acme-{kind.lower()}" for kind in ("Lake", "Code", "Logs")}
TEMPLATES = sorted(file.stem for file in FOLDER.glob("*.yaml"))
PHYSICAL_NAME = re.compile(r"(Bucket|Group|Role|Policy|InstanceProfile|LaunchTemplate|AutoScalingGroup)?Name")
"""Properties that give a resource a fixed name, which may already be taken."""


@pytest.fixture(scope="module")
def storage() -> dict[str, str]:
    return deploy("storage", Prefix="acme")


@pytest.mark.slow
def test_cloudformation_accepts_the_templates() -> None:
    templates = [str(file) for file in sorted(FOLDER.glob("*.yaml"))]
    done = subprocess.run(
        [str(Path(sys.executable).parent / "cfn-lint"), *templates], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert len(templates) == len(TEMPLATES) == 4


def test_buckets_are_encrypted(storage: dict[str, str]) -> None:
    s3 = boto3.client("s3", REGION)
    assert storage == BUCKETS
    for bucket in storage.values():
        (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def test_buckets_are_versioned_private_and_cleaned_up() -> None:
    buckets = resources_of("storage", "AWS::S3::Bucket").values()
    assert len(buckets) == 3
    for each in buckets:
        told = each["Properties"]
        assert each["DeletionPolicy"] == each["UpdateReplacePolicy"] == "Retain"
        assert told["VersioningConfiguration"] == {"Status": "Enabled"}
        assert all(told["PublicAccessBlockConfiguration"].values())
        assert len(told["PublicAccessBlockConfiguration"]) == 4
        assert {"old-versions", "half-uploads"} <= {rule["Id"] for rule in told["LifecycleConfiguration"]["Rules"]}


def test_buckets_are_reached_over_tls_only() -> None:
    resources = resources_of("storage")
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


@pytest.mark.parametrize("template", TEMPLATES)
def test_no_resource_has_a_fixed_name_that_could_collide(template: str) -> None:
    fixed = [
        f"{logical}.{key}"
        for logical, each in resources_of(template).items()
        for key, value in each.get("Properties", {}).items()
        # Names of inline policies only need to be unique within their role.
        if PHYSICAL_NAME.fullmatch(key) and isinstance(value, str) and each["Type"] != "AWS::IAM::Policy"
    ]
    assert fixed == []


def test_two_stacks_of_roles_can_coexist(storage: dict[str, str]) -> None:
    first, second = (deploy("roles", name, **storage) for name in ("roles-one", "roles-two"))
    assert not set(first.values()) & set(second.values())


def test_the_network_is_private() -> None:
    network = deploy("network")
    ec2 = boto3.client("ec2", REGION)
    subnets = ec2.describe_subnets(SubnetIds=network["Subnets"].split(","))["Subnets"]
    # Moto always gives subnets public addresses.
    told = [each["Properties"]["MapPublicIpOnLaunch"] for each in resources_of("network", "AWS::EC2::Subnet").values()]
    assert told == [False, False]
    assert len({each["AvailabilityZone"] for each in subnets}) == 2
    assert (
        next(each["AvailabilityZone"] for each in subnets if each["SubnetId"] == network["FirstSubnet"])
        == network["FirstZone"]
    )
    tag = {"Key": "for-use-with-amazon-emr-managed-policies", "Value": "true"}
    assert all(tag in each["Tags"] for each in subnets)
    gateways = ec2.describe_internet_gateways()["InternetGateways"]
    assert not [each for each in gateways if any(at["VpcId"] == network["Vpc"] for at in each["Attachments"])]


def test_the_network_has_endpoints_for_all_services_called() -> None:
    endpoints = resources_of("network", "AWS::EC2::VPCEndpoint").values()
    services = {each["Properties"]["ServiceName"]["Fn::Sub"].rpartition(".")[2] for each in endpoints}
    # Nodes: S3, and KMS for the keys of their disks. The host: EMR, STS, sessions, and EC2 to attach its volume.
    assert services == {"s3", "kms", "elasticmapreduce", "emr-serverless", "sts", "ssm", "ssmmessages", "ec2"}


OURS, THEIRS = {"aws:ResourceAccount": ACCOUNT}, {"aws:ResourceAccount": "210987654321"}


@pytest.mark.parametrize(
    ("action", "resource", "context", "allows"),
    [
        ("s3:PutObject", "acme-lake/raw/a", OURS, True),
        ("s3:ListBucket", "acme-lake", OURS, True),
        ("s3:GetObject", f"al2023-repos-{REGION}-de612dc2/a.rpm", THEIRS, True),
        ("s3:GetObject", f"repo.{REGION}.emr.amazonaws.com/a.rpm", THEIRS, True),
        ("s3:GetObject", f"aws157-instance-data-0-prod-{REGION}/a", THEIRS, True),
        ("s3:PutObject", f"aws157-logs-prod-{REGION}/a", THEIRS, True),
        ("s3:PutObject", f"prod.{REGION}.appinfo.src/a", THEIRS, True),
        ("s3:PutObject", "of-others/a", THEIRS, False),
        ("s3:GetObject", "of-others/a", THEIRS, False),
        ("s3:PutObject", "of-others/a", {}, False),
        ("s3:PutObject", f"repo.{REGION}.emr.amazonaws.com/a.rpm", THEIRS, False),
        ("s3:GetObject", f"aws157-logs-prod-{REGION}/a", THEIRS, False),
    ],
)
def test_data_leaves_the_network_for_buckets_of_this_account_only(
    action: str, resource: str, context: dict[str, str], allows: bool
) -> None:
    policy = resources_of("network")["S3"]["Properties"]["PolicyDocument"]
    text = json.dumps(policy).replace("${AWS::Partition}", "aws").replace("${AWS::Region}", REGION)
    statements = json.loads(
        re.sub(r'\{"Fn::Sub": ("[^"]*")\}', r"\1", text).replace('{"Ref": "AWS::AccountId"}', f'"{ACCOUNT}"')
    )["Statement"]
    assert allowed(statements, action, f"arn:aws:s3:::{resource}", context) is allows
