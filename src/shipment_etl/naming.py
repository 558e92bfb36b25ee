"""Naming: what sources and marts may be called. Tables, paths and SQL have these names."""

import re

__all__ = ["MAX_NAME", "NAME_RULE", "is_name"]

MAX_NAME = 63
"""Maximum length of a name: that of PostgreSQL, the shortest of the catalogues that list such tables."""
NAME_RULE = f"at most {MAX_NAME} lower-case letters, digits and _, beginning with a letter"


def is_name(text: str) -> bool:
    """Whether a text may be the name of a source or a mart."""
    return re.fullmatch("[a-z][a-z0-9_]*", text) is not None and len(text) <= MAX_NAME
