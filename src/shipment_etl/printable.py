"""Printable: text from files and tables that neither acts on a terminal nor is computed by a spreadsheet."""

import json
import re
from typing import Any

__all__ = ["FORMULA_STARTS", "printable", "printable_json"]

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""With what a text begins that a spreadsheet takes for a formula: OWASP, CSV Injection."""

UNPRINTABLE = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and line feed: move the cursor, set titles, hide lines
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # reorder what stands beside them (CVE-2021-42574)
    "\u2028\u2029"  # line breaks to some programs only
    "\ud800-\udfff"  # no characters: bytes of names that are not UTF-8, which no stream takes
    "]"
)


def printable(text: str) -> str:
    r"""Return text with control characters, bidirectional controls and lone surrogates as Python writes them: `\x1b`."""
    return UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)


def printable_json(value: Any) -> str:
    """Return a value as one line of JSON that reads back the same, with what `printable` escapes written as JSON escapes it.

    What JSON does not know, such as dates and decimals, becomes text.
    """
    text = json.dumps(value, default=str, ensure_ascii=False)
    return UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
