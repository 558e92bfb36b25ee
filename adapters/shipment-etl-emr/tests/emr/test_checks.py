"""The checks of an account: green if nothing is missing, and red with a fix if something is removed.

They run against local AWS, with the project's own stacks. A fix that is a complete command is run, and must fix the problem.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import jsonschema
import pytest

from shipment_etl_emr import releases
from shipment_etl_emr.checks import Check, check_service
from shipment_etl_emr.checks import plan as planned
from shipment_etl_emr.checks.account import right_of
from shipment_etl_emr.checks.table import print_checks
from shipment_etl_emr.local import LocalAws, local_aws
from shipment_etl_emr.local.client import without_aws
from shipment_etl_emr.releases import Release
from shipment_etl_emr.service import Service
from shipment_etl_emr.settings import Settings
from tests import command_line

HERE = Path(__file__)
INFRASTRUCTURE = HERE.parents[2] / "infrastructure"
SCHEMA = json.loads((HERE.parents[4] / "docs" / "check.schema.json").read_text("utf-8"))
REGION = "us-east-1"
LAKE = "s3://acme-lake/shipments"
PACKAGE = f"s3://acme-code/packages/shipment-etl-py3.11-x86_64-{'0' * 64}.tar.gz"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
READING = ("Describe", "Get", "Head", "List", "Simulate")
Break = Callable[["World"], Any]


class World:
    """Local AWS with the stacks of the project, and settings made from their outputs."""

    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws
        # One session for all clients: it loads the service models once.
        self.session = boto3.Session(aws.key, aws.secret, region_name=REGION)
        self.outputs: dict[str, str] = {}
        self.deploy("storage", Prefix="acme")
        self.deploy("roles", **{f"{each}Bucket": f"acme-{each.lower()}" for each in ("Lake", "Code", "Logs")})
        self.deploy("network")
        self.client("s3").put_object(Bucket="acme-code", Key=PACKAGE.removeprefix("s3://acme-code/"), Body=b"a package")
        # The only resource of the stack of roles that moto cannot create.
        created = self.client("emr-serverless").create_application(
            name="shipment-etl", releaseLabel="emr-7.13.0", type="SPARK", architecture="X86_64", clientToken="acme"
        )
        self.settings = Settings(
            code="s3://acme-code",
            logs="s3://acme-logs/emr",
            region=REGION,
            subnets=tuple(self.outputs["Subnets"].split(",")),
            service_role=self.outputs["ServiceRole"],
            instance_profile=self.outputs["InstanceProfile"],
            security_configuration=self.outputs["SecurityConfiguration"],
        )
        self.serverless = replace(
            self.settings,
            target="serverless",
            application=created["applicationId"],
            job_role=self.outputs["JobRole"],
        )

    def deploy(self, name: str, **parameters: str) -> None:
        client = self.client("cloudformation")
        client.create_stack(
            StackName=name,
            TemplateBody=(INFRASTRUCTURE / f"{name}.yaml").read_text("utf-8"),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        (stack,) = client.describe_stacks(StackName=name)["Stacks"]
        self.outputs |= {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    def client(self, name: str, region: str = REGION) -> Any:
        return self.session.client(name, region_name=region, endpoint_url=self.aws.endpoint)

    @contextmanager
    def hooked(self, event: str, hook: Callable[..., Any]) -> Iterator[None]:
        """Let boto3 call a hook at an event of its clients."""
        self.session.events.register(event, hook)
        yield
        self.session.events.unregister(event, hook)

    def calls(self, settings: Settings) -> set[tuple[str, str]]:
        """The calls that the checks make, by service and name."""
        called: set[tuple[str, str]] = set()

        def note(model: Any, **given: Any) -> None:
            called.add((model.service_model.service_name, model.name))

        with self.hooked("before-call", note):
            self.check(settings)
        return called

    def check(self, settings: Settings | None = None, session: Any = None, **given: Any) -> dict[str, Check]:
        """Run the checks and return them by name."""
        service = Service(settings or self.settings, self.aws.endpoint, session or self.session)
        arguments = {"lake": LAKE, "package": PACKAGE, "scripts": (str(HERE),), **given}
        checks = check_service(lambda: service, **arguments)
        assert len({each.name for each in checks}) == len(checks)
        return {each.name: each for each in checks}

    def run(self, command: str) -> None:
        """Run a command in a shell, as a user would."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**without_aws(os.environ), **self.aws.environment, "PATH": path}
        done = subprocess.run(["bash", "-ec", command], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stderr}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with local_aws(tmp_path_factory.mktemp("aws")) as aws:
        yield World(aws)


def name_of(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]


def not_green(checks: dict[str, Check]) -> dict[str, Check]:
    return {name: each for name, each in checks.items() if each.state != "green"}


def test_all_is_green(world: World) -> None:
    checks = world.check()
    assert not_green(checks) == {}
    assert "a cluster needs 12 on-demand vCPUs" in checks["quota of on-demand vCPUs"].found
    assert not any(each.fix for each in checks.values())


def test_all_is_green_on_serverless(world: World) -> None:
    checks = world.check(world.serverless)
    assert not_green(checks) == {}
    assert "emr-7.13.0 on x86_64" in checks["application"].found


def test_nothing_is_changed(world: World) -> None:
    called = world.calls(world.settings) | world.calls(world.serverless)
    assert len(called) > 15
    assert [name for _, name in called if not name.startswith(READING)] == []


def test_the_page_lists_each_right_that_the_checks_need(world: World) -> None:
    used = world.calls(world.settings) | world.calls(world.serverless) | world.calls(replace(world.settings, subnets=()))
    # GetCallerIdentity needs no right.
    needed = {right_of(*each) for each in used - {("sts", "GetCallerIdentity")}}
    page = (HERE.parents[4] / "docs" / "how-to" / "emr.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| ((?:`[A-Z]\w+`(?:, )?)+) \|$", page, flags=re.M)
    assert {f"{service}:{name}" for service, names in rows for name in re.findall(r"\w+", names)} == needed


# Functions that remove something, for the table below.


def delete_lake(world: World) -> None:
    world.client("s3").delete_bucket(Bucket="acme-lake")


def expose_lake(world: World) -> None:
    world.client("s3").delete_public_access_block(Bucket="acme-lake")


def unencrypt_lake(world: World) -> None:
    world.client("s3").delete_bucket_encryption(Bucket="acme-lake")


def distrust(world: World) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    other = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    role = name_of(world.settings.service_role)
    world.client("iam").update_assume_role_policy(RoleName=role, PolicyDocument=other)


def forbid_service_role(world: World) -> None:
    role, iam = name_of(world.settings.service_role), world.client("iam")
    for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        iam.delete_role_policy(RoleName=role, PolicyName=policy)


def forbid_nodes(world: World) -> None:
    iam = world.client("iam")
    (role,) = iam.get_instance_profile(InstanceProfileName=world.settings.instance_profile)["InstanceProfile"]["Roles"]
    (policy,) = iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]
    iam.detach_role_policy(RoleName=role["RoleName"], PolicyArn=policy["PolicyArn"])


def forbid_caller(world: World) -> None:
    world.client("iam").detach_user_policy(UserName="local", PolicyArn=ADMINISTRATOR)


def cut_off(world: World) -> None:
    ec2 = world.client("ec2")
    by_service = [{"Name": "service-name", "Values": [f"com.amazonaws.{REGION}.s3"]}]
    (endpoint,) = ec2.describe_vpc_endpoints(Filters=by_service)["VpcEndpoints"]
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])


def untag_subnet(world: World) -> None:
    tag = {"Key": "for-use-with-amazon-emr-managed-policies"}
    world.client("ec2").delete_tags(Resources=[world.settings.subnets[0]], Tags=[tag])


def untag_network(world: World) -> None:
    tag = {"Key": "for-use-with-amazon-emr-managed-policies"}
    world.client("ec2").delete_tags(Resources=[world.outputs["Vpc"]], Tags=[tag])


def key_of(world: World) -> str:
    found = world.client("emr").describe_security_configuration(Name=world.settings.security_configuration)
    declared = json.loads(found["SecurityConfiguration"])["EncryptionConfiguration"]["AtRestEncryptionConfiguration"]
    return str(declared["LocalDiskEncryptionConfiguration"]["AwsKmsKey"]).rsplit("/", 1)[-1]


def disable_key(world: World) -> None:
    world.client("kms").disable_key(KeyId=key_of(world))


def condemn_key(world: World) -> None:
    world.client("kms").schedule_key_deletion(KeyId=key_of(world))


TAKEN = [
    (expose_lake, "public access to lake", "yellow", "acme-lake does not block public access: BlockPublicAcls,"),
    (unencrypt_lake, "encryption of lake", "yellow", "acme-lake does not encrypt by default"),
    (delete_lake, "bucket of lake", "red", "There is no bucket acme-lake"),
    (distrust, "service role", "red", "does not trust elasticmapreduce.amazonaws.com"),
    (forbid_service_role, "rights of the service role", "red", "lacks iam:PassRole on arn:aws:iam::123456789012:role/"),
    (forbid_nodes, "rights of the nodes", "red", "lacks s3:ListBucket on arn:aws:s3:::acme-lake, s3:DeleteObject on"),
    (forbid_caller, "rights of the caller", "red", "local lacks s3:ListBucket on arn:aws:s3:::acme-code"),
    (cut_off, "way to S3 from {subnet}", "red", "has neither an endpoint for S3 nor a route to the internet"),
    (untag_subnet, "rights of the service role", "red", "lacks ec2:CreateNetworkInterface on arn:aws:ec2:"),
    (untag_network, "rights of the service role", "red", "lacks ec2:CreateSecurityGroup on arn:aws:ec2:"),
    (disable_key, "key of disks", "red", "is Disabled"),
    (condemn_key, "key of disks", "red", "is PendingDeletion"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("take", "name", "state", "found"), TAKEN, ids=[each[0].__name__ for each in TAKEN])
def test_each_removed_prerequisite_is_found_and_restored_by_its_fix(
    world: World, take: Break, name: str, state: str, found: str
) -> None:
    take(world)
    try:
        check = world.check()[name.format(subnet=world.settings.subnets[0])]
        assert (check.state, found in check.found) == (state, True), check
        for each in not_green(world.check()).values():
            if each.fix.startswith("aws "):
                world.run(each.fix)
        assert not_green(world.check()) == {}
    finally:
        world.client("iam").attach_user_policy(UserName="local", PolicyArn=ADMINISTRATOR)


def test_missing_default_roles_are_fixed_by_a_command_of_the_cli(world: World) -> None:
    settings = replace(
        world.settings,
        service_role="EMR_DefaultRole",
        instance_profile="EMR_EC2_DefaultRole",
        security_configuration=None,
    )
    assert not_green(world.check(settings)) == {}
    iam = world.client("iam")
    role = iam.get_role(RoleName="EMR_DefaultRole")["Role"]
    (policy,) = iam.list_attached_role_policies(RoleName="EMR_DefaultRole")["AttachedPolicies"]
    iam.detach_role_policy(RoleName="EMR_DefaultRole", PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName="EMR_DefaultRole")
    check = world.check(settings)["service role"]
    assert (check.state, check.found) == ("red", "There is no role EMR_DefaultRole")
    assert check.fix == "aws emr create-default-roles --region us-east-1"
    # This command needs the endpoint of the real AWS, so it is not run here.
    trust = json.dumps(role["AssumeRolePolicyDocument"])
    iam.create_role(RoleName="EMR_DefaultRole", AssumeRolePolicyDocument=trust)
    iam.attach_role_policy(RoleName="EMR_DefaultRole", PolicyArn=policy["PolicyArn"])
    assert world.check(settings)["service role"].state == "green"


def test_a_missing_role_is_deployed_by_its_fix(world: World) -> None:
    checks = world.check(replace(world.settings, service_role="gone", instance_profile="away"))
    for name, found in (
        ("service role", "There is no role gone"),
        ("instance profile", "There is no instance profile away"),
    ):
        assert (checks[name].state, checks[name].found) == ("red", found)
        assert "--template-file adapters/shipment-etl-emr/infrastructure/roles.yaml" in checks[name].fix
        assert "LakeBucket=acme-lake CodeBucket=acme-code LogsBucket=acme-logs" in checks[name].fix
    # Checks that need the role are not green.
    assert checks["rights of the service role"].found == "could not be checked: there is no role gone"
    assert {checks[f"rights of the {who}"].state for who in ("service role", "nodes", "caller")} == {"yellow"}


def far_bucket(world: World) -> Settings:
    far = {"LocationConstraint": "eu-west-1"}
    world.client("s3", "eu-west-1").create_bucket(Bucket="acme-far", CreateBucketConfiguration=far)
    return replace(world.settings, logs="s3://acme-far/emr")


def unknown_release(world: World) -> Settings:
    return replace(world.settings, release="emr-7.99.0")


def other_spark(world: World) -> Settings:
    releases.RELEASES["emr-7.13.0"] = replace(releases.RELEASES["emr-7.13.0"], spark="3.5.7")
    return world.settings


def small_subnet(world: World) -> Settings:
    ec2 = world.client("ec2")
    subnet = ec2.create_subnet(VpcId=world.outputs["Vpc"], CidrBlock="10.42.128.0/28")["Subnet"]["SubnetId"]
    return replace(world.settings, subnets=(subnet,), count=14)


def two_networks(world: World) -> Settings:
    by_default = [{"Name": "default-for-az", "Values": ["true"]}]
    other = world.client("ec2").describe_subnets(Filters=by_default)["Subnets"][0]["SubnetId"]
    return replace(world.settings, subnets=(world.settings.subnets[0], other))


def no_default_network(world: World) -> Settings:
    ec2 = world.client("ec2", "eu-west-1")
    for subnet in ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    return replace(world.settings, subnets=(), region="eu-west-1")


SET = [
    (far_bucket, "bucket of logs", "acme-far' is in eu-west-1", "aws s3 mb s3://ANOTHER-NAME --region us-east-1"),
    (
        lambda world: replace(world.settings, subnets=("subnet-0a1b2c3d",)),
        "subnet subnet-0a1b2c3d",
        "There is no subnet subnet-0a1b2c3d in us-east-1",
        "aws ec2 describe-subnets --region us-east-1",
    ),
    (small_subnet, "subnet {}", "11 free addresses, but a cluster needs 15", "Name a larger subnet"),
    (two_networks, "one network", "The subnets are in 2 networks", "Name subnets of one VPC"),
    (no_default_network, "default network", "eu-west-1 has no default ones", "infrastructure/network.yaml"),
    (
        lambda world: replace(world.settings, count=16),
        "quota of on-demand vCPUs",
        "a cluster needs 68 on-demand vCPUs; the quota is 64",
        "request-service-quota-increase --service-code ec2 --quota-code L-1216C47A --desired-value 68",
    ),
    (
        lambda world: replace(world.settings, count=17, spot=True),
        "quota of spot vCPUs",
        "a cluster needs 68 spot vCPUs; the quota is 64",
        "--quota-code L-34B43A08 --desired-value 68",
    ),
    (unknown_release, "release", "EMR has no release emr-7.99.0 in us-east-1", "aws emr list-release-labels"),
    (other_spark, "release", "emr-7.13.0 has Spark 3.5.6, but 3.5.7 is needed", "Set release in the settings to one of"),
    (
        lambda world: replace(world.settings, workers=("m5.xlarge", "m5zz.xlarge")),
        "instance types",
        "us-east-1 does not offer m5zz.xlarge",
        "--filters Name=instance-type,Values=m5zz.*",
    ),
    (
        lambda world: replace(world.settings, security_configuration="gone"),
        "security configuration",
        "There is no security configuration gone",
        "aws emr list-security-configurations",
    ),
    (
        lambda world: replace(world.settings, log_key=f"arn:aws:kms:{REGION}:123456789012:key/gone"),
        "key of logs",
        "There is no key arn:aws:kms:us-east-1",
        "aws kms list-aliases",
    ),
    (
        lambda world: replace(world.serverless, application="00gone"),
        "application",
        "There is no application 00gone",
        "aws emr-serverless create-application --type SPARK",
    ),
    (
        lambda world: replace(world.serverless, job_role="arn:aws:iam::123456789012:role/gone"),
        "job role",
        "There is no role gone",
        "and set job_role to its output",
    ),
]


@pytest.mark.parametrize(("make", "name", "found", "fix"), SET)
def test_settings_that_the_account_does_not_fit_are_red(
    world: World, make: Callable[[World], Settings], name: str, found: str, fix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {**releases.RELEASES, "emr-7.99.0": Release("emr-7.99.0", "3.5.6", "3.3.2", ("3.11",))}
    monkeypatch.setattr(releases, "RELEASES", known)
    settings = make(world)
    check = world.check(settings)[name.format(*settings.subnets)]
    assert (check.state, found in check.found, fix in check.fix) == ("red", True, True), check


@pytest.mark.parametrize(
    ("given", "state", "found"),
    [
        ({"package": PACKAGE.replace("0.tar", "1.tar")}, "red", "There is no package at s3://acme-code/packages/"),
        ({"package": PACKAGE.replace("py3.11", "py3.9")}, "red", "is not for Python 3.11 on x86_64"),
        ({"package": PACKAGE.replace("x86_64", "aarch64")}, "red", "is not for Python 3.11 on x86_64"),
        ({"package": None}, "yellow", "runs build one"),
    ],
)
def test_a_package_that_does_not_fit_is_reported(world: World, given: dict[str, Any], state: str, found: str) -> None:
    check = world.check(**given)["package"]
    assert (check.state, found in check.found) == (state, True), check
    assert check.fix.startswith("shipment-etl emr package")


def test_a_package_without_a_digest_may_have_changed(world: World) -> None:
    world.client("s3").put_object(Bucket="acme-code", Key="packages/mine-py3.11-x86_64-new.tar.gz", Body=b"")
    check = world.check(package="s3://acme-code/packages/mine-py3.11-x86_64-new.tar.gz")["package"]
    assert (check.state, "has no digest in its name" in check.found) == ("yellow", True)


def test_missing_scripts_and_a_missing_lake_are_reported(world: World, tmp_path: Path) -> None:
    checks = world.check(lake=None, scripts=(str(tmp_path / "a.py"), "s3://acme-code/scripts/b.py"))
    assert (checks["script a.py"].state, checks["script b.py"].state) == ("red", "red")
    assert "aws s3 cp FILE s3://acme-code/scripts/b.py" in checks["script b.py"].fix
    assert checks["bucket of lake"].fix == "shipment-etl emr check --lake s3://BUCKET/FOLDER"
    assert checks["bucket of lake"].state == "yellow"


def test_a_fallback_from_spot_to_on_demand_is_reported(world: World) -> None:
    checks = world.check(replace(world.settings, count=16, spot=True))
    assert checks["quota of spot vCPUs"].state == "green"
    assert checks["quota of on-demand vCPUs"].state == "yellow"
    assert "if no spot instances are available" in checks["quota of on-demand vCPUs"].found


def test_a_missing_service_linked_role_is_yellow(world: World) -> None:
    world.client("iam").delete_role(RoleName="AWSServiceRoleForEC2Spot")
    check = world.check(replace(world.settings, spot=True))["spot's own role"]
    assert (check.state, check.fix) == ("yellow", "aws iam create-service-linked-role --aws-service-name spot.amazonaws.com")


def test_an_application_that_does_not_fit_is_red(world: World) -> None:
    made = world.client("emr-serverless").create_application(
        name="other", releaseLabel="emr-7.12.0", type="SPARK", clientToken="other"
    )
    settings = replace(world.serverless, application=made["applicationId"])
    check = world.check(settings)["application"]
    assert (check.state, "has emr-7.12.0, but the settings name emr-7.13.0" in check.found) == ("red", True)
    given = f"--application-id {settings.application}"
    assert f"update-application {given} --release-label emr-7.13.0 --region us-east-1" in check.fix
    # AWS cannot update a started application.
    assert check.fix.startswith(f"aws emr-serverless stop-application {given} --region us-east-1 && ")

    # moto does not store the architecture.
    with world.hooked(
        "after-call.emr-serverless.GetApplication", lambda parsed, **_: parsed["application"].update(architecture="ARM64")
    ):
        check = world.check(world.serverless)["application"]
    assert (check.state, "is for aarch64, but packages are for x86_64" in check.found) == ("red", True)


def test_with_refused_credentials_no_check_of_the_account_is_green(world: World) -> None:
    checks = world.check(session=boto3.Session("AKIAEXPIRED", "x", region_name=REGION))
    assert checks["identity"].state == "red"
    assert checks["identity"].fix.startswith("aws sso login")
    here = {"settings", f"script {HERE.name}"}
    assert {name for name, each in checks.items() if each.state == "green"} == here
    assert all("could not be checked" in checks[name].found for name in checks.keys() - here - {"identity"})


@contextmanager
def environment_without_region(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        yield


def test_without_a_region_the_settings_are_red(monkeypatch: pytest.MonkeyPatch) -> None:
    with environment_without_region(monkeypatch):
        (check,) = check_service(lambda: Service(Settings(code="s3://acme-code", logs="s3://acme-logs")), None, None, ())
    assert (check.name, check.state, check.found) == ("settings", "red", "No region is given")
    assert "AWS_REGION" in check.fix


@pytest.mark.slow
def test_each_missing_right_to_check_is_named(world: World) -> None:
    denied = 0
    for settings in (world.settings, world.serverless):
        before = world.check(settings)
        for service, operation in sorted(world.calls(settings) - {("sts", "GetCallerIdentity")}):
            with world.hooked(f"before-call.{service}.{operation}", deny):
                after = world.check(settings)
            changed = {name: each for name, each in after.items() if each != before[name]}
            assert changed, operation
            for each in changed.values():
                assert each.state == ("red" if operation == "HeadBucket" else "yellow"), each
                assert "missing right" in each.found, each
                assert each.fix, each
            denied += 1
    assert denied > 25


def test_a_missing_right_is_named_with_the_command_that_grants_it(world: World) -> None:
    with world.hooked("before-call.service-quotas.GetServiceQuota", deny):
        check = world.check()["quota of on-demand vCPUs"]
    assert (check.state, check.found) == ("yellow", "could not be checked: missing right servicequotas:GetServiceQuota")
    assert check.fix.startswith("aws iam put-user-policy --user-name local --policy-name shipment-etl-")
    assert '"Action": ["servicequotas:GetServiceQuota"]' in check.fix


def deny(model: Any, **given: Any) -> Any:
    # HeadBucket has no body, so its refusal has only the status code.
    code = "403" if model.name.startswith("Head") else "AccessDenied"
    metadata = {"HTTPStatusCode": 403, "HTTPHeaders": {}}
    return SimpleNamespace(status_code=403), {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": metadata}


def test_a_failing_check_does_not_hide_the_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    before = world.check()

    def broken(account: Any) -> Any:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(planned.capacity, "machines", broken)
    after = world.check()
    assert after.pop("instance types").found == "could not be checked: by zero"
    del before["instance types"]
    assert after == before


def test_the_orchestrators_role_has_all_rights_that_runs_need(world: World) -> None:
    arn = "arn:aws:sts::123456789012:assumed-role/{}/i-0123456789abcdef0"
    roles = world.client("iam").list_roles()["Roles"]
    name = next(each["RoleName"] for each in roles if "OrchestratorRole" in each["RoleName"])

    def be_orchestrator(parsed: dict[str, Any], **given: Any) -> None:
        parsed["Arn"] = arn.format(name)

    with world.hooked("after-call.sts.GetCallerIdentity", be_orchestrator):
        checks = world.check()
    assert checks["identity"].found == arn.format(name)
    assert (checks["rights of the caller"].state, checks["rights of the caller"].fix) == ("green", "")


def test_each_line_of_json_matches_its_schema(world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    checks = world.check(replace(world.settings, count=16), package=None)
    print_checks(list(checks.values()), True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["state"] for line in lines} == {"green", "yellow", "red"}
    for line in lines:
        jsonschema.validate(line, SCHEMA)
    assert lines == [asdict(each) for each in checks.values()]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**lines[0], "state": "red", "fix": ""}, SCHEMA)


CHECKS = [
    Check("identity", "green", "arn:aws:iam::123456789012:user/local"),
    Check("package", "yellow", "no package is given", "shipment-etl emr package"),
    Check("release", "red", f"EMR has no release {'x' * 200}", "aws emr list-release-labels " + "y" * 200),
]


def test_without_a_terminal_each_finding_is_one_plain_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_checks(CHECKS, False)
    out = capsys.readouterr().out
    assert out.splitlines()[:3] == [
        "green   identity arn:aws:iam::123456789012:user/local",
        "yellow  package  no package is given",
        f"red     release  EMR has no release {'x' * 200}",
    ]
    assert f"\nrelease:\n  {CHECKS[2].fix}\n" in out
    assert out.endswith("\n1 green, 1 yellow, 1 red\n")
    assert "\x1b" not in out


def test_on_a_terminal_findings_have_colours_and_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "60")
    print_checks(CHECKS, False)
    out = capsys.readouterr().out
    for state, colour in (("green", 32), ("yellow", 33), ("red", 31)):
        assert f"\x1b[{colour}m{state}" in out
    assert CHECKS[2].fix in out, "a command is in one piece, to be copied"


@pytest.mark.slow
def test_the_exit_code_of_the_command_reports_red_checks(world: World, tmp_path: Path) -> None:
    (tmp_path / "spark").symlink_to(HERE.parents[4] / "spark")
    (tmp_path / "good.toml").write_text('code = "s3://local-code"\nlogs = "s3://local-logs/emr"\n')
    (tmp_path / "bad.toml").write_text('code = "s3://local-code"\nlogs = "s3://local-logs/emr"\nrelease = "emr-9.9.9"\n')

    def run(*arguments: str) -> Any:
        known = {**without_aws(os.environ), **world.aws.environment}
        return command_line.run(
            "emr", "check", "--lake", "s3://local-lake/a", *arguments, code=None, folder=tmp_path, environment=known
        )

    done = run("--settings", "good.toml")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "24 green, 1 yellow, 0 red"), done.stdout
    done = run("--settings", "bad.toml", "--json")
    (line,) = map(json.loads, done.stdout.splitlines())
    assert (done.returncode, line["name"], line["state"]) == (1, "settings", "red")
    assert (line["found"], line["fix"]) == (
        "The release 'emr-9.9.9' cannot run shipment-etl: its versions of Python and Spark are unknown",
        "Use one of: emr-7.13.0.",
    )
    done = run("--settings", "none.toml")
    assert (done.returncode, done.stdout.startswith("red     settings")) == (1, True)
