"""Growing: the same job on a hundred times as many rows, and hundreds of jobs in one process."""

import json
import shutil

from measure import Bench, Figure, run_case, run_script

SMALL, LARGE = 1_000_000, 100_000_000


def growth(bench: Bench) -> list[Figure]:
    """Time per row of a small and a large batch on Sail, and the peak memory of the large one."""
    found = {}
    for rows, times in ((bench.rows(SMALL), bench.rounds), (bench.rows(LARGE), 1)):
        turns = []
        for _ in range(times):
            bench.wait_until_quiet()
            turns.append(run_case("generate_and_process", bench.folder, rows))
            shutil.rmtree(bench.folder / "big-lake")
        found[rows] = sorted(turns, key=lambda turn: turn["process"])[len(turns) // 2]
    (small, one), (large, other) = found.items()
    each = [turn["process"] / rows * 1e6 for rows, turn in found.items()]
    peak = other["peak_mb"] / 1024
    what = f"process {bench.say(large)} rows / {bench.say(small)} rows on Sail"
    took = f"{other['process']:.0f} s / {one['process']:.2f} s"
    ratio = each[1] / each[0]
    return [
        Figure(f"{what}, time per row", took, f"{ratio:.2f} ×", "≤ 1.15 ×", ratio <= 1.15),
        Figure(
            f"peak memory, {bench.say(large)} rows generated and processed",
            f"{peak:.2f} GiB",
            "",
            "≤ 4 GB",
            peak <= 4e9 / 2**30,
        ),
    ]


def long_process(bench: Bench) -> list[Figure]:
    """Memory of one process that runs many jobs."""
    runs = max(20, bench.rows(300))
    found = json.loads(run_script("long_process.py", "--runs", str(runs)))
    took = f"{found['most_mb']} MB at most / {found['tenth_mb']} MB after the tenth"
    ratio = 1 + found["growth"]
    return [Figure(f"memory of {runs} small runs in one process", took, f"{ratio:.2f} ×", "≤ 1.15 ×", ratio <= 1.15)]
