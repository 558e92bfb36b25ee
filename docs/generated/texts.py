"""Markdown tables, and a parser for Google docstrings."""

import inspect
import re
from collections.abc import Iterable, Sequence

SECTION = re.compile(r"^([A-Z][a-z]+):\s*(.*)$")


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join("| " + " | ".join(cell(each) for each in line) + " |" for line in lines) + "\n"


def cell(text: str) -> str:
    """Return a text that fits into a table cell: one line, with bars escaped."""
    return " ".join(text.split()).replace("|", "\\|")


def sections(docstring: str | None) -> dict[str, str]:
    """Return the sections of a docstring by heading; the text before the first heading has the key ''."""
    parts: dict[str, list[str]] = {"": []}
    current = ""
    for line in inspect.cleandoc(docstring or "").splitlines():
        found = SECTION.match(line)
        # A heading is on its own line, except for short sections of one line, such as "Column: long.".
        if found and (not found[2] or found[1] in ("Column", "Columns")):
            current = found[1]
            parts[current] = [found[2]] if found[2] else []
        else:
            parts[current].append(line)
    return {name: inspect.cleandoc("\n".join(lines)).strip() for name, lines in parts.items()}


def definitions(section: str) -> dict[str, str]:
    """Return the text of each name in a section; `a, b: text` is for both, and indented lines continue an entry.

    An entry with several definitions, such as `a: long; b, c: long`, is also split at the semicolons.
    """
    entries: list[str] = []
    for line in section.splitlines():
        if line.startswith(" ") and entries:
            entries[-1] += f" {line.strip()}"
        else:
            entries.append(line.strip())
    defined: dict[str, str] = {}
    for entry in entries:
        for part in re.split(r";\s+(?=[a-z0-9_]+(?:, [a-z0-9_]+)*: )", entry):
            names, colon, text = part.partition(": ")
            if colon and re.fullmatch(r"[a-z0-9_]+(?:, [a-z0-9_]+)*", names):
                defined |= dict.fromkeys(names.split(", "), text)
    return defined
