"""Patterns: regular expressions for the numbers and null words of a mapping.

Engines differ in how lenient their parsers are and in details of their regular expressions. So before an engine parses a
text, the text must match a pattern made here, with constructs that have the same meaning in Java and Rust.
"""

import re

__all__ = ["SPECIAL", "number_regex", "portable_regex"]

SPECIAL = r"\.^$|?*+()[]{}"
"""Characters with a special meaning in a regular expression."""

ANY_CHARACTER = r"[^\n\r\u0085\u2028\u2029]"
PUNCTUATION = r"\\[][\\^$.|?*+(){}/-]"
REGEX_TOKENS = re.compile(
    rf"(?P<any>\.)|{PUNCTUATION}|\[\^?(?:{PUNCTUATION}|[^][\\&~^-]|(?<=[A-Za-z0-9])-(?=[A-Za-z0-9]))+\]"
    r"|\((?!\?)|[)|^$]|(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})(?![*+?{])|[^][\\(){}*+?|^$.]"
)


def number_regex(decimal: str, thousands: str, *, whole: bool = False) -> str:
    """Return the pattern of a number. Digits are grouped by three, so that 1,5 is never read as 15.

    Args:
        decimal: the decimal sign.
        thousands: the sign between groups of three digits; none if empty.
        whole: whether decimals must be zeros, and exponents are not allowed.
    """
    digits = f"(?:[0-9]+|[0-9]{{1,3}}(?:[{thousands}][0-9]{{3}})+)" if thousands else "[0-9]+"
    if whole:
        return f"^[+-]?{digits}(?:[{decimal}]0*)?$"
    return f"^[+-]?(?:{digits}(?:[{decimal}][0-9]*)?|[{decimal}][0-9]+)(?:[eE][+-]?[0-9]{{1,2}})?$"


def portable_regex(text: str) -> str:
    """Return a regular expression that has the same meaning in every engine.

    Allowed are literal characters, . ^ $ | ( ) * + ? {m,n}, classes such as [A-Za-z0-9_], and punctuation after a
    backslash.

    Raises:
        ValueError: it has something else, or is not a regular expression; the message says what.
    """
    made, place = "", 0
    while place < len(text):
        token = REGEX_TOKENS.match(text, place)
        if token is None:
            raise ValueError(
                f"{text[place : place + 8]!r} is not supported; use literal characters, . ^ $ | ( ) * + ? {{m,n}}, "
                "classes such as [0-9], and punctuation after a backslash"
            )
        # Engines differ in which characters a dot does not match.
        made += ANY_CHARACTER if token["any"] else token[0]
        place = token.end()
    try:
        re.compile(made)
    except re.error as problem:
        raise ValueError(f"it is not a regular expression: {problem}") from problem
    return made
