"""The sections of our docstrings that Google style does not have, as lists: Columns, Column and Source."""

from typing import Any

import griffe

OWN = ("Columns", "Column", "Source")


class OwnSections(griffe.Extension):
    """Rewrites docstrings before mkdocstrings parses them."""

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrite the docstring of a module, class, function or attribute."""
        if obj.docstring is not None:
            obj.docstring.value = rewrite_sections(obj.docstring.value)


def rewrite_sections(text: str) -> str:
    """Return a docstring with our sections in Markdown."""
    parts: list[str] = []
    inside, indent = False, 0
    for line in text.splitlines():
        heading, colon, rest = line.partition(":")
        deep = len(line) - len(line.lstrip())
        if colon and heading in OWN:
            parts += [f"**{heading}**", "", *([f"- {rest.strip()}"] if rest.strip() else [])]
            inside, indent = True, 0
        elif inside and line.strip() and deep:
            indent = indent or deep
            # As in array<struct<…>>, which is not HTML.
            entry = line.strip().replace("<", "&lt;")
            parts.append(f"- {item(entry)}" if deep == indent else f"  {entry}")
        else:
            inside = inside and not line.strip()
            parts.append(line)
    return "\n".join(parts)


def item(text: str) -> str:
    """Return an entry with the names that it defines formatted as code."""
    names, colon, meaning = text.partition(": ")
    every = names.split(", ")
    if colon and all(name.isidentifier() for name in every):
        return f"{', '.join(f'`{name}`' for name in every)}: {meaning}"
    return text
