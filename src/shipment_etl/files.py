"""Output files: written, or an error that says why not."""

from pathlib import Path

from shipment_etl.errors import FileUnwritable

__all__ = ["write_file"]


def write_file(path: Path, text: str) -> Path:
    """Write a text to a file, and return its path; folders are made as needed.

    Raises:
        FileUnwritable: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as problem:
        raise FileUnwritable(str(path), problem.strerror or str(problem)) from problem
    return path
