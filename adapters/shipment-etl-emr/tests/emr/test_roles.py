"""Roles: each has the rights that its work needs, and none that would let it gain more."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

import shipment_etl_emr
from emr.policies import allowed, as_list
from emr.rights import (
    APPLICATION,
    ASKED,
    CLEANUP_ROLE,
    EXISTING,
    LOG_KEY,
    MAY,
    MAY_NOT,
    NEW,
    OTHER_KEY,
    OURS,
    QUOTA,
    TO_NODES,
    job_run,
)
from emr.stacks import ACCOUNT, REGION, deploy, resources_of

# moto leaves out what it does not support; cfn-lint checks all of it.
pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse:UserWarning")

MAX_INLINE_CHARACTERS = 10_240
"""Maximum size of all inline policies of a role, without white space (IAM and AWS STS quotas)."""


@pytest.fixture(scope="module", autouse=True)
def aws() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        with mock_aws(config={"iam": {"load_aws_managed_policies": True}}):
            yield


@pytest.fixture(scope="module")
def storage() -> dict[str, str]:
    return deploy("storage", Prefix="acme")


@pytest.fixture(scope="module")
def roles(storage: dict[str, str]) -> dict[str, list[Any]]:
    """The statements of each role, inline and attached, including AWS's, by the role's name in the template."""
    # moto does not create the EMR Serverless application.
    deploy("roles", replace={"${Application}": APPLICATION}, LogKey=LOG_KEY, **storage)
    return statements_of("roles")


def statements_of(stack: str) -> dict[str, list[Any]]:
    iam = boto3.client("iam", REGION)
    found = {}
    for role, name in role_names(stack).items():
        documents = [
            iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
        ]
        for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            version = iam.get_policy(PolicyArn=policy["PolicyArn"])["Policy"]["DefaultVersionId"]
            documents.append(
                iam.get_policy_version(PolicyArn=policy["PolicyArn"], VersionId=version)["PolicyVersion"]["Document"]
            )
        found[role] = [statement for document in documents for statement in _read(document)["Statement"]]
    return found


def resources_made(stack: str) -> dict[str, Any]:
    resources = boto3.client("cloudformation", REGION).list_stack_resources(StackName=stack)["StackResourceSummaries"]
    return {each["LogicalResourceId"]: each for each in resources}


def role_names(stack: str) -> dict[str, str]:
    return {
        name: each["PhysicalResourceId"]
        for name, each in resources_made(stack).items()
        if each["ResourceType"] == "AWS::IAM::Role"
    }


def role_arn(role: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{role_names('roles')[role]}"


def profile_arn() -> str:
    return f"arn:aws:iam::{ACCOUNT}:instance-profile/{resources_made('roles')['NodeProfile']['PhysicalResourceId']}"


def _read(document: Any) -> Any:
    # moto returns a policy that is declared in a role as Python text.
    return ast.literal_eval(document) if isinstance(document, str) else document


@pytest.mark.parametrize(("role", "action", "resource", "context"), MAY)
def test_a_role_may(roles: dict[str, list[Any]], role: str, action: str, resource: str, context: dict[str, str]) -> None:
    assert allowed(roles[role], action, resource, context)


@pytest.mark.parametrize(("role", "action", "resource", "context"), MAY_NOT)
def test_a_role_may_not(roles: dict[str, list[Any]], role: str, action: str, resource: str, context: dict[str, str]) -> None:
    assert not allowed(roles[role], action, resource, context)


@pytest.mark.parametrize(
    ("whose", "role", "service"),
    [
        ("OrchestratorRole", "ServiceRole", "elasticmapreduce"),
        ("OrchestratorRole", "NodeRole", "ec2"),
        ("OrchestratorRole", "JobRole", "emr-serverless"),
        ("ServiceRole", "NodeRole", "ec2"),
    ],
)
def test_a_role_is_passed_only_to_the_service_it_is_for(
    roles: dict[str, list[Any]], whose: str, role: str, service: str
) -> None:
    for each in ("elasticmapreduce", "ec2", "emr-serverless", "lambda"):
        passed = {"iam:PassedToService": f"{each}.amazonaws.com"}
        assert allowed(roles[whose], "iam:PassRole", role_arn(role), passed) is (each == service)
    assert not allowed(roles[whose], "iam:PassRole", role_arn(role))


@pytest.mark.parametrize("whose", ["NodeRole", "JobRole"])
def test_roles_of_jobs_cannot_pass_a_role(roles: dict[str, list[Any]], whose: str) -> None:
    for role in ("ServiceRole", "NodeRole", "JobRole", "OrchestratorRole"):
        assert not allowed(roles[whose], "iam:PassRole", role_arn(role), TO_NODES)


def test_the_key_of_disks_is_used_by_emr_and_the_nodes_only(roles: dict[str, list[Any]]) -> None:
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{resources_made('roles')['DiskKey']['PhysicalResourceId']}"
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        assert {role for role, statements in roles.items() if allowed(statements, action, key)} == {
            "NodeRole",
            "ServiceRole",
        }
    for_aws = {"kms:GrantIsForAWSResource": "true"}
    assert allowed(roles["ServiceRole"], "kms:CreateGrant", key, for_aws)
    assert not allowed(roles["ServiceRole"], "kms:CreateGrant", key)
    assert not allowed(roles["ServiceRole"], "kms:CreateGrant", OTHER_KEY, for_aws)


def test_the_orchestrator_may_look_at_the_instance_profile(roles: dict[str, list[Any]]) -> None:
    assert allowed(roles["OrchestratorRole"], "iam:GetInstanceProfile", profile_arn())


@pytest.mark.parametrize("role", ["ServiceRole", "NodeRole", "JobRole", "OrchestratorRole"])
def test_the_orchestrator_may_look_at_each_of_our_roles_and_change_none(roles: dict[str, list[Any]], role: str) -> None:
    for action in ("GetRole", "SimulatePrincipalPolicy"):
        assert allowed(roles["OrchestratorRole"], f"iam:{action}", role_arn(role))
    for action in ("AttachRolePolicy", "PutRolePolicy", "UpdateAssumeRolePolicy", "DeleteRolePolicy"):
        assert not allowed(roles["OrchestratorRole"], f"iam:{action}", role_arn(role))


def test_services_act_only_for_this_account() -> None:
    arn = f"arn:aws:elasticmapreduce:{REGION}:{ACCOUNT}:cluster/j-1"
    ours = {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": arn}
    for role in ("ServiceRole", "JobRole"):
        trust = _rendered(resources_of("roles")[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"])
        assert allowed(trust, "sts:AssumeRole", "", ours)
        assert not allowed(trust, "sts:AssumeRole", "", {**ours, "aws:SourceAccount": "210987654321"})
        assert not allowed(trust, "sts:AssumeRole", "")
    trust = _rendered(resources_of("roles")["ServiceRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"])
    assert not allowed(trust, "sts:AssumeRole", "", {**ours, "aws:SourceArn": arn.replace(ACCOUNT, "210987654321")})


def _rendered(statements: Any) -> Any:
    text = json.dumps(statements).replace('{"Ref": "AWS::AccountId"}', f'"{ACCOUNT}"')
    for name, value in {"Partition": "aws", "Region": REGION, "AccountId": ACCOUNT}.items():
        text = text.replace(f"${{AWS::{name}}}", value)
    return [
        {**each, "Condition": {operator: _plain(keys) for operator, keys in each["Condition"].items()}}
        for each in json.loads(text)
    ]


def _plain(keys: dict[str, Any]) -> dict[str, Any]:
    return {key: value["Fn::Sub"] if isinstance(value, dict) else value for key, value in keys.items()}


def test_without_a_key_for_logs_no_role_may_use_one(storage: dict[str, str]) -> None:
    deploy("roles", "no-log-key", **storage)
    of_disks = {"NodeRole", "ServiceRole"}
    for role, statements in statements_of("no-log-key").items():
        assert not allowed(statements, "kms:GenerateDataKey", LOG_KEY)
        used = any("kms:GenerateDataKey" in str(each) for each in statements)
        assert used is (role in of_disks)


def test_only_the_managed_policy_of_the_service_role_is_used() -> None:
    kept = [
        arn["Fn::Sub"].rpartition("/")[2]
        for template in ("roles", "orchestrator")
        for role in resources_of(template).values()
        for arn in role["Properties"].get("ManagedPolicyArns", [])
    ]
    assert kept == ["AmazonEMRServicePolicy_v2"]


def test_no_statement_allows_all_actions_of_a_service(roles: dict[str, list[Any]]) -> None:
    for statements in roles.values():
        for each in statements:
            assert not [action for action in as_list(each["Action"]) if action.endswith(":*") or action == "*"]


def test_policies_fit_into_their_role(roles: dict[str, list[Any]]) -> None:
    iam = boto3.client("iam", REGION)
    for name in role_names("roles").values():
        inline = [
            _read(iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
        ]
        # Times 1.5, because real names are longer than those of the test.
        assert sum(len(json.dumps(each, separators=(",", ":"))) for each in inline) * 1.5 < MAX_INLINE_CHARACTERS


def test_the_orchestrator_may_make_every_call_that_the_adapter_makes(roles: dict[str, list[Any]]) -> None:
    iam = [*map(role_arn, roles), CLEANUP_ROLE, profile_arn()]
    # By boto3 service: its name in rights, and the resources of its calls.
    services: dict[str, tuple[str, list[str]]] = {
        "ec2": ("ec2", ["*"]),
        "emr": ("elasticmapreduce", [EXISTING, "*", NEW]),
        "emr-serverless": ("emr-serverless", [job_run(), job_run(name="1")]),
        "iam": ("iam", iam),
        "kms": ("kms", [LOG_KEY]),
        "service-quotas": ("servicequotas", [QUOTA]),
    }
    names, made = set(names_in_source()), {}
    for service, (prefix, resources) in services.items():
        for method, operation in boto3.client(service, REGION).meta.method_to_api_mapping.items():
            if method in names:
                action = f"{prefix}:{operation}"
                made[action] = any(allowed(roles["OrchestratorRole"], action, each, {**ASKED, **OURS}) for each in resources)
    assert {
        "elasticmapreduce:RunJobFlow",
        "emr-serverless:StartJobRun",
        "ec2:DescribeSubnets",
        "iam:SimulatePrincipalPolicy",
    } <= made.keys()
    assert [action for action, may in made.items() if not may] == []


def names_in_source() -> Iterator[str]:
    """Yield all attribute names and strings in the modules that call AWS, among them the methods of clients."""
    source = Path(shipment_etl_emr.__file__).parent
    for file in (*source.glob("*.py"), *source.glob("checks/*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Attribute):
                yield node.attr
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
