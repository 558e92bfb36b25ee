"""CloudFormation as moto has it, with outputs of stacks that a change set made, as `aws cloudformation deploy` does."""

from functools import wraps
from typing import Any

from moto.cloudformation.models import CloudFormationBackend

__all__ = ["install"]


def install() -> None:
    """Mend moto's own, before the first call."""
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
