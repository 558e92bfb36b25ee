"""Compare generated shipments with public ones: quantiles, shares and distances, written to docs/explanation/calibration.md.

    python -m benchmarks.calibration

It generates the scenarios `baseline`, the default, and `swiftship`, which the demo uses.
"""

import argparse
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from benchmarks.calibration.page import parts, replace_parts
from benchmarks.calibration.plot import plot
from benchmarks.calibration.tables import flights_table, generated_table, scms_table
from shipment_etl.sessions import session

SCENARIOS = ("baseline", "swiftship")
FIRST = date(2026, 11, 2)
DOCS = Path(__file__).parents[2] / "docs"
PAGE, PLOT = DOCS / "explanation" / "calibration.md", DOCS / "assets" / "calibration.svg"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.calibration", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--days", type=int, default=28, help="days to generate, from a Monday")
    parser.add_argument(
        "--rows",
        type=int,
        default=1000,
        help="shipments per day, a multiple of 1000, because the lives of a scenario are shares of a thousand",
    )
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    spark, days = session(), [FIRST + timedelta(days=number) for number in range(given.days)]
    generated = [generated_table(spark, name, days, given.rows, given.seed) for name in SCENARIOS]
    with tempfile.TemporaryDirectory() as folder:
        public = [scms_table(spark, Path(folder)), flights_table()]
    measured = parts(generated, public)
    asked = f" --days {given.days} --rows {given.rows} --seed {given.seed}"
    measured["measured"] = f"Measured on {datetime.now(UTC):%Y-%m-%d} by `python -m benchmarks.calibration{asked}`.\n"
    print("\n".join(measured.values()))
    PAGE.write_text(replace_parts(PAGE.read_text("utf-8"), measured), "utf-8")
    PLOT.write_text(plot([*generated, *public]), "utf-8")


if __name__ == "__main__":
    main()
