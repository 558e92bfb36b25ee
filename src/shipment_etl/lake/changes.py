"""Changes: which partitions of a table have other rows than at an earlier version, by its Delta log.

Every file that a commit adds or removes says whether rows changed with it (`dataChange`); compaction and cleaning up say no.
"""

import json
from collections.abc import Iterator
from typing import Any

from shipment_etl.errors import VersionMissing
from shipment_etl.lake.storage import Storage

__all__ = ["changes"]


def changes(storage: Storage, table: str, since: int, until: int) -> list[dict[str, str]]:
    """Return the partition values of each file whose rows came or went after one version, up to another.

    Raises:
        VersionMissing: a commit between them is gone from the log, or does not tell the partition.
    """
    if until < since:
        raise VersionMissing(table, since)
    found = []
    for version in range(since + 1, until + 1):
        commit = storage.read(f"{table}/_delta_log/{version:020}.json")
        if commit is None:
            raise VersionMissing(table, since)
        for action in _files(commit):
            # Whoever leaves the word out has changed rows, for all we know.
            if not action.get("dataChange", True):
                continue
            # In the log of a removal, partition values are optional.
            if action.get("partitionValues") is None:
                raise VersionMissing(table, since)
            found.append(action["partitionValues"])
    return found


def _files(commit: bytes) -> Iterator[dict[str, Any]]:
    for line in commit.splitlines():
        action = json.loads(line) if line.strip() else {}
        for kind in ("add", "remove"):
            if kind in action:
                yield action[kind]
