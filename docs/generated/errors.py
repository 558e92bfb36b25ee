"""The page of errors: the tree of errors.py, and of each its exit code, what it means and how its message reads."""

import ast
import inspect
from collections.abc import Iterator

from shipment_etl import errors
from shipment_etl.errors import ShipmentEtlError

INTRODUCTION = """# Errors

Every error that a user can meet is a class in `shipment_etl.errors`. Its message says what is wrong, where, and what to
do about it. The command line prints the message and ends with the exit code; a library user catches the class, or one
that it stands below.
"""


def errors_page() -> str:
    """Return the page, with every class of the tree."""
    tree = (errors.__doc__ or "").partition("\n\n")[2]
    return "\n".join(
        [INTRODUCTION, f"```text\n{tree.strip()}\n```", "", *(_section(each) for each in _tree(ShipmentEtlError))]
    )


def _tree(root: type[ShipmentEtlError]) -> Iterator[type[ShipmentEtlError]]:
    yield root
    for each in root.__subclasses__():
        if each.__module__ == errors.__name__:
            yield from _tree(each)


def _section(error: type[ShipmentEtlError]) -> str:
    above = next(each for each in error.__mro__[1:])
    below = "" if error is ShipmentEtlError else f", a kind of [`{above.__name__}`](#{above.__name__})"
    parts = [
        f"## {error.__name__} {{ #{error.__name__} }}",
        "",
        f"{inspect.getdoc(error)} Exit code {error.exit_code}{below}.",
        "",
    ]
    message = _message(error)
    return "\n".join([*parts, *((f"> {message}", "") if message else ())])


def _message(error: type[ShipmentEtlError]) -> str:
    """Return the message as the class builds it, with the names of its parts in it."""
    if "__init__" not in vars(error):
        return ""
    body = ast.parse(inspect.cleandoc("\n" + inspect.getsource(error))).body[0]
    calls = [
        each
        for each in ast.walk(body)
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr == "__init__" and each.args
    ]
    return _text(calls[0].args[0]) if calls else ""


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return _plain(str(node.value))
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(each) for each in node.values)
    if isinstance(node, ast.FormattedValue):
        return f"‹{_name(node.value)}›"
    return f"‹{_name(node)}›"


def _name(node: ast.expr) -> str:
    """Return the names that a part of a message is made of: of a call its arguments, of a ratio both sides."""
    names = [each.id for each in ast.walk(node) if isinstance(each, ast.Name)]
    functions = {each.func.id for each in ast.walk(node) if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)}
    if "nearest" in functions:
        return "the nearest one that there is, or all"
    own = [name for name in dict.fromkeys(names) if name not in functions]
    return " / ".join(own) or "…"


def _plain(text: str) -> str:
    return text.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")
