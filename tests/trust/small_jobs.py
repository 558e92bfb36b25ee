"""Small jobs: the real lock, recovery, commits, log and roll-back, around rows so few that no engine is needed.

A schedule of real jobs takes many seconds, nearly all of them in the engine, which changes no table. So here a batch is a
list of numbers, written by pyarrow; lane_days has their sum, and the mart one row for each batch. The mart is updated as
real marts are: from itself and the batch if the log confirms its key, else from the whole of lane_days.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import Schema
from pyspark.sql.types import StructType

from shipment_etl import plugins as plugins_module
from shipment_etl.errors import BatchMissing
from shipment_etl.jobs import maintain as maintain_module
from shipment_etl.jobs.rollback import run_rollback
from shipment_etl.jobs.work import Work, run_job
from shipment_etl.lake.commits import describe_file
from shipment_etl.lake.lake import RUN_FOLDER, Lake, Written
from shipment_etl.lake.runs import RowCounts
from shipment_etl.lake.snapshot import Snapshot
from shipment_etl.lake.tables import BATCH, LANE_DAYS, SHIPMENTS, Table
from shipment_etl.plugins import plugins

__all__ = ["SOURCES", "SmallJobs"]

SOURCES = ("shipments", "acme")
KEYED = {"source": "string", "batch_date": "date", "value": "bigint"}
MART = Table("processed/route_efficiency", KEYED)
MARTS_KEY = "small"

Batch = tuple[str, date]
Values = Sequence[int]


class Engine:
    """What jobs need from a session that runs no query."""

    version = "none"
    sparkContext = SimpleNamespace(_jsc=None)  # noqa: N815 - PySpark's name


ENGINE: Any = Engine()


class SmallJobs:
    """Jobs on batches of numbers."""

    steps_per_schedule = 8

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Replace the parts of real jobs that need an engine."""
        with pytest.MonkeyPatch.context() as patch:
            # Searching for installed plugins takes longer than a small job.
            patch.setattr(plugins_module, "entry_points", lambda **_: [])
            patch.setattr(Lake, "read", lambda lake, spark, name, version=None: lake.dataset(name, version).to_table())
            patch.setattr(maintain_module, "_rows_in", lambda rows, parts: rows)
            patch.setattr(maintain_module, "fingerprint", lambda rows: repr(sorted(map(repr, rows.to_pylist()))))
            yield

    def values(self, number: int) -> Values:
        """Return the content of the nth batch that is landed."""
        return [number * 10 + at for at in range(1 + number % 3)]

    def land(self, lake: Lake, batch: Batch, values: Values, listener: object) -> Any:
        with _run_job(lake, "generate", batch, listener) as work:
            _replace_batch(work, _table(f"raw/{batch[0]}"), values)
            return work.finish(RowCounts(len(values), len(values)))

    def process(self, lake: Lake, batch: Batch, listener: object) -> Any:
        with _run_job(lake, "process", batch, listener) as work:
            values = _read_batch(work, f"raw/{batch[0]}")
            if not values:
                raise BatchMissing(batch[0], batch[1], ())
            _replace_batch(work, _table(SHIPMENTS.name), values)
            _replace_batch(work, _table(LANE_DAYS.name), [sum(values)])
            _update_mart(work, batch, sum(values))
            return work.finish(RowCounts(len(values), len(values)))

    def maintain(self, lake: Lake, hours: int, listener: object) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(maintain_module, "MIN_HOURS", hours)
            return maintain_module.run_maintain(lake, retention_days=0, spark=ENGINE, listeners=[listener])

    def roll_back(self, lake: Lake, run_id: str, listener: object) -> Any:
        return run_rollback(lake, run_id, spark=ENGINE, listeners=[listener])

    def check(self, snapshot: Snapshot, raw: Mapping[Batch, Values], processed: Mapping[Batch, Values]) -> None:
        """Check that a snapshot holds these batches, each once, and marts of all of them."""
        sources = {source for source, _ in raw}
        # A rollback of the run that made a table leaves it without rows.
        found = {name: content for name in snapshot.tables if (content := _content(snapshot, name))}
        sums = {batch: [sum(values)] for batch, values in processed.items()}
        expected = {f"raw/{source}": {key: raw[key] for key in raw if key[0] == source} for source in sources}
        if processed:
            expected |= {SHIPMENTS.name: processed, LANE_DAYS.name: sums, MART.name: sums}
        assert found == {name: {key: sorted(values) for key, values in each.items()} for name, each in expected.items()}


def _table(name: str) -> Table:
    return Table(name, KEYED, BATCH)


@contextmanager
def _run_job(lake: Lake, job: str, batch: Batch, listener: object) -> Iterator[Work]:
    source, day = batch
    with run_job(ENGINE, lake, job=job, source=source, batch_date=day, settings={}, plugins=plugins([listener])) as work:
        yield work


def _replace_batch(work: Work, table: Table, values: Values) -> None:
    # A file for each number, so that there is something to compact.
    files = [_write(work, table, str(at), {"value": [value]}, work.batch) for at, value in enumerate(values)]
    work.put_batch(table, _make_written(files))


def _update_mart(work: Work, batch: Batch, total: int) -> None:
    known = work.files(MART.name)
    if known and work.base.marts_key == MARTS_KEY:
        rows = [row for each in known for row in work.lake.content(MART.name, each.path).to_pylist()]
        rows = [row for row in rows if (row["source"], row["batch_date"]) != batch]
        rows.append({"source": batch[0], "batch_date": batch[1], "value": total})
    else:
        rows = [
            {"source": each.partition["source"], "batch_date": _day(each.partition["batch_date"]), **row}
            for each in work.files(LANE_DAYS.name)
            for row in work.lake.content(LANE_DAYS.name, each.path).to_pylist()
        ]
    columns = {name: [row[name] for row in rows] for name in KEYED}
    work.put(MART, _make_written([_write(work, MART, "all", columns, {})]), known)
    work.marts_key = MARTS_KEY


def _write(work: Work, table: Table, name: str, columns: Mapping[str, list[Any]], partition: Mapping[str, str]) -> Any:
    path = f"{RUN_FOLDER}{work.start.run_id}/{name}.parquet"
    with work.lake.storage.create_file(f"{table.name}/{path}") as place:
        pq.write_table(pa.table(columns), place)
        size = place.stat().st_size
    return describe_file(work.lake.storage, table, path, size, partition)


def _make_written(files: Sequence[Any]) -> Written:
    arrow = pa.schema([("source", pa.string()), ("batch_date", pa.date32()), ("value", pa.int64())])
    return Written(tuple(files), StructType(), Schema.from_arrow(arrow))


def _read_batch(work: Work, name: str) -> Values:
    return [row["value"] for each in work.files_of_batch(name) for row in work.lake.content(name, each.path).to_pylist()]


def _content(snapshot: Snapshot, name: str) -> dict[Batch, list[int]]:
    found: dict[Batch, list[int]] = {}
    for row in snapshot.dataset(name).to_table().to_pylist():
        found.setdefault((row["source"], row["batch_date"]), []).append(row["value"])
    return {key: sorted(values) for key, values in found.items()}


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)
