"""`make parity`: the same work on Sail and on classic Spark, in separate processes, and a table of the fingerprints.

    python tests/engines/parity.py            all of it, for people
    python tests/engines/parity.py --step …   one step on one engine, in this process, as JSON; for the tests

A variant is one way that a session can differ: partitions, time zone, locale, ANSI. The pure functions (generate, conform,
split, clean, lane_days, marts) are tried in every variant; what goes through a lake, in one on each side.
"""

import argparse
import json
import locale
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "scms"
DAYS = ("2026-10-30", "2026-10-31", "2026-11-23")
ROWS, SEED, DEFECTS = 2_000, 7, 0.1


@dataclass(frozen=True)
class Variant:
    """A way that a session can differ from another; partitions None means the engine's default."""

    name: str
    partitions: int | None = None
    zone: str = "UTC"
    language: str = "en"
    country: str = "US"
    ansi: bool = False


VARIANTS = (
    Variant("Arabic, Los Angeles, 1 partition", 1, "America/Los_Angeles", "ar", "EG"),
    Variant("plain"),
    Variant("Turkish, Apia, 7 partitions", 7, "Pacific/Apia", "tr", "TR"),
    Variant("ANSI, Kolkata", zone="Asia/Kolkata", ansi=True),
)
ODD = Variant("Turkish, Kiritimati, 3 partitions, ANSI", 3, "Pacific/Kiritimati", "tr", "TR", True)


def frames(spark, folder: str) -> dict[str, str]:
    """Return the fingerprint of every frame of the pure functions, without a lake. Each frame is written, because classic
    Spark would compile for minutes what is made from all of them at once."""
    from pyspark.sql import functions as F

    import shipment_etl as etl

    def keep(name: str, frame):
        frame.write.mode("overwrite").parquet(f"{folder}/{name}")
        return spark.read.parquet(f"{folder}/{name}")

    raw = keep("raw", etl.generate(spark, date=DAYS[0], rows=ROWS, seed=SEED, defects=DEFECTS))
    good, bad = etl.split(raw)
    good = keep("good", good)
    days = keep("days", etl.lane_days(etl.clean(good).withColumn("source", F.lit("shipments"))))
    made = {"raw": raw, "good": good, "bad": keep("bad", bad), "lane_days": days, **etl.marts(days)}
    timed = keep("timed", _make_timed(spark, keep))
    made |= {"timed": timed, "timed_days": keep("timed_days", etl.lane_days(timed))}
    return {name: etl.fingerprint(frame) for name, frame in made.items()}


TIMED = """
timezone = "Europe/Berlin"

[columns]
shipment_id = { from_row = true }
origin_warehouse = { constant = "Riga" }
destination_city = { constant = "Oslo" }
carrier = { constant = "Post" }
shipment_date = { constant = "2026-10-01" }
promised_date = { column = "due", dates = ["iso"] }
promised_at = { column = "due", dates = ["iso"] }
delivery_date = { column = "in", dates = ["iso"] }
delivered_at = { column = "in", dates = ["iso"] }
shipping_cost = { column = "cost", accounting = true, credit_notes = true }
"""
DUE = ("2026-10-24 23:59", "2026-10-25T02:30", "2026-10-25 02:30:15,5", "2026-10-25T00:30Z", "2026-10-25T23:00:00-05:00")
IN = ("2026-10-25T02:15", "2026-10-25 02:59:59", "2026-10-25T01:45Z", "2026-10-26T05:31+01:00", "2027-03-28 02:30")
"""Times by clocks that are set back on one of these days and forward on another, and times with offsets."""


def _make_timed(spark, keep):
    """Shipments of a file with times of day and credit notes, cleaned with a tolerance."""
    from pyspark.sql import functions as F

    import shipment_etl as etl

    columns = "source string, batch_date date, source_file string, source_row bigint, record string, problem string"
    pairs = [(due, done) for due in DUE for done in IN]
    records = [{"due": due, "in": done, "cost": f"({n}.05)" if n % 3 else f"{n}.10-"} for n, (due, done) in enumerate(pairs)]
    rows = [("acme", date(2026, 10, 31), "f.csv", n, json.dumps(each), None) for n, each in enumerate(records, 1)]
    landed = spark.createDataFrame(rows, columns).withColumn("record", F.from_json("record", "map<string,string>"))
    mapping, network = etl.SourceMapping.from_text(TIMED, "m.toml"), etl.Network(on_time_tolerance_minutes=30)
    schema = etl.contract(network, mapping.unknown, credit_notes=mapping.credit_notes)
    good, _ = etl.split(keep("conformed", etl.conform(landed, mapping, network)), schema)
    return etl.clean(keep("sound", good), network)


def tables(lake) -> dict[str, str]:
    """Return the fingerprint of every table of a lake but the log of runs, by the current engine."""
    from shipment_etl import session
    from shipment_etl.lake.fingerprint import fingerprints
    from shipment_etl.lake.tables import RUNS

    return fingerprints({name: lake.read(session(), name) for name in lake.tables() if name != RUNS.name})


def step(engine: str, lake: str, work: Iterable[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Do one thing after the other: a day generates and processes it, scms ingests and processes the real file, tables
    reads all tables, odd makes the session unusual for what follows, the name of a variant tries it without a lake."""
    from shipment_etl import Lake, SourceMapping, run_generate, run_ingest, run_process, session

    spark = session(engine)
    home = Lake(lake)
    for name in work:
        if name in DAYS:
            run_generate(home, date=name, rows=ROWS, seed=SEED, defects=DEFECTS, spark=spark)
            run_process(home, date=name, spark=spark)
        elif name == "scms":
            mapping = SourceMapping.from_toml(EXAMPLE / "mapping.toml")
            file = EXAMPLE / "scms_delivery_history.csv.gz"
            run_ingest(home, file, source="scms", mapping=mapping, date=DAYS[-1], spark=spark)
            run_process(home, source="scms", date=DAYS[-1], max_rejected=1, spark=spark)
        elif name == "odd":
            vary(spark, ODD)
        elif name == "tables":
            yield "tables", tables(home)
        else:
            variant = next(each for each in VARIANTS if each.name == name)
            vary(spark, variant)
            with tempfile.TemporaryDirectory() as folder:
                yield name, frames(spark, folder)


def vary(spark, variant: Variant) -> None:
    """Change a session; with Java also its locale and zone, with Sail those of the process."""
    spark.conf.set("spark.sql.session.timeZone", variant.zone)
    spark.conf.set("spark.sql.ansi.enabled", str(variant.ansi).lower())
    if "connect" in type(spark).__module__:
        os.environ["TZ"] = variant.zone
        return
    for name in ("spark.sql.shuffle.partitions", "spark.sql.leafNodeDefaultParallelism"):
        if variant.partitions is None:
            spark.conf.unset(name)
        else:
            spark.conf.set(name, str(variant.partitions))
    java = spark._jvm.java.util
    java.Locale.setDefault(java.Locale(variant.language, variant.country))
    java.TimeZone.setDefault(java.TimeZone.getTimeZone(variant.zone))


def run_step(engine: str, lake: str, *work: str) -> dict[str, dict[str, str]]:
    """Run a step in a separate process."""
    command = [sys.executable, __file__, "--engine", engine, "--lake", lake, "--step", *work]
    # Less work for shared processors; see docs/decisions/0013.
    environment = {**os.environ, "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise RuntimeError(f"{engine} failed at {work}:\n{done.stdout}\n{done.stderr}")
    return dict(map(json.loads, done.stdout.splitlines()))


def find_differences(ours: dict[str, str], theirs: dict[str, str]) -> list[str]:
    """Return the names whose values differ between two sides."""
    return sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--engine", default="sail")
    options.add_argument("--lake")
    options.add_argument("--step", nargs="+")
    options.add_argument("--against", default="spark", help="the engine to compare with Sail")
    options.add_argument("--expected", type=Path, help="read Sail's fingerprints from this file, or write them if it is new")
    chosen = options.parse_args()
    if chosen.step:
        for found in step(chosen.engine, chosen.lake, chosen.step):
            print(json.dumps(found), flush=True)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        return print_comparison(chosen.against, Path(folder), chosen.expected)


def print_comparison(engine: str, folder: Path, expected: Path | None) -> int:
    """Print the table; 1 if anything differs."""
    alone = ("odd", *DAYS[1:], "scms", "tables", *(variant.name for variant in VARIANTS))
    if expected and expected.exists():
        ours = json.loads(expected.read_text())
    else:
        ours = run_step("sail", f"{folder}/sail", *alone)
        if expected:
            expected.write_text(json.dumps(ours))
    theirs = run_step(engine, f"{folder}/{engine}", *alone)
    failed = 0
    for variant, words in ours.items():
        print(f"\n{variant if variant != 'tables' else f'tables of a lake, {ODD.name}'}")
        wrong = find_differences(words, theirs.get(variant, {}))
        failed += len(wrong)
        for name in sorted(words):
            sign = "≠" if name in wrong else "="
            print(
                f"  {sign} {name:32} {words[name]:40} {theirs.get(variant, {}).get(name, 'absent') if name in wrong else ''}"
            )
    print(f"\nSail and {engine}: {'all fingerprints are equal' if not failed else f'{failed} differ'}.")
    return 1 if failed else 0


if __name__ == "__main__":
    locale.setlocale(locale.LC_ALL, "")
    sys.exit(main())
