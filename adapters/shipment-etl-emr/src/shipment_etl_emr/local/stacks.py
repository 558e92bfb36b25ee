"""CloudFormation as moto has it, with what it leaves out: outputs of stacks that a change set made, policies of roles."""

from functools import wraps
from typing import Any

from moto.cloudformation.models import CloudFormationBackend
from moto.iam.models import Role, iam_backends

__all__ = ["install"]


def install() -> None:
    """Add to moto's own, before the first call."""
    execute = CloudFormationBackend.execute_change_set
    if hasattr(execute, "__wrapped__"):
        return

    @wraps(execute)
    def executed(self: Any, change_set_name: str, stack_name: str | None = None) -> None:
        execute(self, change_set_name, stack_name)
        for stack in self.stacks.values():
            # moto looks for outputs when it makes a stack, and a change set's has no template yet then.
            stack._parse_template()
            stack.output_map = stack._create_output_map()

    CloudFormationBackend.execute_change_set = executed  # type: ignore[method-assign]

    create = Role.create_from_cloudformation_json

    def created(cls: type[Role], /, name: str, template: dict[str, Any], account: str, region: str, **more: Any) -> Role:
        role = create(name, template, account, region, **more)
        for policy in template["Properties"].get("ManagedPolicyArns", ()):
            iam_backends[account]["aws"].attach_role_policy(policy, role.name)
        return role

    Role.create_from_cloudformation_json = classmethod(created)  # type: ignore[assignment]
