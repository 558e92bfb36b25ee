"""Rights: what each role must be allowed to do, declared in one place, and checked with IAM's policy simulator.

IAM evaluates the policies of the role, its boundary and its organization, but not those of buckets and keys.
`ec2:RunInstances` is not checked: the simulator would need the image, the volume and more, which only EMR knows.
"""

import hashlib
import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shipment_etl_emr.checks.account import Account, Finding, NotChecked, green, red
from shipment_etl_emr.checks.keys import disk_key_of
from shipment_etl_emr.checks.network import find_subnets
from shipment_etl_emr.checks.roles import EC2, EMR, SERVERLESS, role_arn, role_of_nodes
from shipment_etl_emr.requests import MANAGED_TAG, RUN_TAG
from shipment_etl_emr.settings import s3_parts

__all__ = [
    "Right",
    "caller",
    "grant",
    "jobs",
    "key_of_disks",
    "key_of_logs",
    "nodes",
    "principal",
    "service_role",
]

UPLOADS = ("bootstrap", "packages", "scripts")
"""Folders below `code` that a run uploads to."""
FOR_AWS = "kms:GrantIsForAWSResource"
SERVICE_ACTIONS = ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext")
DATA_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")
"""Actions with the keys of disks and logs: those of EMR itself, and those of all others."""
MAX_NAMED = 3
"""Maximum number of missing rights that a finding names; the command that fixes them has all."""


@dataclass(frozen=True, slots=True)
class Right:
    """Actions on a resource.

    Attributes:
        actions: such as s3:GetObject.
        resource: ARN of the resource; may end with *.
        context: IAM's context keys, with their values in a run.
        fix: command that fixes it, if there is a better fix than granting the right.
    """

    actions: tuple[str, ...]
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)
    fix: str = ""


def caller_rights(account: Account) -> list[Right]:
    """Return the rights that the caller needs to start runs."""
    settings, code, logs = account.settings, _s3(account, account.settings.code), _s3(account, account.settings.logs)
    buckets = {_bucket(account, uri) for uri in (settings.code, settings.logs, *filter(None, [account.lake]))}
    rights = [
        *(Right(("s3:ListBucket",), each) for each in sorted(buckets)),
        *(Right(("s3:GetObject", "s3:PutObject"), f"{code}/{folder}/*") for folder in UPLOADS),
        Right(("s3:GetObject",), f"{logs}/*"),
    ]
    asked = {f"aws:RequestTag/{RUN_TAG}": "check"}
    if settings.target == "serverless":
        application = _arn(account, SERVERLESS, f"/applications/{settings.application}")
        job_role = role_arn(account, settings.job_role or "")
        return [
            *rights,
            Right(("emr-serverless:ListJobRuns",), application),
            Right(("emr-serverless:StartJobRun",), application, asked),
            Right(("emr-serverless:TagResource",), f"{application}/jobruns/*", asked),
            Right(("emr-serverless:CancelJobRun", "emr-serverless:GetJobRun"), f"{application}/jobruns/*"),
            _pass_role(job_role, SERVERLESS),
        ]
    cluster, ours = _arn(account, EMR, "cluster/*"), {f"elasticmapreduce:ResourceTag/{RUN_TAG}": "check"}
    of_clusters = ("AddJobFlowSteps", "CancelSteps", "DescribeCluster", "DescribeStep", "ListSteps", "TerminateJobFlows")
    return [
        *rights,
        Right(("s3:DeleteObject", "s3:PutObject"), f"{logs}/claims/*"),
        Right(("elasticmapreduce:ListClusters",), "*"),
        Right(("elasticmapreduce:RunJobFlow",), "*", asked),
        # The asterisk is literal: a cluster that is being created has no ID yet.
        Right(("elasticmapreduce:AddTags",), cluster, asked),
        Right(("elasticmapreduce:PutAutoTerminationPolicy",), cluster),
        Right(tuple(f"elasticmapreduce:{each}" for each in of_clusters), cluster, ours),
        _pass_role(role_arn(account, settings.service_role), EMR),
        _pass_role(role_of_nodes(account), EC2),
    ]


def service_rights(account: Account) -> list[Right]:
    """Return the rights that EMR itself needs, in the network of the settings."""
    tagged = {f"aws:ResourceTag/{MANAGED_TAG}": "true"}
    rights = [
        Right(("ec2:DescribeSubnets", "ec2:DescribeSecurityGroups"), "*"),
        Right(("ec2:TerminateInstances",), _arn(account, EC2, "instance/*"), tagged),
        _pass_role(role_of_nodes(account), EC2),
    ]
    if not account.settings.subnets:
        return rights
    subnets = find_subnets(account, account.settings.subnets)
    if not subnets:
        raise NotChecked("a subnet of the settings is missing")
    networks = account.ask("ec2", "describe_vpcs", VpcIds=sorted({each["VpcId"] for each in subnets}))["Vpcs"]
    return [
        *rights,
        *(_right_in_network(account, "ec2:CreateNetworkInterface", f"subnet/{each['SubnetId']}", each) for each in subnets),
        *(_right_in_network(account, "ec2:CreateSecurityGroup", f"vpc/{each['VpcId']}", each) for each in networks),
    ]


def node_rights(account: Account) -> list[Right]:
    """Return the rights that the nodes of clusters need."""
    return _data_rights(account, "j-*")


def job_rights(account: Account) -> list[Right]:
    """Return the rights that jobs on EMR Serverless need."""
    return _data_rights(account, "applications/*")


def key_rights(key: str, actions: Sequence[str]) -> list[Right]:
    """Return the rights to actions with a KMS key, given by its ARN."""
    return [Right((action,), key, {FOR_AWS: "true"} if action == "kms:CreateGrant" else {}) for action in actions]


def caller(account: Account) -> Finding:
    """Check the rights of the caller, who starts runs."""
    if account.caller.kind == "root":
        return green("the root user may do everything")
    return _check_allowed(account, principal(account), caller_rights(account))


def service_role(account: Account) -> Finding:
    """Check the rights of EMR itself."""
    return _check_allowed(account, role_arn(account, account.settings.service_role), service_rights(account))


def nodes(account: Account) -> Finding:
    """Check the rights of the nodes of clusters."""
    return _check_allowed(account, role_of_nodes(account), node_rights(account))


def jobs(account: Account) -> Finding:
    """Check the rights of jobs on EMR Serverless."""
    return _check_allowed(account, role_arn(account, account.settings.job_role or ""), job_rights(account))


def key_of_disks(account: Account, configuration: str) -> Finding:
    """Check that EMR and the nodes may use the key that a security configuration names."""
    key = disk_key_of(account, configuration)
    if not key:
        return green("not needed")
    users = (
        (role_arn(account, account.settings.service_role), SERVICE_ACTIONS),
        (role_of_nodes(account), DATA_ACTIONS),
    )
    return _combine(_check_allowed(account, each, key_rights(key, actions)) for each, actions in users)


def key_of_logs(account: Account, key: str) -> Finding:
    """Check that the role that writes logs may use their key."""
    serverless = account.settings.target == "serverless"
    writer = role_arn(account, account.settings.job_role or "") if serverless else role_of_nodes(account)
    # EMR Serverless rejects a job run whose caller may not use the key.
    principals = [writer, principal(account)] if serverless and account.caller.kind != "root" else [writer]
    return _combine(_check_allowed(account, each, key_rights(key, DATA_ACTIONS)) for each in principals)


def grant(principal: str, rights: Sequence[Right]) -> str:
    """Return the command that grants rights to a user or role."""
    document = json.dumps({"Version": "2012-10-17", "Statement": [_statement(right) for right in rights]})
    name = principal.rsplit("/", 1)[-1]
    if "/aws-reserved/" in principal:
        return f"Add to the permission set of {name}: {document}"
    kind = "user" if ":user/" in principal else "role"
    # Named by its content, so that it never replaces the policy of another fix.
    policy = f"shipment-etl-{hashlib.sha256(document.encode()).hexdigest()[:8]}"
    put = f"aws iam put-{kind}-policy --{kind}-name {name} --policy-name {policy}"
    return f"{put} --policy-document {shlex.quote(document)}"


def _check_allowed(account: Account, principal: str, rights: Sequence[Right]) -> Finding:
    """Check by simulation that a user or role has all the rights.

    Args:
        account: account that is checked.
        principal: ARN of the user or role.
        rights: rights that it needs.
    """
    missing = [missed for right in rights if (missed := _find_missing(account, principal, right)).actions]
    if not missing:
        return green(f"{principal.rsplit('/', 1)[-1]} has all {sum(len(right.actions) for right in rights)} rights")
    named = [f"{action} on {right.resource}" for right in missing for action in right.actions]
    more = f" and {len(named) - MAX_NAMED} more" if len(named) > MAX_NAMED else ""
    to_grant = [right for right in missing if not right.fix]
    fixes = [right.fix for right in missing if right.fix] + ([grant(principal, to_grant)] if to_grant else [])
    return red(f"{principal.rsplit('/', 1)[-1]} lacks {', '.join(named[:MAX_NAMED])}{more}", " && ".join(fixes))


def principal(account: Account) -> str:
    """Return the ARN of the calling user or role; a session's own ARN has its role without the path."""
    caller = account.caller
    if caller.kind == "user":
        return caller.arn
    if caller.kind == "assumed-role":
        return role_arn(account, caller.name)
    raise NotChecked(f"{caller.arn} is neither a user nor a role")


def _combine(findings: Iterable[Finding]) -> Finding:
    """Combine several findings into one, with all problems and all fixes."""
    every = list(findings)
    missing = [each for each in every if each.state != "green"]
    if not missing:
        return green("; ".join(each.found for each in every))
    return red("; ".join(each.found for each in missing), " && ".join(each.fix for each in missing))


def _find_missing(account: Account, principal: str, right: Right) -> Right:
    """Return the right with only the actions that are not allowed."""
    context = [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "boolean" if key == FOR_AWS else "string"}
        for key, value in right.context.items()
    ]
    found = account.ask(
        "iam",
        "simulate_principal_policy",
        PolicySourceArn=principal,
        ActionNames=list(right.actions),
        ResourceArns=[right.resource],
        ContextEntries=context,
    )
    denied = {each["EvalActionName"] for each in found["EvaluationResults"] if each["EvalDecision"] != "allowed"}
    return replace(right, actions=tuple(each for each in right.actions if each in denied))


def _data_rights(account: Account, logs: str) -> list[Right]:
    code = _s3(account, account.settings.code)
    rights = [
        Right(("s3:GetObject",), f"{code}/*"),
        Right(("s3:PutObject",), f"{_s3(account, account.settings.logs)}/{logs}"),
    ]
    if account.lake is None:
        return rights
    files = ("s3:DeleteObject", "s3:GetObject", "s3:PutObject")
    return [
        Right(("s3:ListBucket",), _bucket(account, account.lake)),
        Right(files, f"{_s3(account, account.lake)}/*"),
        *rights,
    ]


def _pass_role(role: str, service: str) -> Right:
    return Right(("iam:PassRole",), role, {"iam:PassedToService": f"{service}.amazonaws.com"})


def _statement(right: Right) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": list(right.actions), "Resource": right.resource}
    conditions = dict(_conditions(right.context))
    return {**statement, "Condition": conditions} if conditions else statement


def _conditions(context: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    runs = {key: "false" for key in context if key.endswith(f"/{RUN_TAG}")}
    if runs:
        # Any run name is fine, as long as the tag is set.
        yield "Null", runs
    if FOR_AWS in context:
        yield "Bool", {FOR_AWS: context[FOR_AWS]}
    others = {key: value for key, value in context.items() if key not in runs and key != FOR_AWS}
    if others:
        yield "StringEquals", others


def _right_in_network(account: Account, action: str, resource: str, found: Any) -> Right:
    """Return a right that EMR needs on a part of the network with its tags."""
    tags = {f"aws:ResourceTag/{tag['Key']}": tag["Value"] for tag in found.get("Tags", ())}
    # EMR's managed policy allows it only with this tag.
    tag = f"aws ec2 create-tags --region {account.region} --resources {resource.split('/')[1]}"
    fix = "" if f"aws:ResourceTag/{MANAGED_TAG}" in tags else f"{tag} --tags Key={MANAGED_TAG},Value=true"
    return Right((action,), _arn(account, EC2, resource), tags, fix)


def _arn(account: Account, service: str, resource: str) -> str:
    caller = account.caller
    return f"arn:{caller.partition}:{service}:{account.region}:{caller.number}:{resource}"


def _bucket(account: Account, uri: str) -> str:
    return f"arn:{account.caller.partition}:s3:::{s3_parts(uri, 'a folder')[0]}"


def _s3(account: Account, uri: str) -> str:
    bucket, key = s3_parts(uri, "a folder")
    return f"arn:{account.caller.partition}:s3:::{bucket}" + (f"/{key}" if key else "")
