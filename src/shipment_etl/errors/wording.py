"""Values in messages: of bounded length, without secrets and control characters."""

import re
import shlex
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from string import Formatter
from typing import Any

from shipment_etl.printable import printable

__all__ = [
    "MAX_MESSAGE",
    "MAX_NAMES",
    "MAX_TEXT",
    "MAX_VALUE",
    "clean",
    "first_line",
    "join_names",
    "last_cause",
    "redact",
    "render",
    "shorten",
    "sort_by_similarity",
    "suggest",
]

MAX_VALUE = 80
"""Maximum length of a quoted value, and of a name in a list."""
MAX_NAMES = 12
"""Maximum number of names that a message shows of a list."""
MAX_TEXT = 500
"""Maximum length of a text in a message, unless its template says otherwise, as in `{log:.9000}`."""
MAX_MESSAGE = 20_000
"""Maximum length of a message, and of a text among the parts of an error: an excerpt of a log fits."""
MAX_INPUT = 5 * MAX_MESSAGE
"""How many characters are searched for secrets, which may be long themselves."""

ANSI = re.compile(r"\x1b\[[\d;]*m")
"""Terminal colours."""

SECRETS = (
    (re.compile(r"://[^/\s@]{1,4096}@"), "://***@"),
    (re.compile(r"(?i)((?:password|passwd|secret|token|signature|credential)[\w-]{0,40}=)[^\s;&,'\"]+"), r"\1***"),
)
"""User and password in a URL; parameters of an address, such as the `token` of Spark Connect.

Repeats are bounded, so that the search takes linear time.
"""


def shorten(value: object) -> str:
    """Return the value as a quoted text of bounded length."""
    try:
        text = repr(value)
    except Exception:  # for example, an integer of more than 4,300 digits
        text = f"<{type(value).__name__}>"
    # Redact before cutting: a secret that is cut in the middle would not be found.
    return _cut(redact(text), MAX_VALUE)


def join_names(names: Iterable[str]) -> str:
    """Return names as a list of bounded length."""
    every = [_cut(redact(name), MAX_VALUE) for name in names]
    shown = ", ".join(every[:MAX_NAMES])
    return shown if len(every) <= MAX_NAMES else f"{shown} and {len(every) - MAX_NAMES} more"


def suggest(name: str, known: Collection[str]) -> str:
    """Return a remedy for an unknown name: the most similar known name, or all of them."""
    near = get_close_matches(name, known, n=1)
    if near:
        return f"Did you mean {shorten(near[0])}?"
    return f"Available: {join_names(sort_by_similarity(name, known)) or 'none'}."


def sort_by_similarity(name: str, known: Collection[str]) -> Collection[str]:
    """Return names in their order, or, if a message cannot show them all, sorted by similarity to a name."""
    return known if len(known) <= MAX_NAMES else get_close_matches(name, known, n=len(known), cutoff=0)


def first_line(text: str) -> str:
    """Return the first line of another program's output, which may be empty."""
    return next(iter(text.strip().splitlines()), "no reason given")


def last_cause(text: str) -> str:
    """Return the last of the causes that Rust libraries list below each other, or else the first line."""
    lines = [ANSI.sub("", line).strip() for line in text.strip().splitlines()]
    causes = [line.removeprefix("↳").strip() for line in lines if line.startswith("↳")]
    return causes[-1] if causes else first_line(text)


def redact(text: str) -> str:
    """Return a text of bounded length without secrets."""
    for pattern, replacement in SECRETS:
        text = pattern.sub(replacement, text[:MAX_INPUT])
    return _cut(text, MAX_MESSAGE)


def clean(text: str) -> str:
    """Return a message of bounded length, without secrets, and with control characters escaped."""
    return _cut(printable(redact(text)), MAX_MESSAGE)


def render(template: str, parts: Mapping[str, object]) -> str:
    """Return a template with its parts filled in, each of bounded length.

    Args:
        template: in `str.format` syntax: `{name!r}` quotes and shortens, `{name!q}` quotes for a shell; a list is cut to its
            first names.
        parts: values for the template.
    """
    return clean(_PartsFormatter().vformat(template, (), parts))


class _PartsFormatter(Formatter):
    def convert_field(self, value: Any, conversion: Any) -> Any:
        if conversion == "q":
            return shlex.quote(str(value))
        return shorten(value) if conversion == "r" else super().convert_field(value, conversion)

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, list):
            return join_names(map(str, value)) or "none"
        if isinstance(value, str):
            value = redact(value)
        try:
            text = str(super().format_field(value, format_spec))
        except (TypeError, ValueError):  # a part of another type must not hide the error itself
            text = shorten(value)
        return text if format_spec else _cut(text, MAX_TEXT)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
