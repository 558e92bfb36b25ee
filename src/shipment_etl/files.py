"""Files of the user: output files, and our folders below the user's home directory."""

import os
from collections.abc import Mapping
from pathlib import Path

from shipment_etl.errors import FileUnwritable, InvalidValue

__all__ = ["cache_folder", "state_folder", "write_file"]

FOLDER = "shipment_etl"


def write_file(file: str | Path, text: str) -> Path:
    """Write a text to a file, and return its path; folders are made as needed, and ~ is the home directory.

    Raises:
        FileUnwritable: the file cannot be written.
    """
    try:
        path = Path(file).expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except (OSError, RuntimeError) as problem:
        why = (problem.strerror if isinstance(problem, OSError) else None) or str(problem).rstrip(".")
        raise FileUnwritable(str(file), why) from problem
    return path


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder for what can be downloaded or made again; it may not exist yet.

    Raises:
        InvalidValue: the user has no home directory, and XDG_CACHE_HOME is not set.
    """
    return _user_folder("XDG_CACHE_HOME", "~/.cache", environ)


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder for logs and the state of servers; it may not exist yet.

    Raises:
        InvalidValue: the user has no home directory, and XDG_STATE_HOME is not set.
    """
    return _user_folder("XDG_STATE_HOME", "~/.local/state", environ)


def _user_folder(variable: str, default: str, environ: Mapping[str, str]) -> Path:
    given = environ.get(variable, "")
    try:
        return Path(given or default).expanduser() / FOLDER
    except RuntimeError as problem:
        raise InvalidValue(variable, given, "a folder, because this user has no home directory") from problem
