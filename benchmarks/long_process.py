"""Memory of one process that runs many jobs: the same small batch generated and processed, again and again.

    python benchmarks/long_process.py --runs 300

Prints the memory of this process and of the engine after every tenth run, as JSON, and exits with 1 if it grew by more than
the limit since the tenth run.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from cases import children

DAY = "2026-11-20"
ROWS = 300
WARM = 10
MAX_GROWTH = 0.15


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=300)
    runs = options.parse_args().runs
    if runs <= WARM:
        options.error(f"--runs must be more than {WARM}")

    from shipment_etl import Lake, run_generate, run_process, session
    from shipment_etl.engines.work import renew_engine

    spark = session("sail")
    start = time.perf_counter()
    totals = []
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(folder)
        for run in range(1, runs + 1):
            for job in (partial(run_generate, rows=ROWS), run_process):
                renew_engine(spark)
                job(lake, date=DAY, spark=spark)
            process, engine = resident_mb(os.getpid()), sum(map(resident_mb, children()))
            totals.append(process + engine)
            if run % WARM == 0:
                took = round(time.perf_counter() - start)
                print(json.dumps({"run": run, "process_mb": process, "engine_mb": engine, "seconds": took}), flush=True)
    growth = max(totals[WARM:]) / totals[WARM - 1] - 1
    print(json.dumps({"tenth_mb": totals[WARM - 1], "most_mb": max(totals[WARM:]), "growth": round(growth, 3)}))
    return 0 if growth <= MAX_GROWTH else 1


def resident_mb(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024**2


if __name__ == "__main__":
    sys.exit(main())
