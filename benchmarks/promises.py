"""The guarantees of this package, added to a script that was written by hand.

All written rows are read back, counted and hashed; every row that was read is accounted for; tables are Delta tables; and a
log records it. Not added: the lock, rolling back after a job that died, and marts that keep their history.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from time import time
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import Schema, write_deltalake
from deltalake.transaction import AddAction, create_table_with_add_actions

__all__ = ["CLEAN", "TABLES", "Checksum", "account", "in_folder", "keep_promises"]

CLEAN = "shipments"
MARTS = ("carrier_performance", "route_efficiency", "cost_analysis", "delay_trends", "warehouse_demand")
TABLES = (CLEAN, "overtaken", "quarantine", "lane_days", *MARTS)
FATES = {"accepted": CLEAN, "quarantined": "quarantine", "overtaken": "overtaken"}
"""Where rows that are kept can go, and the table that holds them."""

Checksum = tuple[int, str]
"""Number of rows of a table, and a checksum of their content that does not depend on their order."""


def in_folder(folder: Path) -> Callable[[str], Path]:
    """Return a function that gives the path of a plain file for each table."""
    folder.mkdir(parents=True, exist_ok=True)
    return lambda name: folder / f"{name}.parquet"


def keep_promises(
    lake: Path,
    day: date,
    process: Callable[[Callable[[str], Path]], Mapping[str, int]],
    checksum: Callable[[Path], Checksum],
) -> dict[str, Checksum]:
    """Run a script with the guarantees of this package, and return the checksums of its tables.

    Args:
        lake: folder of the Delta tables.
        day: batch date.
        process: the script; gets the function for the path of each table's file, returns `read` and `duplicates`.
        checksum: reads a file back.
    """
    run, started = uuid4().hex, datetime.now(UTC).isoformat()

    def place(name: str) -> Path:
        (lake / name).mkdir(parents=True, exist_ok=True)
        return lake / name / f"{run}.parquet"

    counts = process(place)
    words = {name: checksum(place(name)) for name in TABLES}
    accounted = account(counts, words)
    for name in TABLES:
        _commit(lake / name, place(name), words[name][0])
    report = json.dumps({"counts": accounted, "checksums": words})
    row = {"run_id": run, "batch_date": day, "started_at": started, **accounted, "report": report}
    write_deltalake(str(lake / "runs"), pa.Table.from_pylist([row]), mode="append")
    return words


def account(counts: Mapping[str, int], words: Mapping[str, Checksum]) -> dict[str, int]:
    """Return where every row went, by the rows that were read back; raise an error if one is missing."""
    written = {name: words[table][0] for name, table in FATES.items()}
    if counts["read"] != sum(written.values()) + counts["duplicates"]:
        found = ", ".join(f"{rows} {name}" for name, rows in written.items())
        raise ValueError(f"{counts}, but the rows that were written are {found}")
    return {**counts, **written}


def _commit(table: Path, file: Path, rows: int) -> None:
    """Commit a file in the table's folder as the table's only content."""
    statistics = json.dumps({"numRecords": rows})
    add = AddAction(file.name, file.stat().st_size, {}, int(time() * 1000), True, statistics)
    schema = Schema.from_arrow(pq.read_schema(file))
    create_table_with_add_actions(str(table), schema, [add], mode="overwrite", partition_by=[])
