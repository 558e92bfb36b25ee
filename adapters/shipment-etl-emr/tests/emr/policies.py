"""An evaluator of IAM policies with the features that ours use: Allow and Deny, wildcards, and some condition operators."""

import re
from collections.abc import Iterable, Mapping
from typing import Any


def allowed(
    statements: Iterable[Mapping[str, Any]], action: str, resource: str, context: Mapping[str, str] | None = None
) -> bool:
    """Return whether policies allow an action: at least one statement does, and none denies it."""
    applying = [each["Effect"] for each in statements if _applies(each, action, resource, context or {})]
    return "Allow" in applying and "Deny" not in applying


def _applies(statement: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]) -> bool:
    unknown = statement.keys() - {"Sid", "Effect", "Action", "Resource", "Condition", "Principal"}
    assert not unknown, f"the evaluator does not know {unknown}"
    # A trust policy has no resource: it is about its own role.
    return (
        any(_like(each.lower(), action.lower()) for each in as_list(statement["Action"]))
        and any(_like(each, resource) for each in as_list(statement.get("Resource", "*")))
        and all(
            _holds(operator, key, as_list(values), context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def _holds(operator: str, key: str, values: list[str], context: Mapping[str, str]) -> bool:
    if operator == "Null":
        return str(key not in context).lower() in values
    if operator in ("ArnEquals", "ArnLike", "StringLike"):
        return key in context and any(_like(each, context[key]) for each in values)
    assert operator in ("StringEquals", "Bool"), f"the evaluator does not know {operator}"
    return context.get(key) in values


def _like(pattern: str, text: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text) is not None


def as_list(value: Any) -> list[str]:
    """Return the values of a policy element, which may be a list or a single value."""
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]
