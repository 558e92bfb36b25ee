"""The errors page: the class tree, and for each error its exit code, its meaning and its message."""

import inspect
from collections.abc import Iterator
from string import Formatter

from shipment_etl import errors
from shipment_etl.errors import ShipmentEtlError

INTRODUCTION = """# Errors

Every error that a user can meet is a class in `shipment_etl.errors`. Its message says what is wrong, where, and how to
fix it. The command line prints the message and exits with the exit code; library users catch the class or one of its base
classes.

An error has these attributes: `message` is what is wrong, `remedy` how to fix it, `parts` the values in the message by
name, and `retryable` whether the same call may succeed later without a change. `to_json()` returns all of them, and with
`--json` a command that fails prints them on stdout as one line, `{"error": {…}}`. Errors can be pickled, so they pass
between processes and workers intact. Passwords and tokens in URLs are left out.

Exit code 75 means that a retry may help; 2 is wrong usage, 1 a job that failed.
"""


def errors_page() -> str:
    """Return the page, with every class of the tree."""
    _, root, tree = (errors.__doc__ or "").partition(ShipmentEtlError.__name__)
    return "\n".join(
        [INTRODUCTION, f"```text\n{root}{tree.rstrip()}\n```", "", *(_section(each) for each in _tree(ShipmentEtlError))]
    )


def _tree(root: type[ShipmentEtlError]) -> Iterator[type[ShipmentEtlError]]:
    yield root
    for each in root.__subclasses__():
        if each.__module__ == errors.__name__:
            yield from _tree(each)


def _section(error: type[ShipmentEtlError]) -> str:
    above = next(each for each in error.__mro__[1:])
    below = "" if error is ShipmentEtlError else f", a subclass of [`{above.__name__}`](#{above.__name__})"
    parts = [
        f"## {error.__name__} {{ #{error.__name__} }}",
        "",
        f"{_first_line(error)}{' Retryable.' if error.retryable else ''} Exit code {error.exit_code}{below}.",
        "",
    ]
    message = _message(error)
    return "\n".join([*parts, *((f"> {message}", "") if message else ())])


def _first_line(error: type[ShipmentEtlError]) -> str:
    return (inspect.getdoc(error) or "").partition("\n")[0]


def _message(error: type[ShipmentEtlError]) -> str:
    """Return the message and the remedy as the class declares them, with the names of their parts as placeholders."""
    remedy = error.remedy or ("{remedy}" if "remedy" in inspect.signature(error).parameters else "")
    return _text(f"{error.template} {remedy}".strip()) if error.template else ""


def _text(template: str) -> str:
    parsed = Formatter().parse(template)
    return "".join(f"{_plain(text)}{'' if name is None else f'‹{name}›'}" for text, name, _, _ in parsed)


def _plain(text: str) -> str:
    return text.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")
