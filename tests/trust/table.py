"""The table of a run of all trials, as Markdown."""

from collections.abc import Iterable

from tests.trust.results import KINDS, Part

__all__ = ["table_of"]


def table_of(parts: Iterable[Part], titles: dict[str, str]) -> str:
    """Return what was tried and found, one line for each part."""
    lines = [
        "| tried | number | of these | seed | minutes | " + " | ".join(KINDS) + " |",
        "| --- | --: | --- | --: | --: | " + " | ".join("--:" for _ in KINDS) + " |",
    ]
    for part in parts:
        each = "; ".join(f"{name}: {count:,}" for name, count in sorted(part.tried.items()))
        found = " | ".join(str(part.found[kind]) for kind in KINDS)
        lines.append(f"| {titles[part.name]} | {part.count:,} | {each} | {part.seed} | {part.took / 60:.1f} | {found} |")
    return "\n".join(lines) + "\n"
