"""defects: as many as requested, each as its name says; the contract finds all wrong rows, and clean all overtaken ones."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from pyspark.sql import functions as F

from shipment_etl.contracts.split import split
from shipment_etl.generator.defects import ACCEPTED, COPIES, DEFECTS
from shipment_etl.generator.shipments import generate
from shipment_etl.transform.clean import clean
from tests.frames import DAY, rows_of, settled

CONTENT = (
    *("shipment_id", "origin_warehouse", "destination_city", "carrier", "shipment_weight_kg", "shipment_volume_m3"),
    *("shipment_date", "promised_date", "delivery_date", "delay_days", "delivery_status", "route_distance_km"),
    *("shipping_cost", "batch_date", "source_file"),
)
RULE = {
    "null_value": {"required"},
    "negative_weight": {"greater_than"},
    "unknown_carrier": {"isin"},
    "delivered_before_shipped": {"delivered_after_shipped"},
    "impossible_distance": {"less_than_or_equal_to"},
}

# (rows, defects): from a single row to many, and from no valid row to nearly all valid.
BATCHES = ((1, 1.0), (2, 1.0), (3, 0.7), (7, 0.5), (40, 1.0), (60, 0.9), (400, 0.5), (800, 0.3), (1500, 0.02))


@pytest.fixture(scope="module")
def batches(spark):
    """Batches of several sizes and shares as one frame, each with its own date, with the columns of TRUTH."""
    frame = None
    for number, (rows, defects) in enumerate(BATCHES):
        made = generate(spark, date=DAY + timedelta(days=number), rows=rows, seed=5, defects=defects, truth=True)
        made = settled(spark, made.withColumn("source_row", F.col("source_row") + number * 10_000))
        frame = made if frame is None else frame.unionByName(made)
    return settled(spark, frame)


@pytest.fixture(scope="module")
def truth(batches):
    return {row["source_row"]: row["defect"] for row in rows_of(batches)}


@pytest.fixture(scope="module")
def halves(spark, batches):
    good, bad = split(batches)
    return settled(spark, good), settled(spark, bad)


@pytest.mark.parametrize("share", [0.01, 0.05, 0.4])
def test_there_are_about_as_many_defects_as_requested(spark, share):
    rows = 20_000
    made = generate(spark, date=DAY, rows=rows, seed=3, defects=share, truth=True)
    counts = {row.defect: row.rows for row in made.groupBy("defect").agg(F.count(F.lit(1)).alias("rows")).collect()}
    assert set(counts) == {None, *DEFECTS}
    assert abs(1 - counts[None] / rows - share) < 4 * (share * (1 - share) / rows) ** 0.5
    # A copy needs a valid row before it; if there is none, the carrier is unknown instead.
    expected = dict.fromkeys(DEFECTS, rows * share / 8)
    for copy in COPIES:
        expected[copy] -= rows * share**2 / 8
        expected["unknown_carrier"] += rows * share**2 / 8
    for defect in DEFECTS:
        assert abs(counts[defect] - expected[defect]) < 5 * expected[defect] ** 0.5


@pytest.mark.parametrize("rows", [1, 2, 50])
def test_all_rows_can_be_wrong(spark, rows):
    made = rows_of(generate(spark, date=DAY, rows=rows, seed=5, defects=1.0, truth=True))
    assert {row["defect"] for row in made} <= {*DEFECTS} - {*COPIES}


def test_no_row_is_wrong_with_a_tiny_share(spark):
    tiny = generate(spark, date=DAY, rows=500, seed=5, defects=1e-12, truth=True)
    assert rows_of(tiny) == rows_of(generate(spark, date=DAY, rows=500, seed=5, truth=True))


def test_a_copy_repeats_the_valid_shipment_before_it(batches):
    rows = {row["source_row"]: row for row in rows_of(batches)}
    copies = [row for row in rows.values() if row["defect"] in COPIES]
    assert {row["defect"] for row in copies} == {*COPIES}
    for copy in copies:
        original = rows[copy["source_row"] - 1]
        assert original["defect"] is None
        dearer = 10 if copy["defect"] == "correction" else 0
        expected = {**original, "shipping_cost": original["shipping_cost"] + Decimal(dearer)}
        assert [copy[name] for name in CONTENT] == [expected[name] for name in CONTENT]


def test_only_late_arrivals_were_shipped_before_their_batch(batches):
    rows = rows_of(batches)
    late = Counter((row["batch_date"] - row["shipment_date"]).days for row in rows if row["defect"] == "late_arrival")
    assert sorted(late) == [1, 2, 3, 4, 5, 6]
    assert {row["batch_date"] - row["shipment_date"] for row in rows if row["defect"] != "late_arrival"} == {timedelta(0)}


def test_dates_of_valid_rows_and_late_arrivals_fit_the_calendar(batches):
    for row in rows_of(batches):
        if row["defect"] in (None, *ACCEPTED):
            assert row["promised_date"].weekday() <= 4
            assert row["delivery_date"].weekday() <= 5
            assert row["delivery_date"] > row["shipment_date"]


def test_the_contract_finds_every_wrong_row_and_no_other(truth, halves):
    good, bad = ({row["source_row"] for row in rows_of(half)} for half in halves)
    wrong = {number for number, defect in truth.items() if defect in RULE}
    assert bad == wrong
    assert good == truth.keys() - wrong


def test_the_reason_matches_the_defect_of_the_row(truth, halves):
    _, bad = halves
    found = {row["source_row"]: {reason.rule for reason in row["reasons"]} for row in rows_of(bad)}
    assert set(RULE) == {truth[number] for number in found}
    assert found == {number: RULE[truth[number]] for number in found}


def test_clean_drops_exact_duplicates_and_replaces_shipments_by_their_corrections(truth, halves):
    good, _ = halves
    assert {truth[row["source_row"]] for row in rows_of(good)} == {None, *COPIES, *ACCEPTED}
    kept = [row["source_row"] for row in rows_of(clean(good))]
    corrected = {number - 1 for number, defect in truth.items() if defect == "correction"}
    assert kept == sorted(
        number for number, defect in truth.items() if defect in (None, *ACCEPTED) and number not in corrected
    )


def test_a_wrong_row_is_kept_unchanged(batches, halves):
    _, bad = halves
    generated = {row["source_row"]: row for row in rows_of(batches)}
    for row in rows_of(bad):
        assert {name: row[name] for name in row if name != "reasons"} == generated[row["source_row"]]
