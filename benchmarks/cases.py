"""One side of a comparison, run in its own process: prints its seconds and peak memory as JSON.

    python benchmarks/cases.py NAME FOLDER ROWS

A case prepares itself, untimed, and returns the work to time. If several sides share a process, the work returns the seconds
of each of their turns.
"""

import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

DAY = date(2026, 11, 23)
SEED = 7
DEFECTS = 0.02
Work = Callable[[], object]


def land(folder: Path, rows: int) -> Work:
    """Not measured: writes the raw batch that both sides of a comparison read."""
    from shipment_etl import Lake, run_generate

    return lambda: run_generate(Lake(folder / "lake"), date=DAY, rows=rows, seed=SEED, defects=DEFECTS)


def land_sound(folder: Path, rows: int) -> Work:
    """Not measured: as `land`, without defects."""
    from shipment_etl import Lake, run_generate

    return lambda: run_generate(Lake(folder / "lake"), date=DAY, rows=rows, seed=SEED)


def generate_sail(folder: Path, rows: int) -> Work:
    """Generate to Delta on Sail."""
    from shipment_etl import generate

    spark = _sail()
    return lambda: (
        generate(spark, date=DAY, rows=rows, seed=SEED).write.format("delta").mode("overwrite").save(f"{folder}/delta")
    )


def generate_duckdb(folder: Path, rows: int) -> Work:
    """Generate to Parquet in DuckDB."""
    import duckdb_pipeline

    from shipment_etl.generator.plan import make_plan
    from shipment_etl.generator.scenarios import get_scenario
    from shipment_etl.network import Network

    scenario, network = get_scenario("baseline"), Network.default()
    plan = make_plan(batch_date=DAY, rows=rows, seed=SEED, scenario=scenario, defects=0, network=network)
    connection = duckdb_pipeline.connect()
    return lambda: duckdb_pipeline.generate(connection, plan, folder / "shipments.parquet")


def process_sail(folder: Path, rows: int) -> Work:
    """Process a batch on Sail, with everything that run_process does."""
    return _process(folder, _sail())


def process_spark(folder: Path, rows: int) -> Work:
    """Process a batch on local Spark, with everything that run_process does."""
    return _process(folder, _spark(folder))


def process_duckdb(folder: Path, rows: int) -> Work:
    """Process the same rows in DuckDB."""
    from promises import in_folder

    process, _ = _duckdb(folder)
    return partial(process, in_folder(folder / "duckdb"))


def process_duckdb_with_promises(folder: Path, rows: int) -> Work:
    """Process the same rows in DuckDB, with what this package promises."""
    from promises import keep_promises

    return partial(keep_promises, folder / "duckdb-lake", DAY, *_duckdb(folder))


def process_polars(folder: Path, rows: int) -> Work:
    """Process the same rows in Polars."""
    from promises import in_folder

    process, _ = _polars(folder)
    return partial(process, in_folder(folder / "polars"))


def process_polars_with_promises(folder: Path, rows: int) -> Work:
    """Process the same rows in Polars, with what this package promises."""
    from promises import keep_promises

    return partial(keep_promises, folder / "polars-lake", DAY, *_polars(folder))


def process_naive(folder: Path, rows: int) -> Work:
    """Process the same rows on local Spark like the pipeline before this package."""
    from spark_pipeline import naive

    return partial(naive, _spark(folder), _raw(folder), folder / "naive")


def process_naive_with_promises(folder: Path, rows: int) -> Work:
    """Process the same rows on local Spark step by step, with what this package promises."""
    from spark_pipeline import naive_with_promises

    return partial(naive_with_promises, _spark(folder), _raw(folder), folder / "naive-lake", DAY)


def make_csv(folder: Path, rows: int) -> Work:
    """Not measured: writes a plain file of twelve columns."""
    import duckdb

    columns = (
        "'S' || i AS id, ['Riga', 'Oslo', 'Graz'][1 + i % 3] AS origin, 'City ' || i % 500 AS city, 'Carrier ' || i % 9 AS "
        "carrier, DATE '2026-11-01' + (i % 28)::INT AS sent, DATE '2026-11-04' + (i % 28)::INT AS due, DATE '2026-11-05' + "
        "(i % 28)::INT AS arrived, i % 9000 / 10 + 1 AS kg, i % 70 / 100 + 0.01 AS m3, i % 2000 + 1 AS km, i % 99999 / 100 "
        "AS cost, 'note ' || hash(i) AS note"
    )
    return lambda: duckdb.connect().sql(f"COPY (SELECT {columns} FROM range({rows}) t(i)) TO '{folder}/f.csv' (HEADER)")


def land_csv(folder: Path, rows: int) -> Work:
    """Land that file as records in Parquet, as `ingest` does."""
    from shipment_etl import SourceMapping
    from shipment_etl.ingest.inputs import find_inputs
    from shipment_etl.ingest.reader import land

    mapping = SourceMapping.from_text(
        """[columns]
        shipment_id = { column = "id" }
        origin_warehouse = { column = "origin" }
        destination_city = { column = "city" }
        carrier = { column = "carrier" }
        shipment_date = { column = "sent" }
        promised_date = { column = "due" }
        delivery_date = { column = "arrived" }
        shipment_weight_kg = { column = "kg" }
        shipping_cost = { column = "cost" }
        """,
        "bench.toml",
    )

    def work() -> None:
        found = land(find_inputs([folder / "f.csv"]), mapping, folder / "landed.parquet").rows
        if found != rows:
            raise SystemExit(f"{found} of {rows} rows landed")

    return work


def land_csv_duckdb(folder: Path, rows: int) -> Work:
    """The same file into Parquet in DuckDB, every value as text."""
    import duckdb_pipeline

    connection = duckdb_pipeline.connect()
    query = f"SELECT * FROM read_csv('{folder}/f.csv', header = true, all_varchar = true)"
    return lambda: connection.execute(f"COPY ({query}) TO '{folder}/duckdb.parquet' (FORMAT parquet)")


def split_compiled(folder: Path, rows: int) -> Work:
    """Split by the compiled contract: counts both sides and creates every reason of a rejected row."""
    from pyspark.sql import functions as F

    from shipment_etl import Lake
    from shipment_etl.contracts.columns import with_optional
    from shipment_etl.contracts.models import contract
    from shipment_etl.contracts.split import judge

    frame = with_optional(Lake(folder / "lake").read(_sail(), "raw/shipments"))

    def work() -> None:
        good, bad = judge(frame, contract()).parts(frame)
        good.count()
        bad.agg(F.sum(F.size("reasons")).alias("reasons")).collect()

    return work


def split_pandera(folder: Path, rows: int) -> Work:
    """Validate by pandera's own backend: reports which checks failed."""
    from shipment_etl import Lake
    from shipment_etl.contracts.columns import with_optional
    from shipment_etl.contracts.models import contract

    frame, schema = with_optional(Lake(folder / "lake").read(_sail(), "raw/shipments")), contract()
    return lambda: schema.validate(frame)


def generate_in_one_session(folder: Path, rows: int) -> Work:
    """Generate to Parquet on local Spark, the same columns by dbldatagen, and copy finished rows, in turn in one session.

    The copy shows the share of the Parquet writer in both; the first turn is a warm-up and does not count.
    """
    import dbldatagen_shipments

    from shipment_etl import generate

    spark = _spark(folder)
    ours = generate(spark, date=DAY, rows=rows, seed=SEED)
    ours.write.mode("overwrite").parquet(f"{folder}/finished")
    # Kept in memory as rows, so that the copy includes neither reading nor generating them.
    finished = spark.read.parquet(f"{folder}/finished").cache()
    finished.count()
    frames = {"ours": ours, "theirs": dbldatagen_shipments.generate(spark, DAY, rows), "writer": finished}

    def seconds(name: str) -> float:
        start = time.perf_counter()
        frames[name].write.mode("overwrite").parquet(f"{folder}/{name}")
        return round(time.perf_counter() - start, 3)

    def work() -> dict[str, list[float]]:
        turns = [{name: seconds(name) for name in frames} for _ in range(6)]
        return {name: [turn[name] for turn in turns[1:]] for name in frames}

    return work


def generate_and_process(folder: Path, rows: int) -> Work:
    """Generate and process one batch on Sail; reports the seconds of each."""
    from shipment_etl import Lake, run_generate, run_process

    lake = Lake(folder / "big-lake")

    def work() -> dict[str, float]:
        start = time.perf_counter()
        run_generate(lake, date=DAY, rows=rows, seed=SEED, defects=DEFECTS)
        middle = time.perf_counter()
        run_process(lake, date=DAY)
        return {"generate": round(middle - start, 2), "process": round(time.perf_counter() - middle, 2)}

    return work


def process_newest(folder: Path, rows: int) -> Work:
    """Process the newest batch of the lake in the folder, in a process that has done nothing else."""
    from shipment_etl import Lake, run_process

    spark = _sail()
    return lambda: run_process(Lake(folder), spark=spark)


def process_days_one_by_one(folder: Path, rows: int) -> Work:
    """Process all waiting days of the lake with one call and one process for each."""
    import subprocess

    days = _waiting_days(rows)
    _undo_processing(folder)
    command = [sys.executable, "-m", "shipment_etl", "process", "--lake", f"{folder}/lake", "--json"]
    return lambda: [subprocess.run([*command, "--date", str(day)], check=True, capture_output=True) for day in days]


def process_days_in_one_call(folder: Path, rows: int) -> Work:
    """Process the same days with one call."""
    import subprocess

    days = _waiting_days(rows)
    _undo_processing(folder)
    command = [sys.executable, "-m", "shipment_etl", "process", "--lake", f"{folder}/lake", "--json"]
    return lambda: subprocess.run([*command, "--from", str(days[0]), "--to", str(days[-1])], check=True, capture_output=True)


def process_days_in_turn(folder: Path, rows: int) -> Work:
    """Process the same days with one library call for each, in one process and session."""
    from shipment_etl import Lake, run_process

    spark = _sail()
    days = _waiting_days(rows)
    _undo_processing(folder)
    return lambda: [run_process(Lake(folder / "lake"), date=day, spark=spark) for day in days]


def land_days(folder: Path, rows: int) -> Work:
    """Not measured: writes this number of days of 10,000 rows."""
    from shipment_etl import Lake, run_generate

    spark = _sail()
    return lambda: [
        run_generate(Lake(folder / "lake"), date=day, rows=10_000, seed=SEED, defects=DEFECTS, spark=spark)
        for day in _waiting_days(rows)
    ]


def _undo_processing(folder: Path) -> None:
    """Reset the lake to when its batches had landed, so that every round does the same."""
    shutil.rmtree(folder / "lake" / "processed", ignore_errors=True)


def _waiting_days(count: int) -> list[date]:
    return [DAY - timedelta(days=back) for back in range(count - 1, -1, -1)]


def _process(folder: Path, spark: Any) -> Work:
    from shipment_etl import Lake, run_process

    _undo_processing(folder)
    return lambda: run_process(Lake(folder / "lake"), date=DAY, spark=spark)


def _raw(folder: Path) -> str:
    return f"{folder}/lake/raw/shipments/run-*/*.parquet"


def _duckdb(folder: Path) -> tuple[Callable[..., Any], Callable[..., Any]]:
    import duckdb_pipeline

    from shipment_etl import Network

    connection = duckdb_pipeline.connect()
    process = partial(duckdb_pipeline.process, connection, _raw(folder), Network.default(), DAY)
    return process, partial(duckdb_pipeline.checksum, connection)


def _polars(folder: Path) -> tuple[Callable[..., Any], Callable[..., Any]]:
    import polars_pipeline

    from shipment_etl import Network

    return partial(polars_pipeline.process, _raw(folder), Network.default(), DAY), polars_pipeline.checksum


def _sail():
    """Return a session that has answered a query."""
    from shipment_etl import session

    spark = session("sail")
    spark.range(1).count()
    return spark


def _spark(folder: Path):
    """Return a session that is warm: it has written a file."""
    from shipment_etl import session

    spark = session("spark")
    spark.range(100_000).selectExpr("id", "xxhash64(id) AS hash").write.mode("overwrite").parquet(f"{folder}/warm")
    return spark


def children() -> list[int]:
    """Return the running child processes of this one: the embedded engine."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        # A thread can end while it is being read.
        with suppress(FileNotFoundError):
            found += [int(pid) for pid in (task / "children").read_text().split()]
    return found


def peak_kb(pid: int) -> int:
    """Return the peak memory of a process; a sum of two peaks can be too high, because they may be at different times."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0])


CASES = {
    case.__name__: case
    for case in (
        *(land, land_sound, land_days, generate_sail, generate_duckdb, generate_in_one_session, generate_and_process),
        *(process_sail, process_duckdb, process_duckdb_with_promises, process_polars, process_polars_with_promises),
        *(process_spark, process_naive, process_naive_with_promises, split_compiled, split_pandera),
        *(process_newest, process_days_one_by_one, process_days_in_turn, process_days_in_one_call),
        *(make_csv, land_csv, land_csv_duckdb),
    )
}

if __name__ == "__main__":
    name, folder, rows = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    # Two processors for each side, however many there are.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    work = CASES[name](folder, rows)
    start = time.perf_counter()
    found = work()
    seconds = time.perf_counter() - start
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + sum(map(peak_kb, children()))) / 1024
    more = found if isinstance(found, dict) and not name.endswith("promises") else {}
    print(json.dumps({"seconds": round(seconds, 3), "peak_mb": round(peak), **more}))
