"""Extends moto's IAM with AWS's managed policies, the policy simulator, and a user that owns the access key."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from moto.core.config import default_user_config
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.responses import ActionResult, BaseResponse
from moto.iam.exceptions import NotFoundException
from moto.iam.models import IAMBackend, iam_backends
from moto.iam.responses import IamResponse

from shipment_etl_emr.local.policies import decide

__all__ = ["USER", "give_key", "install"]

USER = "local"
"""User name of all clients of local AWS."""
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


def install() -> None:
    """Patch moto; call it before the first request."""
    default_user_config["iam"]["load_aws_managed_policies"] = True
    IamResponse.simulate_principal_policy = _simulate  # type: ignore[attr-defined]
    # moto recognizes only keys of 20 characters, and treats others as anonymous.
    BaseResponse.access_key_regex = re.compile(r"AWS.*Credential=(?P<access_key>[^/,\s]+)/")


def give_key(key: str) -> None:
    """Create the user of an access key, with all rights."""
    backend = iam_backends[DEFAULT_ACCOUNT_ID]["aws"]
    user = backend.create_user("us-east-1", USER)
    backend.attach_user_policy(ADMINISTRATOR, USER)
    user.create_access_key(prefix="AKIA").access_key_id = key


def _simulate(self: IamResponse) -> ActionResult:
    """Simulate the policies of a user or role; each action gets its most restrictive result over all resources."""
    statements = list(_statements(self.backend, self._get_param("PolicySourceArn")))
    context = {each["ContextKeyName"]: each["ContextKeyValues"][0] for each in self._get_param("ContextEntries", []) or []}
    results = []
    for action in self._get_param("ActionNames", []):
        decisions = {decide(statements, action, each, context) for each in self._get_param("ResourceArns", []) or ["*"]}
        worst = next(each for each in ("explicitDeny", "implicitDeny", "allowed") if each in decisions)
        results.append({"EvalActionName": action, "EvalDecision": worst})
    return ActionResult({"EvaluationResults": results, "IsTruncated": False})


def _statements(backend: IAMBackend, arn: str) -> Iterator[Mapping[str, Any]]:
    """Yield the statements of all policies of a user or role."""
    owners: list[Any] = [*backend.users.values(), *backend.roles.values()]
    owner = next((each for each in owners if each.arn == arn), None)
    if owner is None:
        raise NotFoundException(f"The policy source {arn} does not exist.")
    managed = [each.versions[-1].document for each in owner.managed_policies.values()]
    for document in [*managed, *owner.policies.values()]:
        statements = json.loads(document)["Statement"]
        yield from statements if isinstance(statements, list) else [statements]
