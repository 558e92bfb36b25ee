"""Totals of lane_days, checked by counting one by one."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipment_etl.reporting.comparison.totals import COLUMNS, TOTALS, Sums, compare_totals, sum_up

DAY = date(2026, 11, 1)
SCHEMA = pa.schema(
    [
        ("shipment_date", pa.date32()),
        ("delay_days", pa.int32()),
        ("shipments", pa.int64()),
        ("cost_shipments", pa.int64()),
        ("cost", pa.decimal128(38, 2)),
        ("carrier", pa.string()),
    ]
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "shipment_date": st.integers(0, 5).map(lambda days: DAY + timedelta(days)),
            "delay_days": st.none() | st.integers(-3, 5),
            "shipments": st.integers(1, 500),
            "cost_shipments": st.integers(0, 500),
            "cost": st.decimals(0, 10**12, places=2),
        }
    ),
    max_size=30,
)
Rows = list[dict[str, Any]]


def batches(rows: Rows, size: int = 4) -> list[pa.RecordBatch]:
    return pa.Table.from_pylist([{"carrier": "C", **row} for row in rows], schema=SCHEMA).to_batches(max_chunksize=size)


@given(ROWS, st.integers(1, 7))
def test_sums_are_what_counting_gives_however_rows_are_cut(rows: Rows, size: int) -> None:
    found = sum_up(batches(rows, size))
    known = [row for row in rows if row["delay_days"] is not None]
    assert found == Sums(
        first=min((row["shipment_date"] for row in rows), default=None),
        last=max((row["shipment_date"] for row in rows), default=None),
        shipments=sum(row["shipments"] for row in rows),
        with_delay=sum(row["shipments"] for row in known),
        late=sum(row["shipments"] for row in known if row["delay_days"] >= 2),
        days_late=sum(row["shipments"] * max(0, row["delay_days"]) for row in known),
        priced=sum(row["cost_shipments"] for row in rows),
        cost=sum((row["cost"] for row in rows), Decimal(0)),
    )


def test_shipments_that_another_batch_subtracted_do_not_count() -> None:
    row = {"shipment_date": DAY, "delay_days": 2, "shipments": 3, "cost_shipments": 3, "cost": Decimal("9.00")}
    booked_off = {**row, "shipments": -3, "cost_shipments": -3, "cost": Decimal("-9.00")}
    later = {**row, "shipment_date": DAY + timedelta(1)}
    assert sum_up(batches([row, booked_off, later])) == sum_up(batches([later]))


@given(ROWS)
def test_a_lake_does_not_differ_from_itself(rows: Rows) -> None:
    found = compare_totals(sum_up(batches(rows)), sum_up(batches(rows)))
    assert list(found) == list(TOTALS)
    assert all(each.a == each.b and not each.difference for each in found.values())
    assert found["late_2plus_pct"].significant is not True


def test_differences_of_totals() -> None:
    a = Sums(DAY, DAY, shipments=1000, with_delay=1000, late=50, days_late=200, priced=1000, cost=Decimal("10000.50"))
    b = Sums(DAY, DAY, shipments=1000, with_delay=800, late=160, days_late=400, priced=500, cost=Decimal("6000.25"))
    found = compare_totals(a, b)
    assert (found["late_2plus_pct"].a, found["late_2plus_pct"].b) == (5.0, 20.0)
    assert found["late_2plus_pct"].significant is True
    assert found["avg_delay_days"].difference == pytest.approx(0.3)
    assert found["total_cost"].difference == Decimal("-4000.25")
    assert found["avg_cost"].b == pytest.approx(12.0005)
    assert found["days_late"].relative_pct == 100.0


def test_what_is_unknown_has_no_difference() -> None:
    found = compare_totals(Sums(), Sums(DAY, DAY, shipments=5))
    assert found["shipments"].difference == 5
    for name in ("late_2plus_pct", "avg_delay_days", "avg_cost", "total_cost"):
        assert (found[name].a, found[name].b, found[name].difference, found[name].significant) == (None, None, None, None)


def test_only_columns_that_are_read_are_needed() -> None:
    assert "carrier" not in COLUMNS
    assert sum_up([]) == Sums()
