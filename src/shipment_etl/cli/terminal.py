"""Terminal: the only place that prints, so that no text from files and tables acts on a terminal."""

import sys
from typing import Any

from rich.console import Console
from rich.text import Text

from shipment_etl.printable import printable, printable_json

__all__ = ["SafeConsole", "console", "echo", "echo_json"]


class SafeConsole(Console):
    """A console that escapes what it is given as plain text: lines, cells, titles."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Return text as rich prints it."""
        return super().render_str(printable(text), **options)


def console(*, stderr: bool = False, soft_wrap: bool = True) -> SafeConsole:
    """Return a console of stdout or stderr.

    Markup in square brackets is read as ever: texts from data need `rich.markup.escape`, or `markup=False`.
    """
    return SafeConsole(stderr=stderr, soft_wrap=soft_wrap, highlight=False, emoji=False)


def echo(text: object, *, err: bool = False) -> None:
    """Print a line to stdout or stderr, at once."""
    print(printable(str(text)), file=sys.stderr if err else sys.stdout, flush=True)


def echo_json(value: Any) -> None:
    """Print a value as one line of JSON to stdout, at once."""
    print(printable_json(value), flush=True)
