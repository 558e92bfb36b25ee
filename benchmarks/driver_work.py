"""The driver's work on a large lake: one small batch is processed in tables with many batches and files.

    python benchmarks/driver_work.py --batches 10000 --files 100

Only the Delta logs are large: the files that they name do not exist and are never read. Prints seconds and memory as JSON,
for Delta's own operations on the largest table and for complete runs.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import islice, product
from pathlib import Path
from uuid import UUID, uuid4

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.transaction import AddAction

from shipment_etl import Lake, run_generate, run_process, session
from shipment_etl.lake.landed import landed_batches
from shipment_etl.lake.runs import log_run

DAY = date(2026, 11, 23)
ROWS = 10_000
RAW, CLEAN, QUARANTINE, RUNS = "raw/shipments", "processed/shipments", "processed/quarantine", "processed/runs"
KNOWN_IDS = "processed/known_ids"
FILES_A_COMMIT = 50_000
FILE_BYTES, FILE_ROWS = 128 << 20, 3_500_000


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--batches", type=int, default=10_000)
    options.add_argument("--files", type=int, default=100, help="of each batch, in the raw and in the clean table")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(simulate(Path(folder) / "lake", chosen.batches, chosen.files)))


def simulate(place: Path, count: int, files: int) -> dict[str, float]:
    """Return the seconds of the driver's work before and after the logs have grown, and its peak memory."""
    lake, spark = Lake(place), session("sail")
    run_generate(lake, date=DAY, rows=ROWS, defects=0.02, spark=spark)
    run_process(lake, date=DAY, spark=spark)
    start = time.perf_counter()
    run = run_process(lake, date=DAY, spark=spark)
    found = {"process_alone": time.perf_counter() - start}
    for name, each in ((RAW, files), (CLEAN, files), (QUARANTINE, 1), (KNOWN_IDS, 1), (RUNS, 1)):
        grow(place / name, count, each)
    # The newest row of the log must be of a run again: it is read to find the current versions.
    grown = {name: lake.version(name) for name in (RAW, CLEAN, QUARANTINE, KNOWN_IDS)}
    log_run(lake, replace(run, run_id=str(uuid4()), after={**run.after, **grown}), lake.version(RUNS))
    found["memory_before_mb"] = peak_mb()
    table = DeltaTable(place / CLEAN)
    found["files"] = table.get_add_actions().num_rows
    found["open"] = seconds(lambda: DeltaTable(place / CLEAN))
    found["list_all"] = seconds(lambda: pa.table(table.get_add_actions(flatten=True)))
    found["list_as_objects"] = seconds(lambda: lake.files(CLEAN))
    found["update"] = seconds(table.update_incremental)
    found["list_batches"] = seconds(lambda: landed_batches(lake, "shipments"))
    found["process"] = seconds(lambda: run_process(lake, date=DAY, spark=spark))
    found["process_again"] = seconds(lambda: run_process(lake, date=DAY, spark=spark))
    found["checkpoint"] = seconds(DeltaTable(place / CLEAN).create_checkpoint)
    found["checkpoint_mb"] = sum(each.stat().st_size for each in newest_checkpoint(place / CLEAN)) / 1e6
    found["memory_mb"] = peak_mb()
    return {name: round(value, 3) for name, value in found.items()}


def grow(place: Path, count: int, files: int) -> None:
    """Commit files that do not exist to a table, for this number of past batches, and end with a checkpoint."""
    table = DeltaTable(place)
    partitions = table.metadata().partition_columns
    every = phantoms(count, files, partitions, ids=place.name == "known_ids")
    while some := list(islice(every, FILES_A_COMMIT)):
        table.create_write_transaction(some, "append", table.schema(), partitions)
        table.update_incremental()
    table.create_checkpoint()


def phantoms(count: int, files: int, partitions: list[str], *, ids: bool) -> Iterator[AddAction]:
    """Yield files as runs of this package commit them; ids increase over time, as in most systems."""
    for back, part in product(range(1, count + 1), range(files)):
        day = (DAY - timedelta(days=back)).isoformat()
        least, most = ({"shipment_date": day}, {"shipment_date": day}) if partitions else ({}, {})
        if ids:
            least, most = ({"batch_date": day, "first_id": f"A{day}", "last_id": f"A{day}"},) * 2
        statistics = {"numRecords": FILE_ROWS, "minValues": least, "maxValues": most, "nullCount": dict.fromkeys(least, 0)}
        path = f"run-{UUID(int=back)}/part-{part:05}-{UUID(int=part)}-c000.snappy.parquet"
        known = {"source": "shipments", "batch_date": day}
        values = {name: known[name] for name in partitions}
        yield AddAction(path, FILE_BYTES, values, 0, True, json.dumps(statistics if least else {"numRecords": FILE_ROWS}))


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def newest_checkpoint(place: Path) -> list[Path]:
    return sorted((place / "_delta_log").glob("*.checkpoint*.parquet"))[-1:]


if __name__ == "__main__":
    main()
