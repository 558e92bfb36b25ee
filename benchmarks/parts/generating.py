"""Generating a batch: Sail compared with DuckDB, classic Spark compared with dbldatagen."""

import statistics

from measure import Bench, Figure, Pair, measure_pair, run_case


def generate(bench: Bench) -> list[Figure]:
    """Rows to Delta on Sail, compared with DuckDB to Parquet."""
    rows = bench.rows(5_000_000)
    pair = measure_pair("generate_sail", "generate_duckdb", bench, rows)
    title = f"generate {bench.say(rows)} rows, Sail to Delta / DuckDB to Parquet"
    return [Figure(title, pair.took, f"{pair.ratio:.2f} ×", "≤ 1 ×", pair.ratio <= 1)]


def spark_generate(bench: Bench) -> list[Figure]:
    """Rows to Parquet on local Spark, compared with dbldatagen in the same session; and the writer's share of both."""
    rows, turns = bench.rows(2_000_000), []
    for _ in range(bench.rounds):
        bench.wait_until_quiet()
        turns.append(run_case("generate_in_one_session", bench.folder, rows))
    pair = Pair.of([each for turn in turns for each in zip(turn["ours"], turn["theirs"], strict=True)])
    writer = statistics.median(second for turn in turns for second in turn["writer"])
    title = f"generate {bench.say(rows)} rows to Parquet, local Spark / dbldatagen there"
    without = (pair.theirs - writer) / max(pair.ours - writer, 0.01)
    copied = f"{writer:.2f} s, {writer / pair.ours:.0%} / {writer / pair.theirs:.0%} of the two"
    return [
        pair.faster(title, 1.8),
        Figure("of which Parquet's writer, copying finished rows", copied, f"{without:.1f} × faster without", "", None),
    ]
