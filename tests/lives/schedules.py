"""Schedules: batches are landed and processed in any order, again, with other rows; the lake must hold what the model says.

python -m tests.lives.schedules --seed 1 --number 2000
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from pyspark.sql import SparkSession

from shipment_etl.ingest.mapping import SourceMapping
from shipment_etl.jobs.ingest import run_ingest
from shipment_etl.jobs.process import run_process
from shipment_etl.lake.fingerprint import fingerprints
from shipment_etl.lake.lake import Lake
from shipment_etl.sessions import session
from tests.lives.model import SUMS, Expected, Report, draw_batch, expect

__all__ = ["MOST", "Step", "check_lake", "check_schedule", "draw_schedule", "land", "main", "run_and_fingerprint", "work"]

FIRST = date(2026, 11, 4)
MOST = 9
"""Number of reports in the largest batches. With two or three, many batches hold no valid report, or lose all to others."""
COMPARED = 10
"""One of this many schedules is also compared with clean runs."""
TOML = """[columns]
shipment_id = { column = "No" }
origin_warehouse = { constant = "Riga" }
destination_city = { column = "To" }
carrier = { column = "Who" }
shipment_date = { column = "Out" }
promised_date = { column = "Due", optional = true }
delivery_date = { column = "In", optional = true }
shipping_cost = { column = "Cost", optional = true }
outcome = { column = "End" }
reported_at = { column = "Told" }
"""
HEAD = "No,To,Who,Out,Due,In,Cost,End,Told\n"
TABLES = ("shipments", "overtaken", "quarantine", "lane_days", "lane_months", "known_ids")


class Step(NamedTuple):
    """A batch is landed with `reports`, unless these are None, and processed."""

    batch: date
    reports: list[Report] | None


def draw_schedule(draw: random.Random, most: int = MOST) -> list[Step]:
    """Return steps on two to four batches of `most` reports or fewer."""
    days = [FIRST + timedelta(days=day) for day in range(draw.randint(2, 4))]
    steps, landed = list[Step](), set[date]()
    for _ in range(draw.randint(3, 7)):
        day = draw.choice(days)
        again = day in landed and draw.random() < 0.3
        steps.append(Step(day, None if again else draw_batch(draw, day, most)))
        landed.add(day)
    return steps


def land(spark: SparkSession, lake: Lake, folder: Path, day: date, reports: Iterable[Report]) -> None:
    """Land reports as a file."""
    lines = [
        ",".join(
            "" if value is None else str(value)
            for value in (
                *(
                    each.shipment,
                    each.city,
                    each.carrier,
                    each.shipped,
                    each.promised,
                    each.delivered,
                    each.cost,
                    each.outcome,
                ),
                each.reported and each.reported.strftime("%Y-%m-%dT%H:%M:%SZ"),
            )
        )
        for each in reports
    ]
    file = folder / "f.csv"
    file.write_text(HEAD + "".join(f"{line}\n" for line in lines))
    mapping = SourceMapping.from_text(TOML, "m.toml")
    run_ingest(lake, file, source="acme", mapping=mapping, date=day, if_exists="replace", max_rejected=1.0, spark=spark)


def work(spark: SparkSession, lake: Lake, folder: Path, steps: Iterable[Step]) -> dict[date, list[Report]]:
    """Do the steps, check each run's counts, and return what every batch holds at the end."""
    batches: dict[date, list[Report]] = {}
    for step in steps:
        if step.reports is not None:
            if not step.reports:
                continue
            land(spark, lake, folder, step.batch, step.reports)
            batches[step.batch] = step.reports
        elif step.batch not in batches:
            continue
        run = run_process(lake, date=step.batch, source="acme", max_rejected=1.0, spark=spark)
        counts = run.counts
        found = (counts.accepted, counts.quarantined, counts.duplicates, counts.overtaken)
        assert found == expect(batches).counts[step.batch], (step.batch, found)
    return batches


def check_lake(lake: Lake, expected: Expected) -> None:
    """Check every table that reports change against the model."""
    shipments = rows(lake, "shipments", ["shipment_id", "batch_date", "source_row"])
    assert sorted((each["shipment_id"], each["batch_date"], each["source_row"]) for each in shipments) == sorted(
        (name, *place) for name, place in expected.shipments.items()
    )
    columns = ["batch_date", "source_row", "overtaken_by_batch", "overtaken_by_row"]
    overtaken = [tuple(each[name] for name in columns) for each in rows(lake, "overtaken", columns)]
    assert sorted(overtaken) == sorted((*one, *other) for one, other in expected.overtaken.items())
    quarantine = rows(lake, "quarantine", ["batch_date", "source_row"])
    assert sorted((each["batch_date"], each["source_row"]) for each in quarantine) == sorted(expected.quarantined)
    keys = ["shipment_date", "destination_city", "carrier", "state", "delay_days", "due_date"]
    booked = rows(lake, "lane_days", ["batch_date", *keys, *SUMS])
    found = {
        (each["batch_date"], tuple(each[name] for name in keys)): tuple(int(each[name]) for name in SUMS) for each in booked
    }
    assert len(found) == len(booked)
    assert found == expected.ledger


def rows(lake: Lake, name: str, columns: list[str]) -> list[dict[str, object]]:
    """Return some columns of a table of processed/, none if there is no such table yet."""
    table = f"processed/{name}"
    return lake.snapshot().dataset(table).to_table(columns).to_pylist() if lake.has(table) else []


def read_fingerprints(spark: SparkSession, lake: Lake) -> dict[str, str]:
    """Return the fingerprint of every table that is computed from landed ones."""
    made = [name for name in lake.snapshot().tables if name.startswith("processed/")]
    return fingerprints({name: lake.snapshot().read(spark, name) for name in made})


def check_schedule(spark: SparkSession, steps: list[Step], *, compare: bool = True) -> None:
    """Run a schedule; check the lake against the model and, if asked, against a lake of clean runs by dates."""
    folder = Path(tempfile.mkdtemp(prefix="lives-"))
    try:
        lake = Lake(folder / "lake")
        batches = work(spark, lake, folder, steps)
        if not batches:
            return
        check_lake(lake, expect(batches))
        if compare:
            clean = Lake(folder / "clean")
            work(spark, clean, folder, [Step(day, batches[day]) for day in sorted(batches)])
            assert read_fingerprints(spark, lake) == read_fingerprints(spark, clean)
    finally:
        shutil.rmtree(folder)


def run_and_fingerprint(spark: SparkSession, seed: int, number: int) -> dict[str, str]:
    """Return the fingerprints of the tables that a schedule ends with."""
    with tempfile.TemporaryDirectory(prefix="lives-") as folder:
        lake = Lake(f"{folder}/lake")
        work(spark, lake, Path(folder), draw_schedule(random.Random(f"{seed}:{number}")))
        return read_fingerprints(spark, lake)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.lives.schedules", description="Check schedules of reports.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--number", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0, help="number of the first schedule")
    parser.add_argument("--most", type=int, default=MOST, help="number of reports in the largest batches")
    parser.add_argument("--engine", default="sail")
    parser.add_argument("--minutes", type=float, default=600.0)
    parser.add_argument("--words", action="store_true", help="print the fingerprints that the first schedule ends with")
    given = parser.parse_args()
    if given.words:
        print(json.dumps(run_and_fingerprint(session(given.engine), given.seed, given.first)))
        return
    spark, begin, failed, done = session(given.engine), time.monotonic(), 0, 0
    for number in range(given.first, given.first + given.number):
        if time.monotonic() - begin > 60 * given.minutes:
            break
        steps = draw_schedule(random.Random(f"{given.seed}:{number}"), given.most)
        done += 1
        try:
            # A clean run doubles the time, and the model knows all tables but the marts.
            check_schedule(spark, steps, compare=number % COMPARED == 0)
        except Exception as problem:
            failed += 1
            print(f"schedule {number} of seed {given.seed}: {type(problem).__name__} {str(problem)[:2000]}", flush=True)
    what = f"{done} schedules of seed {given.seed}, with up to {given.most} reports a batch, on {given.engine}"
    print(f"{what}: {failed} failed, {time.monotonic() - begin:.0f} s")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
