"""Processing one batch: Sail compared with DuckDB and Polars, classic Spark compared with the pipeline that it replaces."""

import json
import os
import shutil
import sys
from pathlib import Path

from measure import HERE, Bench, Figure, measure_command, measure_pair, run_case, run_script

ROWS = 5_000_000
ROOT = HERE.parent


def process(bench: Bench) -> list[Figure]:
    """A batch on Sail, compared with scripts by hand, plain and with the same guarantees."""
    rows = bench.rows(ROWS)
    run_case("land", bench.folder, rows)
    figures = []
    for peer, name in (("duckdb", "DuckDB"), ("polars", "Polars")):
        for suffix, what, limit in (("", "", 1.1), ("_with_promises", " that keeps the same promises", 1.0)):
            pair = measure_pair("process_sail", f"process_{peer}{suffix}", bench, rows)
            title = f"process {bench.say(rows)} rows, Sail / {name} by hand{what}"
            wanted = f"≤ {limit} ×" if limit > 1 else "< 1 ×"
            met = pair.ratio <= limit if limit > 1 else pair.ratio < 1
            figures.append(Figure(title, pair.took, f"{pair.ratio:.2f} ×", wanted, met))
    shutil.rmtree(bench.folder / "lake")
    return figures


def spark_process(bench: Bench) -> list[Figure]:
    """A batch on local Spark, compared with the naive pipeline, plain and with the same guarantees."""
    rows = bench.rows(ROWS)
    run_case("land", bench.folder, rows)
    figures = []
    for peer, what, least in (("naive", "", 2.0), ("naive_with_promises", " given the same promises", 3.0)):
        pair = measure_pair("process_spark", f"process_{peer}", bench, rows)
        title = f"process {bench.say(rows)} rows, local Spark / the naive pipeline there{what}"
        figures.append(pair.faster(title, least))
    shutil.rmtree(bench.folder / "lake")
    return figures


def spark_work(bench: Bench) -> list[Figure]:
    """Spark jobs, reads and commits of one process, from the event log."""
    rows = bench.rows(ROWS)
    found = json.loads(run_script("spark_work.py", "--rows", str(rows)))
    what = f"of one process of {bench.say(rows)} rows"
    commits = max(found["commits"].values())
    return [
        Figure(
            f"Spark jobs / SQL executions {what}",
            f"{found['jobs']} / {found['sql_executions']}",
            "",
            "≤ 25 jobs",
            found["jobs"] <= 25,
        ),
        Figure(
            "reads of the raw batch / of the written table",
            f"{found['reads_of_raw']:.2f} / {found['reads_of_written']:.2f}",
            "",
            "≤ 2 / ≤ 1, beside rejected and repeated rows",
            found["reads_of_raw"] <= 2.05 and found["reads_of_written"] <= 1.05,
        ),
        Figure("commits of each table", f"{commits}", "", "1", commits == 1),
        Figure(
            f"tasks, their CPU and shuffle {what}",
            f"{found['tasks']}, {found['task_cpu_seconds']:.0f} s, {found['shuffle_bytes'] / 1e6:.0f} MB",
            "",
            "",
            None,
        ),
    ]


def spark_submit(bench: Bench) -> list[Figure]:
    """The step of a cluster, as spark-submit runs it on a local lake."""
    import pyspark

    from shipment_etl.engines.jars import delta_jars
    from shipment_etl.engines.java import find_java

    rows = bench.rows(100_000)
    run_case("land", bench.folder, rows)
    java, home = find_java(), Path(pyspark.__file__).parent
    package = shutil.make_archive(str(bench.folder / "shipment_etl"), "zip", ROOT / "src")
    jars = ",".join(map(str, delta_jars(java)))
    command = [str(home / "bin" / "spark-submit"), "--jars", jars, "--py-files", package]
    command += [str(ROOT / "spark" / "pyspark_app.py"), "--lake", str(bench.folder / "lake")]
    environment = {**os.environ, "JAVA_HOME": str(java.home), "SPARK_HOME": str(home), "PYSPARK_PYTHON": sys.executable}
    # The same batch waits in each round.
    processed = bench.folder / "lake" / "processed"
    seconds = measure_command(command, bench, env=environment, after=lambda: shutil.rmtree(processed))
    shutil.rmtree(bench.folder / "lake")
    return [Figure.bounded(f"`spark-submit spark/pyspark_app.py`, {rows:,} rows, in total", seconds, 18)]


def split(bench: Bench) -> list[Figure]:
    """The compiled contract compared with pandera's backend: with 2 % of the rows broken, and with none."""
    rows, figures = bench.rows(2_000_000), []
    for land, kind in (("land", "2 % broken"), ("land_sound", "none broken")):
        run_case(land, bench.folder, rows)
        pair = measure_pair("split_compiled", "split_pandera", bench, rows)
        shutil.rmtree(bench.folder / "lake")
        title = f"contract and split of {bench.say(rows)} rows, {kind}, compiled / pandera's backend, both on Sail"
        figures.append(pair.faster(title, 5.0))
    return figures
