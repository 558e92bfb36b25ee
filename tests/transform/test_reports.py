"""Reports: those on one shipment are ordered, checked with their definition in plain Python."""

import random
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from shipment_etl import hashing
from shipment_etl.transform.reports import moment, order_reports, repeated_ids, suspects
from tests.frames import CONTENT, DAY, SCHEMA, SOUND, Row, frame, numbered, rows_like, rows_of, types_of

BATCH = T.StructType([*SCHEMA, T.StructField("batch_date", T.DateType())])
NOON = datetime.combine(DAY, time(12))
MIDNIGHT = datetime.combine(DAY, time(), UTC).astimezone().replace(tzinfo=None)
"""The start of the day in UTC. Times without a zone are local times of this machine, as Spark uses them in Python."""

# Few ids, contents, moments and batches, so that most rows report on the shipment of another row, and many say the same.
reports = rows_like(
    st.fixed_dictionaries(
        {
            "shipment_id": st.sampled_from(("a", "b", "c", "A", "é")),
            "shipment_weight_kg": st.sampled_from((Decimal("1.000"), None)),
            "shipping_cost": st.sampled_from((Decimal("5.00"), Decimal("6.00"), None)),
            "reported_at": st.sampled_from(
                (None, None, *(NOON + timedelta(hours=hours) for hours in (-20, 0, 1)), MIDNIGHT)
            ),
            "batch_date": st.sampled_from((DAY, DAY, DAY + timedelta(days=1), None)),
        }
    ).map(lambda each: {**SOUND, **each}),
    most=40,
)


def content(row: Row) -> tuple:
    return tuple(row[name] for name in CONTENT)


def when(row: Row) -> datetime:
    """Return the moment of a report; reports without one come before all others."""
    if row["reported_at"] is not None:
        return row["reported_at"].astimezone(UTC)
    batch_date: date | None = row.get("batch_date")
    return datetime.min.replace(tzinfo=UTC) if batch_date is None else datetime.combine(batch_date, time(), UTC)


def ordered(rows: list[Row]) -> dict[int, tuple[int | None, bool]]:
    """Return source_row → (next_row, is_tied) of reports that are not duplicates: the definition, row by row."""
    by_id: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (when(row), row["source_row"])):
        chain = by_id[row["shipment_id"]]
        if not chain or content(chain[-1]) != content(row):
            chain.append(row)
    return {
        row["source_row"]: (None, False) if after is None else (after["source_row"], when(row) == when(after))
        for chain in by_id.values()
        for row, after in pairwise([*chain, None])
    }


def found(made: DataFrame) -> dict[int, tuple[int | None, bool]]:
    rows = order_reports(made).select("source_row", "next_row", "is_tied").collect()
    assert len({row["source_row"] for row in rows}) == len(rows)
    return {row["source_row"]: (row["next_row"], row["is_tied"]) for row in rows}


def of_costs(pattern: str, **more: object) -> list[Row]:
    """Return reports on one shipment whose costs differ as the letters of a pattern do; N is unknown."""
    return [{**SOUND, "shipping_cost": None if each == "N" else Decimal(ord(each)), **more} for each in pattern]


@given(rows=reports)
def test_each_report_is_overtaken_by_the_next_newer_one_and_duplicates_are_left_out(spark, rows):
    assert found(frame(spark, rows, BATCH)) == ordered(rows)


@given(rows=reports)
def test_reports_keep_their_columns(spark, rows):
    made = frame(spark, rows, BATCH)
    ordered = order_reports(made)
    assert types_of(ordered) == {**types_of(made), "next_row": "bigint", "is_tied": "boolean"}
    every = {row["source_row"]: row for row in rows}
    assert all({name: row[name] for name in BATCH.names} == every[row["source_row"]] for row in rows_of(ordered))


@settings(max_examples=8)
@given(rows=reports, order=st.randoms(use_true_random=False), partitions=st.integers(1, 7))
def test_neither_the_order_nor_the_partitions_matter(spark, rows, order: random.Random, partitions):
    shuffled = frame(spark, order.sample(rows, len(rows)), BATCH).repartition(partitions)
    assert found(shuffled) == ordered(rows)


@pytest.mark.parametrize(
    ("pattern", "kept"),
    [
        ("A", "+"),
        ("AA", "+-"),
        ("AAA", "+--"),
        ("AB", "++"),
        ("ABA", "+++"),
        ("ABBA", "++-+"),
        ("AABBAA", "+-+-+-"),
        ("ABAB", "++++"),
        ("NN", "+-"),
        ("NA", "++"),
        ("ANNA", "++-+"),
    ],
)
def test_a_duplicate_repeats_the_report_before_it_not_any_other(spark, pattern, kept):
    rows = numbered(of_costs(pattern))
    assert "".join("+" if row["source_row"] in found(frame(spark, rows, BATCH)) else "-" for row in rows) == kept


def test_a_difference_in_any_column_is_another_report(spark):
    others = {
        "shipment_weight_kg": Decimal("12.501"),
        "shipment_volume_m3": None,
        "shipment_date": SOUND["shipment_date"].replace(day=22),
        "promised_date": SOUND["promised_date"].replace(day=25),
        "delivery_date": SOUND["delivery_date"].replace(day=28),
        "delay_days": None,
        "delivery_status": None,
        "outcome": None,
        "route_distance_km": Decimal("1144.301"),
        "shipping_cost": Decimal("36.13"),
        "reported_at": NOON,
        "promised_at": NOON,
        "delivered_at": NOON,
        **dict.fromkeys(("origin_warehouse", "destination_city", "carrier"), "elsewhere"),
    }
    assert sorted(("shipment_id", *others)) == sorted(CONTENT)
    pairs = [
        {**SOUND, "batch_date": DAY, "shipment_id": name, **change}
        for name, other in others.items()
        for change in ({}, {name: other})
    ]
    assert found(frame(spark, numbered(pairs), BATCH)) == {
        row: (row + 1, name != "reported_at") if row % 2 else (None, False)
        for number, name in enumerate(others)
        for row in (2 * number + 1, 2 * number + 2)
    }


def test_a_newer_reported_at_beats_a_later_row(spark):
    hours = [2, 0, 1, 1]
    rows = numbered(
        {**row, "reported_at": NOON + timedelta(hours=each)} for row, each in zip(of_costs("ABCD"), hours, strict=True)
    )
    assert found(frame(spark, rows, BATCH)) == {2: (3, False), 3: (4, True), 4: (1, False), 1: (None, False)}


def test_a_report_without_reported_at_counts_as_of_the_start_of_its_batch_date(spark):
    moments = [MIDNIGHT + timedelta(seconds=1), MIDNIGHT, None, MIDNIGHT - timedelta(seconds=1)]
    rows = numbered(
        {**row, "reported_at": each, "batch_date": DAY} for row, each in zip(of_costs("ABCD"), moments, strict=True)
    )
    made = frame(spark, rows, BATCH)
    assert found(made) == {4: (2, False), 2: (3, True), 3: (1, False), 1: (None, False)}
    micros = int(MIDNIGHT.timestamp()) * 1_000_000
    told = [row["moment"] - micros for row in made.withColumn("moment", moment()).orderBy("source_row").collect()]
    assert told == [1_000_000, 0, 0, -1_000_000]


def test_reports_without_any_moment_are_ordered_only_by_row(spark):
    rows = numbered(of_costs("AABA"))
    assert found(frame(spark, rows, BATCH)) == {1: (3, True), 3: (4, True), 4: (None, False)}


def test_reports_without_optional_columns_are_ordered_as_well(spark):
    made = frame(spark, numbered(of_costs("ABB", batch_date=DAY)), BATCH).drop("outcome", "reported_at")
    assert order_reports(made).columns == [*made.columns, "next_row", "is_tied"]
    assert found(made) == {1: (2, True), 2: (None, False)}


def test_no_reports_give_no_rows(spark):
    assert found(frame(spark, [], BATCH)) == {}


@given(rows=reports)
def test_rows_whose_id_occurs_once_are_not_suspects(spark, rows):
    made = frame(spark, rows, BATCH)
    count = defaultdict(int)
    for row in rows:
        count[row["shipment_id"]] += 1
    assert rows_of(suspects(made, repeated_ids(made))) == [row for row in rows if count[row["shipment_id"]] > 1]


@given(rows=reports)
def test_wrong_candidates_change_no_order(spark, rows):
    made = frame(spark, rows, BATCH)
    every = made.select(F.xxhash64("shipment_id").alias("id_hash")).distinct()
    strangers = spark.createDataFrame([(0,), (42,), (-1,)], "id_hash long")
    assert found(suspects(made, every.union(strangers))) == ordered(rows)


@given(rows=reports)
def test_ids_that_share_a_hash_by_chance_are_separated(spark, rows):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashing.F, "xxhash64", lambda *_: F.lit(7).cast("long"))
        made = frame(spark, rows, BATCH)
        candidates = suspects(made, repeated_ids(made))
        assert len(rows_of(candidates)) == (len(rows) if len(rows) > 1 else 0)
        if len(rows) > 1:
            assert found(candidates) == ordered(rows)


def test_repeated_ids_are_the_hashes_of_ids_that_occur_more_than_once(spark):
    made = frame(spark, numbered({**SOUND, "shipment_id": name} for name in ("a", "b", "a", "c", "c", "c")))
    expected = made.where(F.col("shipment_id").isin("a", "c")).select(F.xxhash64("shipment_id").alias("id_hash")).distinct()
    assert sorted(repeated_ids(made).collect()) == sorted(expected.collect())
