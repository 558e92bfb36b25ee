"""Policies: evaluates IAM policies, as far as those of EMR and of this project need it."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["decide"]


def decide(statements: Iterable[Mapping[str, Any]], action: str, resource: str, context: Mapping[str, str]) -> str:
    """Return the decision on an action: allowed, explicitDeny or implicitDeny.

    Args:
        statements: statements of all policies of a user or role.
        action: such as s3:GetObject.
        resource: ARN of the resource.
        context: condition keys and their values.

    Raises:
        ValueError: a statement has an operator that is not supported here.
    """
    effects = {each["Effect"] for each in statements if _applies(each, action, resource, context)}
    if "Deny" in effects:
        return "explicitDeny"
    return "allowed" if "Allow" in effects else "implicitDeny"


def _applies(statement: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]) -> bool:
    conditions = statement.get("Condition", {})
    return (
        _names(statement, "Action", action.lower(), str.lower)
        and _names(statement, "Resource", resource, str)
        and all(
            _holds(operator, context.get(key), _list(values))
            for operator, keys in conditions.items()
            for key, values in keys.items()
        )
    )


def _names(statement: Mapping[str, Any], element: str, value: str, form: Callable[[str], str]) -> bool:
    if f"Not{element}" in statement:
        return not any(_matches(form(each), value) for each in _list(statement[f"Not{element}"]))
    return any(_matches(form(each), value) for each in _list(statement[element]))


def _holds(operator: str, value: str | None, wanted: list[str]) -> bool:
    if operator == "Null":
        return str(value is None).lower() in wanted
    plain = operator.removesuffix("IfExists")
    if value is None and plain != operator:
        return True
    match plain:
        case "StringEquals" | "Bool" | "ArnEquals":
            return value in wanted
        case "StringNotEquals":
            return value not in wanted
        case "StringLike" | "ArnLike":
            return value is not None and any(_matches(each, value) for each in wanted)
    raise ValueError(f"Local AWS does not support the condition {operator}.")


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text, re.S) is not None


def _list(value: Any) -> list[str]:
    # Templates have true where IAM has "true".
    values = value if isinstance(value, list) else [value]
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in values]
