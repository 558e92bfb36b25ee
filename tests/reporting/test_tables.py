"""tables: a page contains the rows of the marts, the newest whole days of large ones, with values formatted for people."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipment_etl.reporting import tables
from shipment_etl.reporting.tables import choices, mart_table, marts_of, say_value

from .made_up import facts


def test_every_mart_has_all_its_rows_as_they_are() -> None:
    for name, frame in marts_of(facts()).items():
        table = mart_table(name, frame)
        assert (table.columns, table.left_out) == (tuple(frame.columns), 0)
        assert len(table.rows) == len(frame)
        plain = {tuple(None if value != value else str(value) for value in row) for row in frame.itertuples(index=False)}
        found = {tuple(None if value is None else str(value) for value in row) for row in table.rows}
        assert _numbers(found) == _numbers(plain)


def _numbers(rows: set[tuple[str | None, ...]]) -> set[tuple[object, ...]]:
    return {tuple(_number(value) for value in row) for row in rows}


def _number(value: str | None) -> object:
    try:
        return None if value in (None, "None") else float(str(value))
    except ValueError:
        return value


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.integers(1, 60))
def test_a_mart_that_is_too_large_keeps_the_newest_whole_days(rows_of_days: list[int], most: int) -> None:
    days = [f"2026-01-{day:02d}" for day, many in enumerate(rows_of_days, 1) for _ in range(many)]
    frame = pd.DataFrame({"shipment_date": days, "shipments": range(len(days))})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "MAX_SHOWN", 1)
        patch.setattr(tables, "MAX_CELLS", 2 * most)
        table = mart_table("delay_trends", frame)
    assert len(table.rows) + table.left_out == len(frame)
    assert len(table.rows) <= most
    if rows_of_days[-1] <= most:
        assert sorted(day for day, _ in table.rows) == [day for day in days if day >= str(table.oldest)]


def test_rows_can_be_filtered_by_their_values() -> None:
    made = [mart_table(name, frame) for name, frame in marts_of(facts()).items()]
    assert [(choice.label, choice.values) for choice in choices(made)] == [
        ("Carrier", ("C1", "C2", "C3")),
        ("Warehouse", ("W1", "W2")),
        ("Destination", ("X", "Y", "Z")),
    ]
    assert choices([mart_table("mine", pd.DataFrame({"what": ["a"]}))]) == []


def test_values_have_as_many_digits_as_are_useful() -> None:
    said = [say_value(value) for value in (None, True, False, 1234567, -2.5, 0.1234567, 12.345678, "a" * 200)]
    assert said == ["–", "yes", "no", "1,234,567", "−2.50", "0.1235", "12.35", "a" * 159 + "…"]


def test_values_that_are_no_plain_ones_do_not_stop_a_page() -> None:
    values = [float("inf"), float("nan"), np.array(["p", "q"]), ["p"], np.float64(2.5), None]
    rows = mart_table("mine", pd.DataFrame({"value": pd.Series(values, dtype=object)})).rows
    assert [row[0] for row in rows] == [None, None, "['p', 'q']", "['p']", 2.5, None]
