"""The work of one `process` on classic Spark: jobs, SQL executions, reads of each table, commits; as JSON.

    python benchmarks/spark_work.py --rows 20000

Two days are generated and processed; only the second one counts.
"""

import argparse
import json
import os
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from event_log import SparkWork, read_event_log

DAYS = ("2026-11-22", "2026-11-23")
DEFECTS = 0.02
RAW, CLEAN = "raw/shipments", "processed/shipments"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=20_000)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(count_work(Path(folder), chosen.rows)))


def count_work(folder: Path, rows: int) -> dict[str, object]:
    """Return the work of one `process` of this number of rows."""
    events = folder / "events"
    events.mkdir()
    settings = {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": events.as_uri(),
        "spark.eventLog.compress": "false",
        "spark.sql.maxMetadataStringLength": "10000",
    }
    given = " ".join(f"--conf {name}={value}" for name, value in settings.items())
    os.environ["PYSPARK_SUBMIT_ARGS"] = f"{given} pyspark-shell"

    from shipment_etl import Lake, run_generate, run_process, session

    spark, lake = session("spark"), Lake(folder / "lake")
    for day in DAYS:
        run_generate(lake, date=day, rows=rows, seed=7, defects=DEFECTS, spark=spark)
    run_process(lake, date=DAYS[0], spark=spark)
    before, since = commits(folder / "lake"), time.time()
    run = run_process(lake, date=DAYS[1], spark=spark)
    until, after = time.time(), commits(folder / "lake")
    spark.stop()
    work = read_event_log(events, since, until)
    return {
        "rows": rows,
        "seconds": round(until - since, 2),
        **_figures(work),
        "reads_of_raw": round(work.reads_of(RAW, rows), 2),
        "reads_of_written": round(work.reads_of(CLEAN, run.counts.accepted), 2),
        "commits": {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name)},
        "scans": [asdict(scan) for scan in work.scans if RAW in scan.location or CLEAN in scan.location],
    }


def commits(lake: Path) -> dict[str, int]:
    """Return the number of commits of each table of a lake in a folder."""
    logs = lake.glob("*/*/_delta_log")
    return {str(log.parent.relative_to(lake)): len(list(log.glob("*.json"))) for log in logs}


def _figures(work: SparkWork) -> dict[str, object]:
    return {name: round(value, 2) for name, value in asdict(work).items() if name != "scans"}


if __name__ == "__main__":
    main()
