"""Roles: whether they exist, and trust the service that assumes them."""

import json
from collections.abc import Iterator
from typing import Any

from shipment_etl_emr.checks.account import Account, Finding, NotChecked, green, red, yellow
from shipment_etl_emr.settings import NODE_ROLE, SERVICE_ROLE

__all__ = [
    "EC2",
    "EMR",
    "SERVERLESS",
    "deploy_roles",
    "instance_profile",
    "linked_role",
    "role",
    "role_arn",
    "role_of_nodes",
]

EMR, EC2, SERVERLESS = "elasticmapreduce", "ec2", "emr-serverless"
"""The services that assume roles, named as their principals begin."""
NOT_THERE = "NoSuchEntity"


def role(account: Account, given: str, service: str, key: str) -> Finding:
    """Check that a role exists and trusts a service.

    Args:
        account: account that is checked.
        given: name or ARN of the role.
        service: the service that assumes it, such as ec2.
        key: the setting that names it.
    """
    found = account.find(NOT_THERE, "iam", "get_role", RoleName=_name(given))
    if found is None:
        return red(f"There is no role {_name(given)}", _create(account, given, key))
    return _trusts(found["Role"], service)


def instance_profile(account: Account) -> Finding:
    """Check that the instance profile exists, and has a role that EC2 may assume."""
    given = account.settings.instance_profile
    found = account.find(NOT_THERE, "iam", "get_instance_profile", InstanceProfileName=_name(given))
    if found is None:
        return red(f"There is no instance profile {_name(given)}", _create(account, given, "instance_profile"))
    roles = found["InstanceProfile"]["Roles"]
    if not roles:
        fix = f"aws iam add-role-to-instance-profile --instance-profile-name {_name(given)} --role-name ROLE"
        return red(f"The instance profile {_name(given)} has no role", fix)
    return _trusts(roles[0], EC2)


def linked_role(account: Account, name: str, service: str) -> Finding:
    """Check that a service-linked role exists, which is not so in an account that never had a cluster."""
    if account.find(NOT_THERE, "iam", "get_role", RoleName=name):
        return green(name)
    return yellow(
        f"There is no {name}; the first cluster fails unless its caller may create it",
        f"aws iam create-service-linked-role --aws-service-name {service}.amazonaws.com",
    )


def role_arn(account: Account, given: str) -> str:
    """Return the ARN of a role that is given by name or by ARN.

    Raises:
        NotChecked: there is no such role.
    """
    found = account.find(NOT_THERE, "iam", "get_role", RoleName=_name(given))
    if found is None:
        raise NotChecked(f"there is no role {_name(given)}")
    return str(found["Role"]["Arn"])


def role_of_nodes(account: Account) -> str:
    """Return the ARN of the role that the nodes of clusters have.

    Raises:
        NotChecked: there is no such instance profile, or it has no role.
    """
    given = _name(account.settings.instance_profile)
    found = account.find(NOT_THERE, "iam", "get_instance_profile", InstanceProfileName=given)
    roles = found["InstanceProfile"]["Roles"] if found else []
    if not roles:
        raise NotChecked(f"there is no instance profile {given} with a role")
    return str(roles[0]["Arn"])


def _name(given: str) -> str:
    """Return the name of a role or an instance profile that is given by name or by ARN."""
    return given.rsplit("/", 1)[-1]


def deploy_roles(account: Account) -> str:
    """Return the command that deploys the project's own roles for the buckets of the settings."""
    uris = {"Lake": account.lake or "s3://LAKE-BUCKET", "Code": account.settings.code, "Logs": account.settings.logs}
    buckets = " ".join(f"{name}Bucket={uri.removeprefix('s3://').split('/')[0]}" for name, uri in uris.items())
    stack = "aws cloudformation deploy --stack-name shipment-roles --capabilities CAPABILITY_IAM"
    template = "adapters/shipment-etl-emr/infrastructure/roles.yaml"
    return f"{stack} --region {account.region} --template-file {template} --parameter-overrides {buckets}"


def _create(account: Account, given: str, key: str) -> str:
    if given in (SERVICE_ROLE, NODE_ROLE):
        return f"aws emr create-default-roles --region {account.region}"
    return f"{deploy_roles(account)}, and set {key} to its output"


def _trusts(found: Any, service: str) -> Finding:
    principal = f"{service}.amazonaws.com"
    if any(trusted.startswith(principal) for trusted in _principals(found["AssumeRolePolicyDocument"])):
        return green(str(found["Arn"]))
    statement = {"Effect": "Allow", "Principal": {"Service": principal}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    fix = f"aws iam update-assume-role-policy --role-name {found['RoleName']} --policy-document '{document}'"
    return red(f"The role {found['RoleName']} does not trust {principal}", fix)


def _principals(document: Any) -> Iterator[str]:
    statements = document.get("Statement", [])
    for statement in [statements] if isinstance(statements, dict) else statements:
        principal = statement.get("Principal", {})
        services = principal.get("Service", []) if isinstance(principal, dict) and statement["Effect"] == "Allow" else []
        yield from [services] if isinstance(services, str) else services
