"""Printable: text from files and tables that can neither control a terminal nor be a formula in a spreadsheet."""

import json
import re
from typing import Any

__all__ = ["FORMULA_STARTS", "printable", "printable_json"]

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""First characters by which a spreadsheet takes a text for a formula: OWASP, CSV Injection."""

UNPRINTABLE = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters except tab and line feed: move the cursor, set titles, hide lines
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # reorder neighbouring text (CVE-2021-42574)
    "\u2028\u2029"  # line breaks, but only for some programs
    "\ud800-\udfff"  # surrogates: bytes of file names that are not UTF-8, which cannot be written to a stream
    "]"
)


def printable(text: str) -> str:
    r"""Return text with control characters, bidirectional controls and lone surrogates as Python writes them: `\x1b`."""
    return UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)


def printable_json(value: Any) -> str:
    """Return a value as one line of JSON; characters that `printable` escapes are written as JSON escapes.

    Values that JSON does not know, such as dates and decimals, become text.
    """
    text = json.dumps(value, default=str, ensure_ascii=False)
    return UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
