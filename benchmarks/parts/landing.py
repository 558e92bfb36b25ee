"""Landing a file: CSV into Parquet, compared with DuckDB."""

from measure import Bench, Figure, measure_pair, run_case

ROWS = 1_000_000
MAX_TIMES = 2.0
MAX_MEGABYTES = 1024


def land_csv(bench: Bench) -> list[Figure]:
    """Plain CSV of twelve columns, landed as records, compared with DuckDB's read_csv; and the memory it needs."""
    rows = bench.rows(ROWS)
    run_case("make_csv", bench.folder, rows)
    pair = measure_pair("land_csv", "land_csv_duckdb", bench, rows)
    peak = run_case("land_csv", bench.folder, rows)["peak_mb"]
    what = f"land {bench.say(rows)} rows of CSV, 12 columns"
    return [
        Figure(
            f"{what}, here / DuckDB's read_csv into Parquet",
            pair.took,
            f"{pair.ratio:.2f} ×",
            f"≤ {MAX_TIMES:g} ×",
            pair.ratio <= MAX_TIMES,
        ),
        Figure(f"{what}: peak memory", f"{peak:,.0f} MB", "", f"≤ {MAX_MEGABYTES:,} MB", peak <= MAX_MEGABYTES),
    ]
