"""CloudFormation as moto has it, with what it leaves out of stacks: outputs of change sets, documents, policies of AWS."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from moto.cloudformation.models import CloudFormationBackend
from moto.iam.models import Role, iam_backends
from moto.kms.models import KmsBackend

__all__ = ["install"]


def install() -> None:
    """Add to moto's own, before the first call."""
    if hasattr(CloudFormationBackend.execute_change_set, "__wrapped__"):
        return
    CloudFormationBackend.execute_change_set = _with_outputs(CloudFormationBackend.execute_change_set)  # type: ignore[method-assign]
    KmsBackend.create_key = _with_text(KmsBackend.create_key)  # type: ignore[method-assign]
    Role.put_policy = _with_text(Role.put_policy)  # type: ignore[method-assign]
    Role.create_from_cloudformation_json = _with_policies(Role.create_from_cloudformation_json)  # type: ignore[method-assign]


def _with_outputs(execute: Callable[..., None]) -> Callable[..., None]:
    """Look for the outputs of a stack that a change set made, as `aws cloudformation deploy` does."""

    @wraps(execute)
    def executed(self: Any, change_set_name: str, stack_name: str | None = None) -> None:
        execute(self, change_set_name, stack_name)
        for stack in self.stacks.values():
            # moto looks for outputs when it makes a stack, and a change set's has no template yet then.
            stack._parse_template()
            stack.output_map = stack._create_output_map()

    return executed


def _with_text(keep: Callable[..., Any]) -> Callable[..., Any]:
    """Keep a policy of a stack as JSON: moto keeps it as a mapping, and stumbles over that later."""

    @wraps(keep)
    def kept(*given: Any, **more: Any) -> Any:
        return keep(*map(_text, given), **{name: _text(each) for name, each in more.items()})

    return kept


def _text(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict) else value


def _with_policies(create: Callable[..., Role]) -> Any:
    """Attach to a role the policies of AWS that its template names."""

    def created(cls: type[Role], /, name: str, template: dict[str, Any], account: str, region: str, **more: Any) -> Role:
        role = create(name, template, account, region, **more)
        for policy in template["Properties"].get("ManagedPolicyArns", ()):
            iam_backends[account]["aws"].attach_role_policy(policy, role.name)
        return role

    return classmethod(created)
