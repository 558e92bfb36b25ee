"""Terminal: prints lines and tables, so that no text from files can control the terminal; `rendering` writes rows."""

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from shipment_etl.printable import printable, printable_json

__all__ = ["SafeConsole", "console", "echo", "echo_json"]


class SafeConsole(Console):
    """A console that escapes texts, but keeps what rich itself adds, such as colours and cursor movements."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Return text as rich prints it, escaped before its width is measured."""
        return super().render_str(printable(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield segments of anything that rich prints: a Text does not pass through `render_str`."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)


def console(*, stderr: bool = False, soft_wrap: bool = True) -> SafeConsole:
    """Return a console of stdout or stderr.

    Markup in square brackets is interpreted: texts from data need `rich.markup.escape`, or `markup=False`.
    """
    return SafeConsole(stderr=stderr, soft_wrap=soft_wrap, highlight=False, emoji=False)


def echo(text: object, *, err: bool = False) -> None:
    """Print a line to stdout or stderr, at once."""
    print(printable(str(text)), file=sys.stderr if err else sys.stdout, flush=True)


def echo_json(value: Any) -> None:
    """Print a value as one line of JSON to stdout, at once."""
    print(printable_json(value), flush=True)
