"""The cost of a day on top of a year of history, without and with reports on shipments of the 90 days before.

    python -m benchmarks.lives --rows 10000 --days 365

The history is laid out as the library would write it: a fifth of each batch was in transit at first, and was delivered on
one of the 90 days after. Ids are random, so that a range of ids does not reveal the batch.
"""

import argparse
import shutil
import statistics
import tempfile
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import Schema, write_deltalake
from pyspark.sql import DataFrame, SparkSession

from shipment_etl.generator.shipments import generate
from shipment_etl.jobs.batch import IN_TRANSIT
from shipment_etl.jobs.process import run_process
from shipment_etl.lake.commits import DataFile
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.runs import Run
from shipment_etl.lake.tables import LANE_DAYS, SHIPMENTS
from shipment_etl.sessions import session
from shipment_etl.transform.clean import with_derived
from shipment_etl.transform.lane_days import lane_days

SOURCE, FIRST, OPEN_DAYS, SHARE = "acme", date(2025, 1, 1), 90, 0.2
OPEN = ("delivery_date", "delay_days", "outcome", "transit_days", "delay_class")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lives", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--engine", default="sail")
    parser.add_argument("--corrected", action="store_true", help="reports are on delivered shipments instead")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="lives-"))
    try:
        _measure(session(given.engine), Lake(folder / "lake"), given)
    finally:
        shutil.rmtree(folder)


def _measure(spark: SparkSession, lake: Lake, given: argparse.Namespace) -> None:
    draw = np.random.default_rng(7)
    template = _content(with_derived(_shipments(spark, given.rows)))
    history = _History(lake, template, draw)
    for day in range(given.days):
        history.add(FIRST + timedelta(days=day), age=given.days - day)
    rolled = _content(lane_days(_shipments(spark, given.rows).transform(with_derived)))
    history.commit(rolled)
    now = FIRST + timedelta(days=given.days)
    _process(lake, spark, now, history.new(now, given.rows))  # The ids of the history become known, and marts are made.
    found: dict[str, list[Run]] = {"new": [], "with reports": []}
    for turn in range(given.repeat):
        for place, what in enumerate(found):
            day = now + timedelta(days=1 + 2 * turn + place)
            told = round(SHARE * given.rows) if what == "with reports" else 0
            rows = [history.new(day, given.rows - told), history.reports(day, told, delivered=not given.corrected)]
            found[what].append(_process(lake, spark, day, pa.concat_tables(rows)))
    for what, runs in found.items():
        seconds = [run.total_seconds for run in runs]
        asked = [run.seconds["reports"] for run in runs]
        print(
            f"{what}: {statistics.median(seconds):.2f} s (least {min(seconds):.2f}), of it reports {statistics.median(asked):.2f} s;"
            f" overtook {runs[-1].overtook:,}; stages {runs[-1].seconds}"
        )
    plain, more = (statistics.median(run.total_seconds for run in runs) for runs in found.values())
    question = statistics.median(
        run.seconds["reports"] / (run.total_seconds - run.seconds["reports"]) for run in found["new"]
    )
    print(f"{given.rows:,} rows a day, {given.days} days: the question costs {question:.1%}, reports {more / plain:.2f} ×")


def _shipments(spark: SparkSession, rows: int) -> DataFrame:
    return generate(spark, date=FIRST, rows=rows, seed=7)


def _content(frame: DataFrame) -> pa.Table:
    with tempfile.TemporaryDirectory() as folder:
        frame.write.mode("overwrite").parquet(folder)
        return pq.read_table(folder)


class _History:
    """Batches as stored in a lake, and the ids that later ones report on."""

    def __init__(self, lake: Lake, template: pa.Table, draw: np.random.Generator) -> None:
        self._lake, self._template, self._draw = lake, template, draw
        self._parts: list[pa.Table] = []
        self.open: list[pa.Table] = []
        self.ended: list[pa.Table] = []
        self._days: list[date] = []
        self._files: list[DataFile] = []

    def new(self, day: date, rows: int) -> pa.Table:
        """Return shipments that are reported for the first time, as they land."""
        return self._dated(self._template.slice(0, rows), day)

    def add(self, day: date, age: int) -> None:
        """Add a batch that is a number of days old."""
        rows = self.new(day, self._template.num_rows)
        count = round(SHARE * rows.num_rows * max(0, 1 - age / OPEN_DAYS))
        still = _opened(rows.slice(0, count))
        ended = rows.slice(count)
        for name, part in (("open", still), ("ended", ended)):
            if part.num_rows:
                self._write(part, day, f"source={IN_TRANSIT}" if name == "open" else f"source={SOURCE}")
                if age <= OPEN_DAYS:
                    getattr(self, name).append(part)
        self._days.append(day)

    def reports(self, day: date, count: int, *, delivered: bool) -> pa.Table:
        """Return reports on shipments of the 90 days before: that they were delivered, or cost more."""
        known = pa.concat_tables(self.open if delivered else self.ended)
        picked = pa.array(self._draw.permutation(known.num_rows))
        told, kept = known.take(picked.slice(0, count)), known.take(picked.slice(count))
        if delivered:
            self.open = [kept]
            ended = {
                "delivery_date": told["promised_date"],
                "delay_days": 0,
                "outcome": "delivered",
                "delivery_status": "Delivered",
            }
            for name, value in ended.items():
                column = (
                    pa.repeat(pa.scalar(value, told.schema.field(name).type), told.num_rows)
                    if not isinstance(value, pa.ChunkedArray)
                    else value
                )
                told = told.set_column(told.column_names.index(name), name, column)
        else:
            self.ended = [kept]
            dearer = pc.add(told["shipping_cost"], pa.scalar(1)).cast(told["shipping_cost"].type)
            told = told.set_column(told.column_names.index("shipping_cost"), "shipping_cost", dearer)
        rows = told.set_column(told.column_names.index("batch_date"), "batch_date", pa.repeat(pa.scalar(day), told.num_rows))
        start = self._template.num_rows
        return rows.set_column(
            rows.column_names.index("source_row"),
            "source_row",
            pa.array(range(start + 1, start + 1 + rows.num_rows), pa.int64()),
        )

    def commit(self, rolled: pa.Table) -> None:
        """Commit the shipments of the history, and compute its roll-up."""
        self._lake.commit(SHIPMENTS, self._schema, version=None, add=self._files, remove=[], run="")
        days = [
            rolled.set_column(
                rolled.column_names.index("shipment_date"), "shipment_date", pa.repeat(pa.scalar(day), rolled.num_rows)
            )
            for day in self._days
        ]
        every = [
            part.append_column("batch_date", part["shipment_date"]).append_column("source", pa.repeat(SOURCE, part.num_rows))
            for part in (
                each.drop_columns([name for name in ("source", "batch_date") if name in each.column_names]) for each in days
            )
        ]
        whole = pa.concat_tables(every)
        whole = whole.append_column("month", pc.strftime(whole["shipment_date"], "%Y-%m")).select(list(LANE_DAYS.columns))
        write_deltalake(self._lake.location(LANE_DAYS.name), whole, partition_by=["month"])

    def _write(self, rows: pa.Table, day: date, folder: str) -> None:
        """Write a file as a run does; all are committed at the end."""
        schema, partition = Schema.from_arrow(rows.schema), {"source": SOURCE, "batch_date": day.isoformat()}
        path = f"run-history/{folder}/{day}.parquet"
        self._files.append(
            self._lake.write_table(SHIPMENTS, [rows.select(list(SHIPMENTS.columns))], schema, path, partition)
        )
        self._schema = schema

    def _dated(self, rows: pa.Table, day: date) -> pa.Table:
        ids = [f"{number:016x}" for number in self._draw.integers(0, 1 << 62, rows.num_rows)]
        moved = (day - FIRST).days
        columns = {
            "shipment_id": pa.array(ids),
            "source": pa.repeat(SOURCE, rows.num_rows),
            "batch_date": pa.repeat(pa.scalar(day), rows.num_rows),
            "source_file": pa.repeat("f", rows.num_rows),
            "source_row": pa.array(range(1, rows.num_rows + 1), pa.int64()),
            "reported_at": pa.nulls(rows.num_rows, pa.timestamp("us", "UTC")),
        }
        for name in ("shipment_date", "promised_date", "delivery_date"):
            columns[name] = pc.add(rows[name].cast(pa.int32()), pa.scalar(moved, pa.int32())).cast(pa.date32())
        kept = {name: rows[name] for name in rows.column_names if name not in columns}
        whole = {**kept, **columns}
        return pa.table({name: whole[name] for name in SHIPMENTS.columns})


def _opened(rows: pa.Table) -> pa.Table:
    for name in OPEN:
        kind = rows.schema.field(name).type
        rows = rows.set_column(rows.column_names.index(name), name, pa.nulls(rows.num_rows, kind))
    return rows.set_column(
        rows.column_names.index("delivery_status"), "delivery_status", pa.repeat("In transit", rows.num_rows)
    )


def _process(lake: Lake, spark: SparkSession, day: date, rows: pa.Table) -> Run:
    told = [
        name
        for name in SHIPMENTS.columns
        if name not in ("transit_days", "delay_class", "chargeable_weight_kg", "cost_per_kg", "cost_per_km")
    ]
    write_deltalake(lake.location(f"raw/{SOURCE}"), rows.select(told), partition_by=["source", "batch_date"], mode="append")
    return run_process(lake, date=day, source=SOURCE, spark=spark)


if __name__ == "__main__":
    main()
