"""Folders: the files below a folder, or that match a pattern such as `in/**/*.csv`; patterns mean the same on S3.

No file is left out silently: a folder that cannot be read, and a link that leads nowhere, are errors.
"""

import errno
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NoReturn, TypeAlias

from shipment_etl.errors import FileMissing, FileUnreadable, IngestError

__all__ = ["explain", "files_below", "files_matching", "is_match", "is_visible", "split_pattern"]

Names: TypeAlias = Sequence[str]
"""The parts of a path, or of a pattern."""

HIDDEN = (".", "_")
WILDCARD = re.compile(r"[*?[]")


def files_below(folder: str) -> list[Path]:
    """Return the visible files in a folder and the folders below it, also behind links, by name.

    Raises:
        FileMissing: a link leads nowhere.
        FileUnreadable: a folder cannot be read.
    """
    return sorted(_walk(Path(folder), is_visible, is_visible))


def files_matching(pattern: str) -> list[Path]:
    """Return the files that match a pattern, by name. Errors as for `files_below`."""
    root, names = split_pattern(pattern)
    try:
        if not stat.S_ISDIR(Path(root).stat().st_mode):
            return []
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as problem:
        raise explain(root, problem) from problem
    return sorted(
        _walk(Path(root), lambda path: is_match(path, names, begins=True), lambda path: is_match(path, names)), key=str
    )


def split_pattern(pattern: str) -> tuple[str, Names]:
    """Return the folder that a pattern begins with, empty or with a slash at its end, and the parts of the rest."""
    wildcard = WILDCARD.search(pattern)
    root = pattern[: pattern.rfind("/", 0, wildcard.start() if wildcard else None) + 1]
    return root, re.split("/+", pattern[len(root) :])


def is_match(path: Names, pattern: Names, *, begins: bool = False) -> bool:
    """Whether the path of a file matches a pattern, as for `glob`; `begins`: whether a path below this one may match.

    `**` stands for folders of any depth. A name that begins with a dot matches only a pattern that begins with one.
    """
    if not pattern:
        return not path and not begins
    if not path:
        return begins
    first, *others = pattern
    is_hidden = path[0].startswith(".")
    if first != "**":
        if is_hidden and not first.startswith("."):
            return False
        return fnmatchcase(path[0], first) and is_match(path[1:], others, begins=begins)
    if not others:
        return not any(name.startswith(".") for name in path)
    return is_match(path, others, begins=begins) or (not is_hidden and is_match(path[1:], pattern, begins=begins))


def is_visible(path: Names) -> bool:
    """Whether a path below a folder counts: none of its names begins with a dot or an underscore."""
    return not any(name.startswith(HIDDEN) for name in path)


def explain(file: str, problem: OSError) -> IngestError:
    """Return the error that says why a file or a folder cannot be read."""
    if isinstance(problem, FileNotFoundError | NotADirectoryError) or problem.errno == errno.ENAMETOOLONG:
        return FileMissing(file)
    if isinstance(problem, PermissionError):
        return FileUnreadable(file, "permission denied", "Ask its owner for permission.")
    return FileUnreadable(file, str(problem), "Check its disk, then try again.")


def _walk(root: Path, enters: Callable[[Names], bool], takes: Callable[[Names], bool]) -> Iterator[Path]:
    """Yield the files below a folder that `takes` accepts; only folders that `enters` accepts are read."""
    # A link may lead to a folder that it is in: that folder is not entered again.
    inside: dict[Path, tuple[Names, frozenset[Path]]] = {root: ((), frozenset([root.resolve()]))}
    for place, folders, names in os.walk(root, onerror=_refuse, followlinks=True):
        within, above = inside.pop(Path(place))
        entered = []
        for name in folders:
            folder = Path(place, name)
            if enters((*within, name)) and (real := folder.resolve()) not in above:
                inside[folder] = (*within, name), above | {real}
                entered.append(name)
        folders[:] = entered
        yield from (Path(place, name) for name in names if takes((*within, name)) and _is_file(Path(place, name)))


def _refuse(problem: OSError) -> NoReturn:
    raise explain(str(problem.filename), problem) from problem


def _is_file(path: Path) -> bool:
    """Whether it is a file, also behind a link; pipes and sockets are not."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        raise FileMissing(f"{path} (a link that leads nowhere)") from None
    except OSError as problem:
        raise explain(str(path), problem) from problem
