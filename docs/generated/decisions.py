"""The index of decisions: their titles and questions, from docs/decisions."""

import re
from pathlib import Path

from texts import table

DECISIONS = Path(__file__).parents[1] / "decisions"
INTRODUCTION = """# Decisions

Answers to "why is it like this?": the question, what was measured, the decision, and what would make us change our mind.
"""


def decisions_page() -> str:
    """Return the page, with every decision there is."""
    return INTRODUCTION + "\n" + table(("decision", "question"), (_row(page) for page in sorted(DECISIONS.glob("*.md"))))


def _row(page: Path) -> tuple[str, str]:
    text = page.read_text("utf-8")
    title = text.splitlines()[0].removeprefix("# ")
    question = re.search(r"\*\*Question\.\*\*\s+(.*?)\n\n", text, flags=re.S)
    return f"[{title}](../decisions/{page.name})", question[1] if question else ""
