"""`make bench`: every number that the README quotes, both sides of a comparison in turn, written to docs/benchmarks.md."""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
REPORT = HERE.parent / "docs" / "benchmarks.md"


def main() -> None:
    """Run the comparisons and write the report."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5, help="times that each side runs, in turn")
    options.add_argument(
        "--only", nargs="*", help="parts: generate process split demo memory history spark_generate spark_process"
    )
    options.add_argument("--folder", type=Path, help="where to work; a temporary folder if not given")
    chosen = options.parse_args()
    parts = {
        "generate": generate,
        "process": process,
        "split": split,
        "demo": demo,
        "memory": memory,
        "history": history,
        "spark_generate": spark_generate,
        "spark_process": spark_process,
    }
    folder = Path(tempfile.mkdtemp(dir=chosen.folder, prefix="bench-"))
    lines = {}
    try:
        for name in chosen.only or parts:
            print(f"{name} …", file=sys.stderr)
            lines[name] = parts[name](folder, chosen.rounds)
            print(lines[name], flush=True)
    finally:
        shutil.rmtree(folder)
    if not chosen.only:
        _write(lines.values(), chosen.rounds)


def generate(folder: Path, rounds: int) -> str:
    """5 M rows to Delta on Sail against DuckDB to Parquet."""
    ours, theirs, ratio = _pair("generate_sail", "generate_duckdb", folder, 5_000_000, rounds)
    return _line("generate 5 M rows, Sail to Delta / DuckDB to Parquet", f"{ours:.2f} s / {theirs:.2f} s", ratio, "≤ 1")


def process(folder: Path, rounds: int) -> str:
    """5 M rows processed on Sail against DuckDB."""
    _case("land", folder, 5_000_000)
    ours, theirs, ratio = _pair("process_sail", "process_duckdb", folder, 5_000_000, rounds)
    shutil.rmtree(folder / "lake")
    return _line("process 5 M rows, Sail / DuckDB by hand", f"{ours:.2f} s / {theirs:.2f} s", ratio, "≤ 1.6")


def split(folder: Path, rounds: int) -> str:
    """2 M rows split by the compiled contract against pandera's backend: with 2 % of them broken, and with none."""
    lines = []
    for land, kind in (("land", "2 % broken"), ("land_sound", "none broken")):
        _case(land, folder, 2_000_000)
        ours, theirs, ratio = _pair("split_compiled", "split_pandera", folder, 2_000_000, rounds)
        shutil.rmtree(folder / "lake")
        what = f"contract and split of 2 M rows, {kind}, compiled / pandera's backend"
        lines.append(_line(what, f"{ours:.2f} s / {theirs:.2f} s", f"{1 / ratio:.1f} × faster", "≥ 5 × faster"))
    return "\n".join(lines)


def demo(folder: Path, rounds: int) -> str:
    """The demo's command, all in."""
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        command = [sys.executable, "-m", "shipment_etl", "demo", "--lake", str(folder / "demo-lake")]
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
        shutil.rmtree(folder / "demo-lake")
    return _line("demo, 7 days × 100,000 rows, all in", f"{statistics.median(seconds):.1f} s", "", "≤ 15 s")


def memory(folder: Path, rounds: int) -> str:
    """Peak memory of one batch of 30 M rows."""
    found = _case("memory", folder, 30_000_000)
    shutil.rmtree(folder / "memory-lake")
    took = f"{found['peak_mb'] / 1024:.2f} GiB, {found['seconds']:.0f} s"
    return _line("peak memory, one batch of 30 M rows generated and processed", took, "", "≤ 4 GB")


def history(folder: Path, rounds: int) -> str:
    """One day of 10,000 rows, with 365 days of history and with none."""
    from shipment_etl import Lake, run_generate, run_process

    day = date.today() - timedelta(days=1)
    old, new = Lake(folder / "old"), Lake(folder / "new")
    for back in range(365, 0, -1):
        at, start = day - timedelta(days=back), time.time()
        run_generate(old, date=at, rows=10_000, defects=0.02)
        run_process(old, date=at)
        _aged(folder / "old", at, start)
    seconds: dict[str, list[float]] = {"old": [], "new": []}
    for lake in (old, new):
        run_generate(lake, date=day, rows=10_000, defects=0.02)
        run_process(lake, date=day)
    for _ in range(3 * rounds):
        for name, lake in (("old", old), ("new", new)):
            start = time.perf_counter()
            run_process(lake, date=day)
            seconds[name].append(time.perf_counter() - start)
    with_history, without = (statistics.median(seconds[name]) for name in ("old", "new"))
    ratio = statistics.median(a / b for a, b in zip(seconds["old"], seconds["new"], strict=True))
    took = f"{with_history:.3f} s / {without:.3f} s"
    return _line("process one day of 10,000 rows, 365 days of history / none", took, ratio, "≤ 1.1")


def spark_generate(folder: Path, rounds: int) -> str:
    """2 M rows to Parquet on local Spark against dbldatagen, in one session."""
    turns = [_case("generate_in_one_session", folder, 2_000_000) for _ in range(rounds)]
    pairs = [pair for turn in turns for pair in zip(turn["ours"], turn["theirs"], strict=True)]
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    what = "generate 2 M rows to Parquet, local Spark 3.5 / dbldatagen there"
    return _line(what, f"{ours:.2f} s / {theirs:.2f} s", f"{1 / ratio:.1f} × faster", "≥ 2.5 × faster")


def spark_process(folder: Path, rounds: int) -> str:
    """5 M rows processed on local Spark against five reads and a sort."""
    _case("land", folder, 5_000_000)
    ours, theirs, ratio = _pair("process_spark", "process_naive", folder, 5_000_000, rounds)
    shutil.rmtree(folder / "lake")
    what = "process 5 M rows, local Spark 3.5 / five reads and a full sort there"
    return _line(what, f"{ours:.2f} s / {theirs:.2f} s", f"{1 / ratio:.1f} × faster", "≥ 5 × faster")


def _aged(lake: Path, day: date, since: float) -> None:
    """Date what was committed since then to a day, so that commits expire as they do in a lake that is used daily."""
    then = datetime.combine(day, datetime.min.time()).timestamp()
    for file in lake.glob("*/*/_delta_log/*"):
        if file.stat().st_mtime >= since:
            os.utime(file, (then, then))


def _pair(ours: str, theirs: str, folder: Path, rows: int, rounds: int) -> tuple[float, float, float]:
    """Return the median seconds of both sides, and the median of the ratios, round by round."""
    found = [(_case(ours, folder, rows)["seconds"], _case(theirs, folder, rows)["seconds"]) for _ in range(rounds)]
    a, b = zip(*found, strict=True)
    return statistics.median(a), statistics.median(b), statistics.median(x / y for x, y in found)


def _case(name: str, folder: Path, rows: int) -> dict[str, Any]:
    command = [sys.executable, str(HERE / "cases.py"), name, str(folder), str(rows)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"  {name}: {found}", file=sys.stderr, flush=True)
    return found


def _line(what: str, took: str, ratio: float | str, wanted: str) -> str:
    shown = f"{ratio:.2f}" if isinstance(ratio, float) else ratio
    return f"| {what} | {took} | {shown} | {wanted} |"


def _write(lines, rounds: int) -> None:
    processor = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    REPORT.write_text(
        "# Benchmarks\n\n"
        f"Made by `make bench` on {date.today()}: Python {platform.python_version()}, two threads of {processor}.\n"
        f"Both sides of a comparison run in turn, {rounds} times, each in a process of its own (history: in one process,\n"
        f"{3 * rounds} times; generators on Spark: in one warm session, five times); the median of the seconds, and the\n"
        "median of the ratios round by round.\n"
        "The time of `process` on Sail holds all that the job does, so also the check of the row counts against the\n"
        "written tables, the fingerprints of all tables and the run log; the DuckDB script does none of these.\n\n"
        "| what | took | ratio | wanted |\n| --- | --- | --- | --- |\n" + "\n".join(lines) + "\n"
    )


if __name__ == "__main__":
    main()
