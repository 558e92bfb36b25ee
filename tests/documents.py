"""Documents whose code blocks are run, one after the other, in their own folder.

`sh` blocks run in bash, `python` blocks each in their own Python process. A block with a title is written to a file of that
name instead, for later blocks. Each line of a `text` block must be in the output of the block before it, in this order; a
line of … stands for any lines, and … at the end of a line for any rest of it. `console` blocks, and other languages without
a title, are not run.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^( *)```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^\1```$", flags=re.S | re.M)
STATE = ".state"
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Block:
    language: str
    title: str | None
    text: str


def blocks(page: Path, language: str | None = None) -> list[Block]:
    found = FENCE.findall(page.read_text("utf-8"))
    every = [Block(name, title or None, re.sub(rf"^{indent}", "", text, flags=re.M)) for indent, name, title, text in found]
    return [block for block in every if language in (None, block.language)]


def run_page(page: Path, folder: Path) -> str:
    """Run the blocks of a page, and return everything that they printed."""
    printed: list[str] = []
    # Pages that need the clone are read inside it.
    (folder / "spark").symlink_to(ROOT / "spark")
    try:
        for block in blocks(page):
            if block.title is not None:
                (folder / block.title).write_text(block.text, "utf-8")
            elif block.language in ("sh", "python"):
                printed.append(run_block(block, folder))
            elif block.language == "text":
                assert_printed(block.text, printed[-1])
    finally:
        if (folder / STATE).exists():
            # A page that fails halfway must not leave processes running.
            run_block(Block("sh", None, "shipment-etl local-aws down"), folder)
    return "\n".join(printed)


def run_block(block: Block, folder: Path, timeout: float = 280) -> str:
    command = (
        ["bash", "-euo", "pipefail", "-c", block.text] if block.language == "sh" else [sys.executable, "-c", block.text]
    )
    # A Spark Connect session in this process leaves its variables behind; a reader of the page has none.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SPARK_")}
    environment = {**inherited, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "100", "NO_COLOR": "1"}
    # Background processes of a page must not mix with those of the user who runs the tests.
    environment["XDG_STATE_HOME"] = str(folder / STATE)
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"{block.text}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
    return done.stdout + done.stderr


def assert_printed(expected: str, printed: str) -> None:
    left: Iterator[str] = iter([" ".join(line.split()) for line in printed.splitlines()])
    for line in (" ".join(each.split()) for each in expected.splitlines()):
        assert line in ("", "…") or any(_is(line, each) for each in left), (
            f"{line!r} is not printed, or not here:\n{printed}"
        )


def _is(line: str, printed: str) -> bool:
    return printed.startswith(line.removesuffix("…")) if line.endswith("…") else line == printed
