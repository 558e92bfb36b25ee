"""Hours: files with times give delays in minutes, and the network's tolerance decides what is on time."""

import io
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pyspark.sql import SparkSession

from shipment_etl.errors import MappingError
from shipment_etl.ingest.mapping import SourceMapping
from shipment_etl.ingest.readings import read_column
from shipment_etl.jobs.ingest import run_ingest
from shipment_etl.jobs.process import run_process
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.runs import RowCounts
from shipment_etl.network import Network
from tests.field.landing import BATCH_DATE, HEADER, land_files, line, mapping, rows, words

DAYS = {
    "promised_date": 'column = "Due", dates = ["yyyy-MM-dd HH:mm", "yyyy-MM-dd"]',
    "delivery_date": 'column = "In", dates = ["iso"], timezone = "Europe/Berlin"',
}
TIMES = {
    "promised_at": 'column = "Due", dates = ["yyyy-MM-dd HH:mm"], timezone = "Europe/Berlin", null_patterns = ["^.{10}$"]',
    "delivered_at": 'column = "In", dates = ["iso"], null_patterns = ["^.{10}$"]',
}
TOLERANT = replace(Network.open(), on_time_tolerance_minutes=30)
ROWS = (
    # Promised in Berlin time, arrived in UTC, an hour behind: carrier, promise, arrival, minutes late.
    ("Post", "2026-11-05 14:00", "2026-11-05T13:30:00Z", 30),
    ("Post", "2026-11-05 14:00", "2026-11-05T13:31:00Z", 31),
    ("Post", "2026-11-05 23:50", "2026-11-05T23:10:00Z", 20),
    ("Post", "2026-11-05 14:00", "2026-11-05T11:29:30Z", -91),
    # Only days, or only one of the times.
    ("Post", "2026-11-05", "2026-11-05", None),
    ("Post", "2026-11-05 14:00", "2026-11-06", None),
    ("Bahn", "2026-11-05", "2026-11-05T13:30:00Z", None),
)


def text() -> str:
    rows = enumerate(ROWS, 1)
    return "\n".join([HEADER, *(line(n, Carrier=by, Due=due, In=done) for n, (by, due, done, _) in rows), ""])


def process_file(
    spark: SparkSession, folder: Path, network: Network | None, content: str = "", day: date = BATCH_DATE
) -> Lake:
    lake, file = Lake(folder / "lake"), folder / "f.csv"
    file.write_text(content or text())
    using = mapping(**DAYS, **TIMES)
    run_ingest(lake, file, source="acme", mapping=using, date=day, if_exists="replace", spark=spark)
    run = run_process(lake, source="acme", date=day, network=network, spark=spark)
    assert run.counts.quarantined == 0
    return lake


def by_carrier(lake: Lake) -> dict[str, dict[str, Any]]:
    return {row["carrier"]: row for row in rows(lake, "carrier_performance")}


def test_times_give_minutes_and_the_tolerance_decides_what_is_on_time(spark: SparkSession, tmp_path: Path) -> None:
    lake = process_file(spark, tmp_path, TOLERANT)
    found = {row["shipment_id"]: row for row in rows(lake, "shipments")}
    assert [found[f"S{n}"]["delay_minutes"] for n in range(1, 8)] == [each[-1] for each in ROWS]
    assert [found[f"S{n}"]["delay_days"] for n in range(1, 8)] == [0, 0, 1, 0, 0, 1, 0]
    assert [found[f"S{n}"]["on_time"] for n in range(1, 8)] == [True, False, True, True, True, False, True]
    marts = by_carrier(lake)
    post, bahn = marts["Post"], marts["Bahn"]
    assert (post["with_delay"], post["on_time_shipments"], post["on_time_pct"]) == (6, 4, 100 * 4 / 6)
    assert (post["timed_shipments"], bahn["timed_shipments"]) == (4, 0)
    assert (bahn["on_time_pct"], bahn["avg_hours_vs_promise"]) == (100.0, None)
    # Computed by DuckDB, from the file itself.
    shipped = duckdb.connect().read_csv(io.StringIO(text()), all_varchar=True)
    (minutes,) = shipped.query(
        "shipped",
        "with told as (select Due::timestamp - interval 1 hour promised, rtrim(\"In\", 'Z')::timestamp arrived from shipped "
        'where length(Due) > 10 and length("In") > 10) select sum(floor(epoch(arrived - promised) / 60)) from told',
    ).fetchall()[0]
    assert minutes == 30 + 31 + 20 - 91
    assert post["avg_hours_vs_promise"] == minutes / (60 * 4)


@pytest.mark.parametrize("network", [None, Network.open()])
def test_without_a_tolerance_the_days_decide(spark: SparkSession, tmp_path: Path, network: Network | None) -> None:
    post = by_carrier(process_file(spark, tmp_path, network))["Post"]
    assert (post["on_time_shipments"], post["timed_shipments"], post["avg_hours_vs_promise"]) == (4, 4, -10 / (60 * 4))


def test_a_new_report_replaces_the_old_one_even_if_the_tolerance_has_changed(spark: SparkSession, tmp_path: Path) -> None:
    """S3 is reported again in a batch with another tolerance: nothing of the first report may be left."""
    for folder in ("again", "once"):
        (tmp_path / folder).mkdir()
    third = "\n".join([HEADER, line(3, Due="2026-11-05 23:50", In="2026-11-06T05:00:00Z", Cost="7"), ""])
    next_day = date(2026, 11, 10)
    strict = replace(TOLERANT, on_time_tolerance_minutes=0)
    process_file(spark, tmp_path / "again", TOLERANT)
    again = process_file(spark, tmp_path / "again", strict, third, next_day)
    others = "\n".join(each for each in text().splitlines() if not each.startswith("S3,")) + "\n"
    process_file(spark, tmp_path / "once", TOLERANT, others)
    once = process_file(spark, tmp_path / "once", strict, third, next_day)
    assert by_carrier(again) == by_carrier(once)
    assert by_carrier(again)["Post"]["on_time_shipments"] == 3
    assert [row for row in rows(again, "lane_months") if row["on_time_shipments"] < 0] == []


def test_running_again_leaves_the_same_tables(spark: SparkSession, tmp_path: Path) -> None:
    lake = process_file(spark, tmp_path, TOLERANT)
    before = words(lake, spark)
    run_process(lake, source="acme", network=TOLERANT, spark=spark)
    assert words(lake, spark) == before


def test_the_sql_of_a_column_with_a_zone_is_short(spark: SparkSession) -> None:
    # The offsets of a zone are long texts; with the point in time inlined between them, planning took 10 s.
    declared = mapping(**DAYS, **TIMES)
    for name in (*DAYS, *TIMES):
        assert len(read_column(name, declared.columns[name], declared).value) < 20_000, name


def test_a_file_with_only_days_has_no_minutes(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text(f"{HEADER}\n{line(1)}\n{line(2, In='2026-11-07')}\n")
    lake = Lake(tmp_path / "lake")
    run_ingest(lake, tmp_path / "f.csv", source="acme", mapping=mapping(), date=BATCH_DATE, spark=spark)
    run = run_process(lake, source="acme", network=TOLERANT, spark=spark)
    assert run.counts == RowCounts(read=2, accepted=2, quarantined=0, duplicates=0)
    assert [(row["delay_minutes"], row["promised_at"]) for row in rows(lake, "shipments")] == [(None, None)] * 2
    (post,) = by_carrier(lake).values()
    assert (post["on_time_shipments"], post["timed_shipments"], post["avg_hours_vs_promise"]) == (1, 0, None)


@pytest.mark.parametrize(
    ("more", "told", "meant"),
    [
        ('dates = ["yyyy-MM-dd HH:mm"], timezone = "Europe/Berlin"', "2026-11-05 14:00", 13),
        ('dates = ["yyyy-MM-dd HH:mm"], timezone = "Europe/Berlin"', "2026-07-05 14:00", 12),
        ('dates = ["yyyy-MM-dd HH:mmXXX"]', "2026-11-05 14:00+05:00", 9),
        ('timezone = "America/New_York"', "2026-11-05T14:00", 19),
        ('timezone = "America/New_York"', "2026-11-05T14:00Z", 14),
        ("", "2026-11-05T14:00+01:00", 13),
        ('dates = ["unix"]', "1793887200", 14),
        ('dates = ["excel"], timezone = "Europe/Berlin"', "46331.583333333336", 13),
        ('dates = ["M/d/yyyy h:mm a"], timezone = "UTC"', "11/5/2026 2:00 PM", 14),
    ],
)
def test_times_are_read_in_the_declared_zone(spark: SparkSession, tmp_path: Path, more: str, told: str, meant: int) -> None:
    column = 'column = "From"' + (f", {more}" if more else "")
    outcome = land_files(spark, tmp_path, {"f.csv": f"{HEADER}\n{line(From=told)}\n"}, mapping(promised_at=column))
    (row,) = outcome.rows
    assert row["unparsed"] == []
    found = row["promised_at"].astimezone(UTC)
    assert found == datetime(2026, found.month, 5, meant, tzinfo=UTC)


@pytest.mark.parametrize(
    ("more", "told", "said"),
    [
        ('timezone = "Europe/Berlin"', "2026-11-05", "is not a time of day like iso"),
        (
            "",
            "2026-11-05 14:00",
            "add its pattern to dates of promised_at in the mapping, and a timezone where it has no offset",
        ),
    ],
)
def test_a_value_without_a_time_of_day_is_put_aside(
    spark: SparkSession, tmp_path: Path, more: str, told: str, said: str
) -> None:
    column = 'column = "From"' + (f", {more}" if more else "")
    outcome = land_files(spark, tmp_path, {"f.csv": f"{HEADER}\n{line(From=told)}\n"}, mapping(promised_at=column))
    assert outcome.rules == [["timestamp"]]
    assert said in outcome.rows[0]["unparsed"][0]["message"]


@pytest.mark.parametrize(
    ("more", "top", "said"),
    [
        ('dates = ["yyyy-MM-dd"]', "", "promised_at has the date pattern 'yyyy-MM-dd', which has no time of day"),
        ('dates = ["yyyy-MM-dd HH:mm"]', "", "promised_at has the date pattern 'yyyy-MM-dd HH:mm', which has no offset"),
        ('dates = ["yyyy-MM-dd HH:mm"]', 'timezone = "written"', "Set one, such as timezone"),
        ('dates = ["excel"]', "", "promised_at has the date pattern 'excel', which has no offset"),
        (
            'dates = ["yyyy-MM-dd HH:mm"], timezone = "Mars"',
            "",
            "promised_at has timezone = 'Mars', which is not a time zone",
        ),
        ('dates = ["yyyy-MM-dd"]', 'timezone = "Mars"', ": the mapping has timezone = 'Mars', which is not a time zone"),
        ('dates = ["yyyy-MM-dd HH:mm"]', 'timezone = "UTC"', ""),
        ('dates = ["iso", "unix", "yyyy-MM-dd HH:mmXXX"]', "", ""),
    ],
)
def test_a_time_needs_an_hour_and_an_offset_or_a_zone(more: str, top: str, said: str) -> None:
    def declared() -> SourceMapping:
        return mapping(top, promised_at=f'column = "Due", {more}')

    if not said:
        assert declared().columns["promised_at"].column == "Due"
        return
    with pytest.raises(MappingError) as caught:
        declared()
    assert said in str(caught.value)
