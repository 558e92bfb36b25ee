"""Marts side by side, checked against plain Python."""

from collections import Counter
from decimal import Decimal
from fractions import Fraction
from math import inf, isfinite
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipment_etl.reporting.comparison.marts import MartComparison, compare_mart
from shipment_etl.transform.mart import MartColumn

TYPES = pa.schema(
    [
        ("carrier", pa.string()),
        ("month", pa.string()),
        ("shipments", pa.int64()),
        ("total_cost", pa.decimal128(38, 2)),
        ("avg_cost", pa.float64()),
        ("late_pct", pa.float64()),
    ]
)
DECLARED = (
    MartColumn("carrier", "string", "name"),
    MartColumn("month", "string", "month"),
    MartColumn("shipments", "bigint", "number", lambda: None, heading="Shipments"),
    MartColumn("total_cost", "decimal(38,2)", "sum", lambda: None, unit="currency", heading="Cost", detail="total"),
    MartColumn("avg_cost", "double", "mean", lambda: None, unit="currency"),
    MartColumn("late_pct", "double", "share", lambda: None, unit="%", heading="Late", share_of="shipments"),
)
MEASURES = ("shipments", "total_cost", "avg_cost", "late_pct")
VALUES = st.fixed_dictionaries(
    {
        "shipments": st.integers(1, 10_000),
        "total_cost": st.none() | st.decimals(0, 10**30, places=2),
        "avg_cost": st.none() | st.floats(-1e9, 1e9),
        "late_pct": st.none() | st.floats(0, 100),
    }
)
MARTS = st.dictionaries(st.tuples(st.sampled_from("UVW"), st.sampled_from(["2026-10", "2026-11"])), VALUES, max_size=6)
Mart = dict[tuple[str, str], dict[str, Any]]


def table(mart: Mart) -> pa.Table:
    rows = [{"carrier": carrier, "month": month, **values} for (carrier, month), values in mart.items()]
    return pa.Table.from_pylist(rows, schema=TYPES)


def mart_of(**carriers: tuple[int, float]) -> Mart:
    return {(name, "2026-11"): row(shipments, late) for name, (shipments, late) in carriers.items()}


def row(shipments: int, late: float, total_cost: str = "10.00") -> dict[str, Any]:
    return {"shipments": shipments, "total_cost": Decimal(total_cost), "avg_cost": 1.0, "late_pct": late}


def relative(a: Any, b: Any) -> float:
    return 100 * float(b - a) / abs(float(a))


def compared(a: Mart, b: Mart) -> MartComparison:
    return compare_mart(table(a), table(b), DECLARED)


@given(MARTS, MARTS)
def test_rows_columns_and_differences_are_those_of_plain_python(a: Mart, b: Mart) -> None:
    found = compared(a, b)
    assert (found.rows_a, found.rows_b) == (len(a), len(b))
    assert found.equal_rows == sum(a[key] == b[key] for key in a.keys() & b.keys())
    expected = {key for key in a.keys() | b.keys() if a.get(key) != b.get(key)}
    assert [tuple(each.keys.values()) for each in found.rows] == sorted(expected)
    for each in found.rows:
        key = tuple(each.keys.values())
        assert each.only_in == ("b" if key not in a else "a" if key not in b else None)
        one, other = a.get(key, {}), b.get(key, {})
        differ = [name for name in MEASURES if each.only_in or one[name] != other[name]]
        assert list(each.columns) == differ
        for name in differ:
            value = each.columns[name]
            assert (value.a, value.b) == (one.get(name), other.get(name))
            if value.a is None or value.b is None:
                assert value.difference is value.relative_pct is None
            elif name in ("shipments", "total_cost"):
                assert Fraction(value.difference) == Fraction(value.b) - Fraction(value.a)
                assert value.relative_pct == (pytest.approx(relative(value.a, value.b)) if value.a else None)
            else:
                assert value.difference == value.b - value.a
                expected_pct = relative(value.a, value.b) if value.a else inf
                assert value.relative_pct == (pytest.approx(expected_pct) if isfinite(expected_pct) else None)


@given(MARTS)
def test_a_mart_does_not_differ_from_itself(mart: Mart) -> None:
    shuffled = dict(reversed(mart.items()))
    found = compared(mart, shuffled)
    assert found.equal
    assert found.equal_rows == len(mart)
    assert found.lines() == []


@given(MARTS, MARTS)
def test_swapping_the_lakes_changes_only_signs(a: Mart, b: Mart) -> None:
    there, back = compared(a, b), compared(b, a)
    for one, other in zip(there.rows, back.rows, strict=True):
        assert one.keys == other.keys
        for name, value in one.columns.items():
            turned = other.columns[name]
            assert (value.a, value.b, value.size, value.significant) == (
                turned.b,
                turned.a,
                pytest.approx(turned.size),
                turned.significant,
            )
            assert value.difference is None or Fraction(value.difference) == -Fraction(turned.difference)


@given(MARTS, MARTS)
def test_sizes_of_a_column_add_up_to_its_part_in_the_whole(a: Mart, b: Mart) -> None:
    found = compared(a, b)
    whole = sum(each["shipments"] for mart in (a, b) for each in mart.values())
    by = sum(abs(b.get(key, {}).get("shipments", 0) - a.get(key, {}).get("shipments", 0)) for key in a.keys() | b.keys())
    sizes = [each.columns["shipments"].size for each in found.rows if "shipments" in each.columns]
    assert sum(sizes) == pytest.approx(by / whole if whole else 0)
    assert all(0 <= value.size <= 1 for each in found.rows for value in each.columns.values())


def test_a_share_is_significant_only_with_many_shipments() -> None:
    small = compared(mart_of(U=(50, 4.0)), mart_of(U=(50, 8.0)))
    assert small.rows[0].columns["late_pct"].significant is False
    large = compared(mart_of(U=(50_000, 4.0)), mart_of(U=(50_000, 8.0)))
    assert large.rows[0].columns["late_pct"].significant is True
    assert large.rows[0].columns["late_pct"].difference == 4.0


def test_looking_at_many_rows_raises_the_bar_for_each() -> None:
    # z is 2.1: significant on its own, but the largest of a hundred is as large by chance.
    a, b = {"U": (10_000, 10.0)}, {"U": (10_000, 10.9)}
    same = {f"V{number}": (10_000, 10.0) for number in range(99)}
    alone, among = compared(mart_of(**a), mart_of(**b)), compared(mart_of(**a, **same), mart_of(**b, **same))
    assert alone.rows[0].columns["late_pct"].significant is True
    assert among.rows[0].columns["late_pct"].significant is False


def test_the_largest_differences_come_first_and_those_of_chance_last() -> None:
    a = {("U", "2026-11"): row(50, 2.0), ("V", "2026-11"): row(90_000, 5.0), ("W", "2026-11"): row(90_000, 5.0)}
    b = {("U", "2026-11"): row(50, 6.0), ("V", "2026-11"): row(90_000, 6.0), ("W", "2026-11"): row(90_000, 25.0)}
    lines = compared(a, b).lines()
    assert [line.keys["carrier"] for line in lines] == ["W", "V", "U"]
    assert [line.values.significant for line in lines] == [True, True, False]
    assert [each.keys["carrier"] for each in compared(a, b).largest(2)] == ["W", "V"]


def test_a_row_in_only_one_of_them_is_one_line_that_says_so() -> None:
    found = compared(mart_of(U=(10, 5.0)), mart_of(V=(7, 5.0)))
    assert [(line.keys["carrier"], line.only_in, line.column) for line in found.lines()] == [
        ("U", "a", "shipments"),
        ("V", "b", "shipments"),
    ]


def test_differences_in_columns_without_a_heading_are_also_shown() -> None:
    a, b = mart_of(U=(10, 5.0)), mart_of(U=(10, 5.0))
    b["U", "2026-11"]["avg_cost"] = 2.0
    assert [line.column for line in compared(a, b).lines()] == ["avg_cost"]


def test_undeclared_marts_are_compared_by_their_texts_and_dates() -> None:
    found = compare_mart(table(mart_of(U=(10, 5.0))), table(mart_of(U=(12, 5.0))))
    assert found.keys == ("carrier", "month")
    assert found.rows[0].columns["shipments"].difference == 2
    assert found.rows[0].columns["shipments"].significant is None


@given(st.lists(st.sampled_from([1, 2, 3])), st.lists(st.sampled_from([1, 2, 3])))
def test_rows_without_unique_keys_are_compared_as_a_whole(a: list[int], b: list[int]) -> None:
    tables = [pa.table({"hour": pa.array(hours, pa.int64())}) for hours in (a, b)]
    found = compare_mart(*tables)
    if len(a) > 1 or len(b) > 1:
        only = Counter((each.keys["hour"], each.only_in) for each in found.rows)
        expected = {(hour, "a"): rows for hour, rows in (Counter(a) - Counter(b)).items()}
        assert only == expected | {(hour, "b"): rows for hour, rows in (Counter(b) - Counter(a)).items()}
        assert len(found.lines()) == len(found.rows)
    assert found.equal == (Counter(a) == Counter(b))


def test_a_column_that_only_one_has_is_named_and_not_compared() -> None:
    a = table(mart_of(U=(10, 5.0)))
    found = compare_mart(a, a.drop_columns(["avg_cost"]), DECLARED)
    assert found.only_in_one == ("avg_cost",)
    assert found.rows == ()
    assert not found.equal


def test_nested_values_and_numbers_that_are_not_finite_are_accepted() -> None:
    a = pa.table({"carrier": ["U", "V"], "value": [float("nan"), float("inf")], "tags": [["x"], []], "full": [True, False]})
    b = pa.table({"carrier": ["U", "V"], "value": [1.0, float("nan")], "tags": [["x"], ["y"]], "full": [True, True]})
    first, second = compare_mart(a, b).rows
    assert first.columns["value"].difference is None
    assert list(second.columns) == ["tags", "full"]
    assert second.columns["full"].difference is None
    assert compare_mart(a, a).equal
