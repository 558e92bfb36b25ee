"""Trees of files, and patterns of their names, for hypothesis."""

from collections.abc import Iterable
from pathlib import Path

from hypothesis import strategies as st

_names = st.sampled_from(("a", "b", "ab", ".a", "_a", "a.csv", "b.csv", ".b.csv", "[a]", "**", "a*b"))
_parts = st.sampled_from(
    (
        "a",
        "b",
        ".a",
        "_a",
        "a.csv",
        "*",
        "**",
        "*",
        "**",
        "?",
        "*.csv",
        "[ab]",
        "[!a]*",
        ".*",
        "_*",
        "*b",
        "[",
        "***",
        "**.csv",
    )
)
trees = st.lists(st.lists(_names, min_size=1, max_size=4).map("/".join), max_size=12).map(
    # A file cannot be a folder as well.
    lambda paths: sorted({path for path in paths if not any(each.startswith(f"{path}/") for each in paths)})
)
patterns = st.lists(_parts, min_size=1, max_size=4).map("/".join).filter(lambda text: any(sign in text for sign in "*?["))


def grow(root: Path, paths: Iterable[str], content: str = "x") -> None:
    """Make the files of a tree."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
