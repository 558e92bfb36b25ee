"""Many days: the cost of history, many waiting days, and the demo."""

import os
import shutil
import sys
import time
from datetime import date, datetime, timedelta
from pathlib import Path

from measure import Bench, Figure, Pair, measure_command, measure_pair, run_case

ROWS, DEFECTS, HISTORY, WAITING = 10_000, 0.02, 365, 30


def history(bench: Bench) -> list[Figure]:
    """One day with a year of history, and with none: in one process, and each in its own process."""
    from shipment_etl import Lake, run_generate, run_process

    day, days = date.today() - timedelta(days=1), bench.rows(HISTORY)
    old, new = bench.folder / "old", bench.folder / "new"
    for back in range(days, 0, -1):
        at, start = day - timedelta(days=back), time.time()
        run_generate(Lake(old), date=at, rows=ROWS, defects=DEFECTS)
        run_process(Lake(old), date=at)
        _age(old, at, start)
    for lake in (old, new):
        run_generate(Lake(lake), date=day, rows=ROWS, defects=DEFECTS)
        run_process(Lake(lake), date=day)

    def seconds(lake: Path) -> float:
        start = time.perf_counter()
        run_process(Lake(lake), date=day)
        return time.perf_counter() - start

    turns = []
    for _ in range(3 * bench.rounds):
        bench.wait_until_quiet()
        turns.append((seconds(old), seconds(new)))
    warm = Pair.of(turns)
    fresh = []
    for _ in range(3 * bench.rounds):
        bench.wait_until_quiet()
        both = [run_case("process_newest", lake, ROWS)["seconds"] for lake in (old, new)]
        fresh.append((both[0], both[1]))
    cold = Pair.of(fresh)
    what = f"process one day of {ROWS:,} rows, {days} days of history / none"
    return [
        Figure(f"{what}, in one process", warm.took, f"{warm.ratio:.2f} ×", "≤ 1.1 ×", warm.ratio <= 1.1),
        Figure(f"{what}, each in a fresh process", cold.took, f"{cold.ratio:.2f} ×", "≤ 1.15 ×", cold.ratio <= 1.15),
    ]


def waiting_days(bench: Bench) -> list[Figure]:
    """Thirty waiting days, in one call and in a call for each."""
    days = bench.rows(WAITING)
    run_case("land_days", bench.folder, days)
    figures = []
    for calls, peer in (
        (f"{days} calls", "process_days_one_by_one"),
        (f"{days} calls in one process", "process_days_in_turn"),
    ):
        pair = measure_pair("process_days_in_one_call", peer, bench, days)
        figures.append(pair.faster(f"process {days} waiting days of {ROWS:,} rows in one call / {calls}", 3.0))
    shutil.rmtree(bench.folder / "lake")
    return figures


def demo(bench: Bench) -> list[Figure]:
    """The demo's command with its page, in total; a run before it warms the file caches."""
    lake, rows = bench.folder / "demo-lake", bench.rows(100_000)
    command = [sys.executable, "-m", "shipment_etl", "demo", "--rows", str(rows), "--lake", str(lake)]
    seconds = measure_command(command, bench, warm=1, after=lambda: shutil.rmtree(lake))
    return [Figure.bounded(f"demo, 7 days × {rows:,} rows with its page, warm, in total", seconds, 6)]


def _age(lake: Path, day: date, since: float) -> None:
    """Set the date of later commits to a day, so that commits expire as in a lake that is used daily."""
    then = datetime.combine(day, datetime.min.time()).timestamp()
    for file in lake.glob("*/*/_delta_log/*"):
        if file.stat().st_mtime >= since:
            os.utime(file, (then, then))
