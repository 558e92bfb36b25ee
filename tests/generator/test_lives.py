"""lives: shipments that are reported twice; the newest reports match a batch without lives."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest

from shipment_etl.contracts.split import split
from shipment_etl.errors import InvalidValue
from shipment_etl.generator.lives import MAX_REPORT_DAYS
from shipment_etl.generator.scenarios import SCENARIOS
from shipment_etl.generator.shipments import generate
from tests.frames import rows_of

FIRST = date(2026, 11, 2)
DAYS = [FIRST + timedelta(days=number) for number in range(MAX_REPORT_DAYS + 2)]
LIVES = {"delivered": 300, "corrected": 100, "cancelled": 50, "returned": 40, "lost": 20}
LIVELY = replace(SCENARIOS["baseline"], lives=LIVES)
GIVEN = {"rows": 1100, "seed": 5, "truth": True}
ENDS = {"cancelled": "Cancelled", "returned": "Returned", "lost": "Lost"}
OPEN = ("delivery_date", "delay_days", "delivery_status")


def made(spark, scenario, days, **more):
    rows = [row for day in days for row in rows_of(generate(spark, date=day, scenario=scenario, **GIVEN, **more))]
    return [row for row in rows if row["shipment_id"].startswith(f"SH{FIRST:%Y%m%d}")]


@pytest.fixture(scope="module")
def plain(spark):
    return {row["shipment_id"]: row for row in made(spark, SCENARIOS["baseline"], [FIRST])}


@pytest.fixture(scope="module")
def reports(spark):
    """Return all reports on the shipments of the first day, in the order of their batches."""
    by_id = {}
    for row in made(spark, LIVELY, DAYS):
        by_id.setdefault(row["shipment_id"], []).append(row)
    return by_id


def content(row, without=()):
    lineage = ("batch_date", "source_file", "source_row", "life")
    return {name: value for name, value in row.items() if name not in (*lineage, *without)}


def test_a_shipment_with_a_life_is_reported_twice_and_others_once(reports):
    assert len(reports) == 1100
    assert all(len(rows) == (2 if rows[0]["life"] else 1) for rows in reports.values())


def test_lives_have_the_shares_of_the_scenario(reports):
    found = Counter(rows[0]["life"] for rows in reports.values())
    # The 100 shipments beyond the first thousand are delivered ones again.
    wanted = {**LIVES, "delivered": LIVES["delivered"] + 100}
    assert {name: found[name] for name in ("corrected", "cancelled", "lost")} == {
        name: wanted[name] for name in ("corrected", "cancelled", "lost")
    }
    # Few arrive too late to be reported again.
    for name in ("delivered", "returned"):
        assert 0.95 * wanted[name] <= found[name] <= wanted[name]


def test_the_newest_report_of_a_delivered_or_corrected_shipment_matches_a_batch_without_lives(reports, plain):
    for name, rows in reports.items():
        if rows[0]["life"] in (None, "delivered", "corrected"):
            assert content(rows[-1]) == content(plain[name])


def test_the_first_report_does_not_reveal_the_outcome(reports, plain):
    for name, rows in reports.items():
        first, life = rows[0], rows[0]["life"]
        if life == "corrected":
            assert content(first, ["shipping_cost"]) == content(plain[name], ["shipping_cost"])
            assert 0 < first["shipping_cost"] < plain[name]["shipping_cost"]
        elif life:
            assert content(first, OPEN) == content(plain[name], OPEN)
            assert [first[column] for column in OPEN] == [None, None, "In transit"]


def test_a_delivery_is_reported_on_its_day_and_other_outcomes_have_no_delivery_date(reports):
    for rows in reports.values():
        life, last = rows[0]["life"], rows[-1]
        if life == "delivered":
            assert last["batch_date"] == last["delivery_date"]
        elif life in ENDS:
            assert [last[column] for column in OPEN] == [None, None, ENDS[life]]
        if life:
            assert 1 <= (last["batch_date"] - FIRST).days <= MAX_REPORT_DAYS


def test_only_reports_with_a_defect_break_the_contract(spark):
    batch = generate(spark, date=DAYS[-1], scenario=LIVELY, defects=0.2, **GIVEN)
    good, bad = split(batch.drop("defect", "life", "disruptions"))
    spoilt = {row["source_row"] for row in rows_of(bad)}
    truth = {row["source_row"]: row["defect"] for row in rows_of(batch)}
    assert max(truth) > 10**9
    assert {truth[number] for number in spoilt} <= {
        *("null_value", "negative_weight", "unknown_carrier", "delivered_before_shipped", "impossible_distance")
    }
    assert good.count() + bad.count() == len(truth)


def test_shipments_from_before_the_first_day_are_not_reported(spark):
    since = DAYS[-1] - timedelta(days=2)
    ids = [row["shipment_id"] for row in rows_of(generate(spark, date=DAYS[-1], scenario=LIVELY, since=since, **GIVEN))]
    assert {name[2:10] for name in ids} == {f"{day:%Y%m%d}" for day in (since, since + timedelta(days=1), DAYS[-1])}


def test_new_shipments_do_not_depend_on_the_date_of_the_first_batch(spark):
    new = [
        [
            row
            for row in rows_of(generate(spark, date=FIRST, scenario=LIVELY, since=since, **GIVEN))
            if row["source_row"] < 10**9
        ]
        for since in (None, FIRST, FIRST - timedelta(days=3))
    ]
    assert new[0] == new[1] == new[2]


@pytest.mark.parametrize(
    ("lives", "why"),
    [
        ({"sunk": 1}, "one of delivered, corrected"),
        ({"lost": -1}, "0 or more"),
        ({"lost": 600, "returned": 500}, "at most 1000"),
    ],
)
def test_invalid_lives_are_refused_before_any_query(lives, why):
    with pytest.raises(InvalidValue, match=why):
        generate(None, date=FIRST, rows=1, seed=1, scenario=replace(LIVELY, lives=lives))
