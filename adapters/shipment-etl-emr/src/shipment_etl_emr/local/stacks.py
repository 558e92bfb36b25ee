"""Extends moto's CloudFormation with what stacks lack: outputs of change sets, policy documents, managed policies."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from moto.cloudformation.models import CloudFormationBackend
from moto.iam.models import Role, iam_backends
from moto.kms.models import KmsBackend

__all__ = ["install"]


def install() -> None:
    """Patch moto; call it before the first request."""
    if hasattr(CloudFormationBackend.execute_change_set, "__wrapped__"):
        return
    CloudFormationBackend.execute_change_set = _add_outputs(CloudFormationBackend.execute_change_set)  # type: ignore[method-assign]
    KmsBackend.create_key = _store_as_text(KmsBackend.create_key)  # type: ignore[method-assign]
    Role.put_policy = _store_as_text(Role.put_policy)  # type: ignore[method-assign]
    Role.create_from_cloudformation_json = _attach_policies(Role.create_from_cloudformation_json)  # type: ignore[method-assign]


def _add_outputs(execute: Callable[..., None]) -> Callable[..., None]:
    """Set the outputs of a stack that a change set created, as `aws cloudformation deploy` does."""

    @wraps(execute)
    def executed(self: Any, change_set_name: str, stack_name: str | None = None) -> None:
        execute(self, change_set_name, stack_name)
        for stack in self.stacks.values():
            # moto reads outputs when it creates a stack, but a change set's stack has no template by then.
            stack._parse_template()
            stack.output_map = stack._create_output_map()

    return executed


def _store_as_text(keep: Callable[..., Any]) -> Callable[..., Any]:
    """Store a policy of a stack as JSON: moto stores it as a mapping, and fails on that later."""

    @wraps(keep)
    def kept(*given: Any, **more: Any) -> Any:
        return keep(*map(_text, given), **{name: _text(each) for name, each in more.items()})

    return kept


def _text(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict) else value


def _attach_policies(create: Callable[..., Role]) -> Any:
    """Attach the managed policies that its template names to a role."""

    def created(cls: type[Role], /, name: str, template: dict[str, Any], account: str, region: str, **more: Any) -> Role:
        role = create(name, template, account, region, **more)
        for policy in template["Properties"].get("ManagedPolicyArns", ()):
            iam_backends[account]["aws"].attach_role_policy(policy, role.name)
        return role

    return classmethod(created)
