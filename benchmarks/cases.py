"""One side of one comparison, run in a process of its own: prints its seconds and peak memory as JSON.

Where two sides share a process, it prints the seconds of each of their turns as well.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

DAY = date(2026, 11, 23)
SEED = 7
DEFECTS = 0.02


def generate_sail(folder: Path, rows: int) -> Callable[[], object]:
    """Generate to Delta on Sail."""
    from shipment_etl import generate, session

    spark = session("sail")
    spark.range(1).count()
    return lambda: (
        generate(spark, date=DAY, rows=rows, seed=SEED).write.format("delta").mode("overwrite").save(f"{folder}/delta")
    )


def generate_duckdb(folder: Path, rows: int) -> Callable[[], object]:
    """Generate to Parquet in DuckDB."""
    import duckdb_pipeline

    connection = duckdb_pipeline.connect()
    plan = _plan(rows)
    return lambda: duckdb_pipeline.generate(connection, plan, folder / "shipments.parquet")


def process_sail(folder: Path, rows: int) -> Callable[[], object]:
    """Process a batch: everything that run_process does, fingerprints and run log included."""
    from shipment_etl import Lake, run_process, session

    spark = session("sail")
    spark.range(1).count()
    return lambda: run_process(Lake(folder / "lake"), date=DAY, spark=spark)


def process_duckdb(folder: Path, rows: int) -> Callable[[], object]:
    """Process the same rows in DuckDB."""
    import duckdb_pipeline

    from shipment_etl import Network

    connection = duckdb_pipeline.connect()
    raw = f"{folder}/lake/raw/shipments/run-*/*.parquet"
    return lambda: duckdb_pipeline.process(connection, raw, folder / "duckdb", Network.default(), DAY)


def split_compiled(folder: Path, rows: int) -> Callable[[], object]:
    """Split by the compiled contract: both sides counted, every reason of a rejected row made."""
    from pyspark.sql import functions as F

    from shipment_etl.contracts.models import contract
    from shipment_etl.contracts.split import judge

    frame = _raw(folder)

    def work() -> None:
        good, bad = judge(frame, contract()).parts(frame)
        good.count()
        bad.agg(F.sum(F.size("reasons")).alias("reasons")).collect()

    return work


def split_pandera(folder: Path, rows: int) -> Callable[[], object]:
    """Validate by pandera's own backend: tells which checks failed."""
    from shipment_etl.contracts.models import contract

    frame, schema = _raw(folder), contract()
    return lambda: schema.validate(frame)


def memory(folder: Path, rows: int) -> Callable[[], object]:
    """Generate and process one batch."""
    from shipment_etl import Lake, run_generate, run_process

    lake = Lake(folder / "memory-lake")

    def work() -> None:
        run_generate(lake, date=DAY, rows=rows, seed=SEED, defects=DEFECTS)
        run_process(lake, date=DAY)

    return work


def land(folder: Path, rows: int) -> Callable[[], object]:
    """Not measured: lays the raw batch that both sides of `process` and `split` read."""
    from shipment_etl import Lake, run_generate

    return lambda: run_generate(Lake(folder / "lake"), date=DAY, rows=rows, seed=SEED, defects=DEFECTS)


def land_sound(folder: Path, rows: int) -> Callable[[], object]:
    """Not measured: as `land`, without defects."""
    from shipment_etl import Lake, run_generate

    return lambda: run_generate(Lake(folder / "lake"), date=DAY, rows=rows, seed=SEED)


def generate_in_one_session(folder: Path, rows: int) -> Callable[[], object]:
    """Generate to Parquet on local Spark, and the same columns by dbldatagen, in turn in one session; the first turn warms."""
    from spark_cases import by_dbldatagen

    from shipment_etl import generate

    spark = _local_spark(folder)
    frames = {"ours": generate(spark, date=DAY, rows=rows, seed=SEED), "theirs": by_dbldatagen(spark, DAY, rows)}

    def work() -> dict[str, list[float]]:
        turns = [{name: _seconds(frame, folder / name) for name, frame in frames.items()} for _ in range(6)]
        return {name: [turn[name] for turn in turns[1:]] for name in frames}

    return work


def _seconds(frame, target: Path) -> float:
    start = time.perf_counter()
    frame.write.mode("overwrite").parquet(str(target))
    return round(time.perf_counter() - start, 3)


def process_spark(folder: Path, rows: int) -> Callable[[], object]:
    """Process a batch on local Spark, with all that run_process does."""
    from shipment_etl import Lake, run_process

    spark = _local_spark(folder)
    return lambda: run_process(Lake(folder / "lake"), date=DAY, spark=spark)


def process_naive(folder: Path, rows: int) -> Callable[[], object]:
    """Process the same rows on local Spark as it was done before."""
    from spark_cases import naive

    spark = _local_spark(folder)
    return lambda: naive(spark, f"{folder}/lake/raw/shipments/run-*/*.parquet", folder / "naive")


def _local_spark(folder: Path):
    """A session whose Java is warm enough to have written a file."""
    from shipment_etl import session

    spark = session("spark")
    spark.range(100_000).selectExpr("id", "xxhash64(id) AS hash").write.mode("overwrite").parquet(f"{folder}/warm")
    return spark


def _plan(rows: int):
    from shipment_etl.generator.plan import make_plan
    from shipment_etl.generator.scenarios import scenario_named
    from shipment_etl.network import Network

    scenario = scenario_named("baseline")
    return make_plan(batch_date=DAY, rows=rows, seed=SEED, scenario=scenario, defects=0, network=Network.default())


def _raw(folder: Path):
    from shipment_etl import Lake, session

    spark = session("sail")
    return Lake(folder / "lake").read(spark, "raw/shipments")


def children() -> list[int]:
    """The processes that this one started and that still run: the embedded engine."""
    return [int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()]


def peak_kb(pid: int) -> int:
    """The most memory that a process had; peaks of two need not have come at once, so a sum is at most too high."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0])


CASES = {
    case.__name__: case
    for case in (
        *(generate_sail, generate_duckdb, process_sail, process_duckdb),
        *(split_compiled, split_pandera, memory, land, land_sound),
        *(generate_in_one_session, process_spark, process_naive),
    )
}

if __name__ == "__main__":
    name, folder, rows = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    # Two processors for either side, however many there are.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    work = CASES[name](folder, rows)
    start = time.perf_counter()
    found = work()
    seconds = time.perf_counter() - start
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + sum(map(peak_kb, children()))) / 1024
    turns = found if isinstance(found, dict) else {}
    print(json.dumps({"seconds": round(seconds, 3), "peak_mb": round(peak), **turns}))
