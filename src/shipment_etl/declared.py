"""Values that a user declares in TOML: read, checked against their dataclass, and explained if wrong."""

import tomllib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from shipment_etl.errors import UsageError, shorten, suggest

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

__all__ = ["parse_toml", "parse_values", "read_text", "strict"]

# pydantic is imported only where it is needed: the import takes longer than parsing the arguments of most commands.

Value = TypeVar("Value")
MAX_PROBLEMS = 5

EXPECTED = {
    "string_": "a string in quotes",
    "tuple_": 'a list, as in ["a", "b"]',
    "list_type": 'a list, as in ["a", "b"]',
    "dataclass_type": "a table, as in { key = value }",
    "dict_type": "a table, as in { key = value }",
    "bool_": "true or false",
    "int_": "a whole number",
    "float_": "a number",
    "decimal_": "a number",
    "date_": "a date, as in 2026-11-23",
}
"""Prefix of pydantic's error type → what the value must be."""


def strict(kind: type[Value]) -> type[Value]:
    """Return the dataclass, changed so that an unknown key is an error and not ignored."""
    kind.__pydantic_config__ = {"extra": "forbid"}  # type: ignore[attr-defined]  # pydantic's name
    return kind


def read_text(path: str | Path, error: type[UsageError]) -> str:
    """Return the text of a file of declarations.

    Raises:
        error: the file is missing, or not UTF-8.
    """
    try:
        return Path(path).read_text("utf-8-sig")
    except FileNotFoundError:
        raise error(f"There is no file {path}.", "Check the path.", where=str(path)) from None
    except (OSError, UnicodeDecodeError) as problem:
        remedy = "It must be a TOML file in UTF-8."
        raise error(f"{path} cannot be read: {problem}.", remedy, where=str(path), why=str(problem)) from problem


def parse_toml(text: str, kind: type[Value], where: str, error: type[UsageError]) -> Value:
    """Return the value of type `kind` that a TOML text declares; `where` names it in messages.

    Raises:
        error: the text is not TOML, or a key or value is wrong.
    """
    try:
        table = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as problem:
        raise error(f"{where} is not valid TOML: {problem}.", "Fix that line.", where=where, why=str(problem)) from problem
    return parse_values(table, kind, where, error)


def parse_values(values: Mapping[str, Any], kind: type[Value], where: str, error: type[UsageError]) -> Value:
    """Return the value of type `kind` that names and values declare; `where` names them in messages.

    Raises:
        error: a key or value is wrong.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as problem:
        keys = [_place(each["loc"]) for each in problem.errors()]
        raise error(_explain(problem, kind, where), where=where, keys=keys) from problem


def _explain(problem: "ValidationError", kind: type, where: str) -> str:
    every = problem.errors()
    lines = []
    for each in every[:MAX_PROBLEMS]:
        place = _place(each["loc"])
        if each["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
            lines.append(f"{where} has an unknown key {place!r}. {_suggest_key(str(each['loc'][-1]), kind)}".strip())
        elif each["type"] in ("missing", "missing_argument"):
            lines.append(f"{where} lacks {place!r}. Add it.")
        else:
            given = str(each["input"]) if isinstance(each["input"], Decimal) else shorten(each["input"])
            lines.append(f"{where}: {place} is {given}, but must be {_describe_expected(each)}.")
    if len(every) > MAX_PROBLEMS:
        lines.append(f"… and {len(every) - MAX_PROBLEMS} more.")
    return "\n".join(lines)


def _describe_expected(problem: "ErrorDetails") -> str:
    """Return what a value must be, in TOML terms instead of Python terms."""
    kind, message = problem["type"], problem["msg"]
    found = next((words for start, words in EXPECTED.items() if kind.startswith(start)), None)
    return found or message.removeprefix("Input should be ").removeprefix("Value error, ")


def _place(path: Iterable[int | str]) -> str:
    return ".".join(map(str, path)) or "the file"


def _suggest_key(key: str, kind: type) -> str:
    return suggest(key, sorted(_keys(kind)))


def _keys(kind: Any) -> set[str]:
    """Return all keys that a declaration can have, at any depth."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(kind).json_schema()
    definitions = [schema, *schema.get("$defs", {}).values()]
    return {key for each in definitions for key in each.get("properties", {})}
