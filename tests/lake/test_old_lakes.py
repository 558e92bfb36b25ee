"""A lake that an earlier release wrote: jobs work on top of it, and change the layout of its tables if needed."""

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from shipment_etl.ingest.mapping import SourceMapping
from shipment_etl.jobs.generate import run_generate
from shipment_etl.jobs.ingest import run_ingest
from shipment_etl.jobs.learn import learn
from shipment_etl.jobs.process import run_process
from shipment_etl.lake.fingerprint import fingerprint
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.snapshot import recover, restore
from shipment_etl.lake.tables import KNOWN_IDS, LANE_DAYS, OVERTAKEN, QUARANTINE, RUNS, SHIPMENTS, Table

BEFORE_ONE_PASS = Path(__file__).parent / "old" / "lake-before-one-pass.tar.gz"
"""Two batches of 60 generated rows, of which a tenth have defects; lane_days has a file for each batch and month."""
BEFORE_REPORTS = BEFORE_ONE_PASS.with_name("lake-before-reports.tar.gz")
"""Three batches of eight reports on five shipments, each of which counted as a separate shipment."""
REPORT_DAYS = ("2026-11-04", "2026-11-05", "2026-11-06")
DAYS = ("2026-11-28", "2026-12-01")
NEXT = "2026-12-02"


@pytest.fixture
def old(tmp_path: Path) -> Lake:
    return unpack(BEFORE_ONE_PASS, tmp_path)


def unpack(archive: Path, folder: Path) -> Lake:
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    return Lake(folder / "lake")


def read_fingerprints(spark: SparkSession, lake: Lake) -> dict[str, str]:
    snapshot = lake.snapshot()
    return {name: fingerprint(snapshot.read(spark, name)) for name in snapshot.tables if name != RUNS.name}


def test_jobs_on_top_of_it_end_as_in_a_new_lake(spark: SparkSession, old: Lake, tmp_path: Path) -> None:
    new = Lake(tmp_path / "new")
    for day in DAYS:
        run_generate(new, date=day, rows=60, defects=0.1, spark=spark)
        run_process(new, date=day, max_rejected=1, spark=spark)
    for lake in (old, new):
        run_generate(lake, date=NEXT, rows=60, defects=0.1, spark=spark)
        run_process(lake, date=NEXT, max_rejected=1, spark=spark)
        run_process(lake, date=DAYS[0], max_rejected=1, spark=spark)
    # A batch that was not processed since is as it was: its shipments lack what only this release has, and those that
    # have the id of another one are in the quarantine. All others are up to date.
    others = f"batch_date <> date'{DAYS[1]}'"
    for table in (SHIPMENTS, OVERTAKEN, QUARANTINE, KNOWN_IDS, LANE_DAYS):
        found, expected = (fingerprint(lake.read(spark, table.name).where(others)) for lake in (old, new))
        assert found == expected, table.name
    unknown = old.read(spark, SHIPMENTS.name).where("outcome is null").select("batch_date").distinct().collect()
    assert [row.batch_date.isoformat() for row in unknown] == [DAYS[1]]
    run_process(old, date=DAYS[1], max_rejected=1, spark=spark)
    assert read_fingerprints(spark, old) == read_fingerprints(spark, new)
    assert old.partitions(LANE_DAYS.name) == ["month"]
    for table in (SHIPMENTS, KNOWN_IDS, LANE_DAYS, RUNS):
        assert old.delta(table.name).metadata().configuration.keys() >= table.properties.keys(), table.name
    assert len(old.files(LANE_DAYS.name)) == len(new.files(LANE_DAYS.name))


@pytest.mark.slow
@pytest.mark.parametrize("first", REPORT_DAYS)
def test_the_first_job_on_a_source_orders_the_reports_of_all_its_batches(
    spark: SparkSession, tmp_path: Path, first: str
) -> None:
    old, new = unpack(BEFORE_REPORTS, tmp_path), Lake(tmp_path / "new")
    assert old.read(spark, SHIPMENTS.name).count() == 8
    for day in REPORT_DAYS:
        land_again(spark, old, new, day, tmp_path)
        run_process(new, date=day, source="acme", spark=spark)
    assert run_process(old, date=first, source="acme", spark=spark).counts.read > 0
    assert read_places(old, SHIPMENTS) == read_places(new, SHIPMENTS) != []
    assert read_places(old, OVERTAKEN) == read_places(new, OVERTAKEN) != []
    found, expected = read_fingerprints(spark, old), read_fingerprints(spark, new)
    # Rows of the earlier release lack what only this one has.
    for table in (SHIPMENTS, OVERTAKEN):
        found.pop(table.name), expected.pop(table.name)
    assert found == expected
    for day in REPORT_DAYS:
        run_process(old, date=day, source="acme", spark=spark)
    assert read_fingerprints(spark, old) == read_fingerprints(spark, new)


def land_again(spark: SparkSession, old: Lake, new: Lake, day: str, folder: Path) -> None:
    """Land the records of a batch of one lake in another one."""
    rows = old.read(spark, "raw/acme").where(f"batch_date = date'{day}'").orderBy("source_row").collect()
    records = [json.loads(row["record"]) for row in rows]
    lines = [records[0].keys(), *(record.values() for record in records)]
    file = folder / rows[0]["source_file"]
    file.write_text("".join(",".join(line) + "\n" for line in lines))
    run_ingest(
        new, file, source="acme", mapping=SourceMapping.from_text(rows[0]["mapping"], "m.toml"), date=day, spark=spark
    )


def read_places(lake: Lake, table: Table) -> list[tuple[Any, ...]]:
    """Return where the reports of a table are, and what has overtaken them."""
    known = ("shipment_id", "batch_date", "source_row", "overtaken_by_batch", "overtaken_by_row")
    columns = [name for name in known if name in table.columns]
    rows = lake.snapshot().dataset(table.name).to_table(columns).to_pylist()
    return sorted(tuple(row.values()) for row in rows)


def test_a_table_whose_layout_a_dead_run_changed_is_restored(spark: SparkSession, old: Lake) -> None:
    before, counted = read_fingerprints(spark, old), old.snapshot().tables[LANE_DAYS.name]
    run_generate(old, date=NEXT, rows=60, spark=spark)
    run_process(old, date=NEXT, spark=spark)
    assert old.version(LANE_DAYS.name) == counted + 2, "emptied, then written"
    # What the rollback of a run does.
    restore(old, LANE_DAYS.name, counted, "next")
    assert set(old.partitions(LANE_DAYS.name)) == {"source", "batch_date", "month"}
    assert fingerprint(old.read(spark, LANE_DAYS.name)) == before[LANE_DAYS.name]
    assert recover(old, "another")


@pytest.mark.parametrize("archive", [BEFORE_ONE_PASS, BEFORE_REPORTS], ids=["before one pass", "before reports"])
def test_a_twin_is_learnt_from_it(archive: Path, tmp_path: Path) -> None:
    lake = unpack(archive, tmp_path)
    rows = lake.snapshot().dataset(LANE_DAYS.name).to_table()
    (source,) = set(rows["source"].to_pylist())
    twin = learn(lake, source, min_shipments=2, names=True)
    assert {each.name for each in twin.network.carriers} <= set(rows["carrier"].to_pylist())
    assert twin.network.carriers
