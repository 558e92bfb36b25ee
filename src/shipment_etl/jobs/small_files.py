"""Small files of a table that grows with every batch: when to merge them."""

from collections.abc import Iterable

from shipment_etl.lake.commits import DataFile

__all__ = ["MAX_ROWS_IN_ONE_FILE", "find_small_files"]

MAX_ROWS_IN_ONE_FILE = 1_000_000
"""Maximum number of rows that are merged into one file; so a run rewrites at most this many."""


def find_small_files(files: Iterable[DataFile], rows: int) -> list[DataFile]:
    """Return the files that new rows are merged with.

    No file has more rows than all that it is merged with. So a row is only rewritten when its file at least doubles, which
    also limits the number of small files, however long the history is.
    """
    found = []
    for each in sorted(files, key=lambda file: file.rows or 0):
        if (each.rows or 0) > min(rows, MAX_ROWS_IN_ONE_FILE - rows):
            break
        found.append(each)
        rows += each.rows or 0
    return found
