"""Account: creates what an AWS account has after its first cluster, through AWS calls."""

import json
from typing import Any

from shipment_etl_emr.local.client import BUCKETS
from shipment_etl_emr.settings import NODE_ROLE, SERVICE_ROLE

__all__ = ["set_up"]

ROLES = {
    SERVICE_ROLE: ("elasticmapreduce.amazonaws.com", "AmazonElasticMapReduceRole"),
    NODE_ROLE: ("ec2.amazonaws.com", "AmazonElasticMapReduceforEC2Role"),
}
"""As `aws emr create-default-roles` makes them."""
LINKED = {"AWSServiceRoleForEMRCleanup": "elasticmapreduce", "AWSServiceRoleForEC2Spot": "spot"}


def set_up(s3: Any, iam: Any) -> None:
    """Create the buckets and the roles of EMR, with clients of S3 and IAM."""
    for bucket in BUCKETS:
        s3.create_bucket(Bucket=bucket)
    _make_roles(iam)


def _make_roles(iam: Any) -> None:
    for role, (service, policy) in ROLES.items():
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=_trust(service))
        iam.attach_role_policy(RoleName=role, PolicyArn=f"arn:aws:iam::aws:policy/service-role/{policy}")
    iam.create_instance_profile(InstanceProfileName=NODE_ROLE)
    iam.add_role_to_instance_profile(InstanceProfileName=NODE_ROLE, RoleName=NODE_ROLE)
    for role, service in LINKED.items():
        # Not with create_service_linked_role: moto would give them other names.
        principal = f"{service}.amazonaws.com"
        path = f"/aws-service-role/{principal}/"
        iam.create_role(RoleName=role, Path=path, AssumeRolePolicyDocument=_trust(principal))


def _trust(principal: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": principal}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
