"""Markdown: tables, and docstrings of the Google style taken apart."""

import inspect
import re
from collections.abc import Iterable, Sequence

SECTION = re.compile(r"^([A-Z][a-z]+):\s*(.*)$")


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join("| " + " | ".join(cell(each) for each in line) + " |" for line in lines) + "\n"


def cell(text: str) -> str:
    """Return a text that fits into a cell."""
    return " ".join(text.split()).replace("|", "\\|")


def sections(docstring: str | None) -> dict[str, str]:
    """Return the parts of a docstring by heading; what stands before the first has the heading ''."""
    parts: dict[str, list[str]] = {"": []}
    current = ""
    for line in inspect.cleandoc(docstring or "").splitlines():
        found = SECTION.match(line)
        # A heading stands alone, except for the short sections that take one line, as "Column: long.".
        if found and (not found[2] or found[1] in ("Column", "Columns")):
            current = found[1]
            parts[current] = [found[2]] if found[2] else []
        else:
            parts[current].append(line)
    return {name: inspect.cleandoc("\n".join(lines)).strip() for name, lines in parts.items()}


def definitions(section: str) -> dict[str, str]:
    """Return what a section says of each name; `a, b: text` says it of both, and deeper lines go on.

    A type that stands once for several names, as in `a: long; b, c: long`, is taken apart at the semicolon too.
    """
    entries: list[str] = []
    for line in section.splitlines():
        if line.startswith(" ") and entries:
            entries[-1] += f" {line.strip()}"
        else:
            entries.append(line.strip())
    told: dict[str, str] = {}
    for entry in entries:
        for part in re.split(r";\s+(?=[a-z0-9_]+(?:, [a-z0-9_]+)*: )", entry):
            names, colon, text = part.partition(": ")
            if colon and re.fullmatch(r"[a-z0-9_]+(?:, [a-z0-9_]+)*", names):
                told |= dict.fromkeys(names.split(", "), text)
    return told
