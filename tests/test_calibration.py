"""`python -m benchmarks.calibration`: its distances match SQL, and its page has the output of its functions."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from xml.etree import ElementTree

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from benchmarks.calibration.distances import QUANTILES, kolmogorov_smirnov, quantiles, shares_apart, wasserstein
from benchmarks.calibration.measures import COLUMNS, MEASURES
from benchmarks.calibration.page import (
    distance_rows,
    figure,
    parts,
    quantile_rows,
    replace_parts,
    share_distance_rows,
    share_rows,
)
from benchmarks.calibration.plot import plot
from benchmarks.calibration.published import PUBLISHED
from benchmarks.calibration.tables import SCMS, Table, flights_table, generated_table
from tests.documents import ROOT

PAGE = ROOT / "docs" / "explanation" / "calibration.md"
SAMPLES = st.lists(st.integers(-40, 40).map(lambda number: number / 4), min_size=1, max_size=30)
DISTANCES = """
with one as (select unnest($one::double[]) as x), other as (select unnest($other::double[]) as x),
points as (select distinct x from (from one union all from other)),
apart as (
    select
        abs((select avg((one.x <= points.x)::int) from one) - (select avg((other.x <= points.x)::int) from other)) as gap,
        lead(x) over (order by x) - x as width
    from points
)
select max(gap), coalesce(sum(gap * width), 0) from apart
"""
SCMS_SHIPMENTS = """
create table good as
with texts as (from read_csv($file, all_varchar = true)),
typed as (
    select
        try_strptime("PO Sent to Vendor Date", ['%m/%d/%y', '20%m-%d-%y'])::date as shipped,
        strptime("Scheduled Delivery Date", '%d-%b-%y')::date as promised,
        strptime("Delivered to Client Date", '%d-%b-%y')::date as delivered,
        try_cast("Weight (Kilograms)" as double) as kg,
        try_cast("Freight Cost (USD)" as double) as cost,
    from texts where "Shipment Mode" <> 'N/A'
)
select delivered - shipped as transit, delivered - promised as delay, kg, cost, cost / kg as per_kg from typed
where delivered >= shipped and promised >= shipped and (kg is null or kg > 0)
"""


def table(name: str, **columns: Sequence[float]) -> Table:
    days = pd.date_range("2026-11-02", periods=4)
    return Table(
        name, pd.DataFrame({each: columns.get(each, [np.nan] * 4) for each in COLUMNS} | {"shipment_date": days}), "", ""
    )


def part(name: str) -> list[list[str]]:
    """Return the rows of a table between the marks on the page."""
    text = re.search(rf"<!-- {name}: begin -->\n(.*?)<!-- {name}: end -->", PAGE.read_text("utf-8"), flags=re.S)
    assert text is not None
    return [line.strip("| ").split(" | ") for line in text[1].strip().splitlines()]


OURS = table("ours", transit_days=[2, 3, 4, 5], delay_days=[-1, 0, 0, 3], cost=[10, 20, 30, 40], weight_kg=[1, 2, 3, 4])
EVERY = table(
    "every",
    transit_days=[2, 3, 4, 5],
    delay_days=[-1, 0, 0, 3],
    weight_kg=[1, 2, 9_000, 10_000],
    distance_km=[100, 200, 300, 400],
    cost=[10, 20, 300, 400],
)
THEIRS = table("theirs", transit_days=[4, 5, 6, 7], delay_days=[0, 0, 0, 0], distance_km=[100, 200, 300, 400])


@settings(max_examples=30)
@given(SAMPLES, SAMPLES)
def test_distances_match_sql(one: list[float], other: list[float]) -> None:
    [expected] = duckdb.connect().execute(DISTANCES, {"one": one, "other": other}).fetchall()
    found = (kolmogorov_smirnov(np.array(one), np.array(other)), wasserstein(np.array(one), np.array(other)))
    assert found == pytest.approx(expected)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=1, max_size=30))
def test_wasserstein_pairs_equally_many_values_by_rank(pairs: list[tuple[int, int]]) -> None:
    one, other = np.array(pairs, float).T
    assert wasserstein(one, other) == pytest.approx(np.abs(np.sort(one) - np.sort(other)).mean())


@settings(max_examples=30)
@given(SAMPLES)
def test_quantiles_match_sql(values: list[float]) -> None:
    query = "select quantile_disc(x, $shares) from (select unnest($values::double[]) as x)"
    [row] = duckdb.connect().execute(query.replace("$shares", str(list(QUANTILES))), {"values": values}).fetchall()
    assert quantiles(np.array(values)) == row[0]


def test_distance_of_shares_is_half_the_sum_of_differences() -> None:
    assert shares_apart([0.5, 0.5, 0], [0, 0.5, 0.5]) == 0.5
    assert shares_apart([1, 0], [0, 1]) == 1


def test_there_is_a_row_for_each_measure_of_a_table() -> None:
    rows = list(quantile_rows([OURS, THEIRS]))
    assert rows[:3] == [
        ["Days in transit", "ours", "4", "2", "2", "3", "4", "5"],
        ["Days in transit", "theirs", "4", "4", "4", "5", "6", "7"],
        ["Days of delay", "ours", "4", "-1", "-1", "0", "0", "3"],
    ]
    assert [row[0] for row in rows if row[1] == "theirs"] == [
        *("Days in transit", "Days of delay", "Distance, km", "Shipments of a day, % of the mean day")
    ]


def test_there_is_a_distance_for_each_measure_of_both_tables() -> None:
    assert list(distance_rows([OURS], [THEIRS])) == [
        ["Days in transit", "ours", "theirs", "0.50", "2", "1"],
        # All of theirs were delivered on the promised date.
        ["Days of delay", "ours", "theirs", "0.25", "1", "–"],
        ["Shipments of a day, % of the mean day", "ours", "theirs", "0.00", "0", "–"],
    ]


def test_shares_count_only_deliveries_with_a_promised_date() -> None:
    late = table("late", delay_days=[0, 1, 2, np.nan])
    days = ["25.0"] * 4 + ["0.0"] * 3
    assert list(share_rows([OURS, late])) == [["ours", "75.0", "25.0", *days], ["late", "33.3", "33.3", *days]]
    assert list(share_distance_rows([OURS], [late])) == [["ours", "late", "41.7", "8.3", "0.00"]]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (-0.0001, "0"), (0.0979, "0.098"), (2, "2"), (2.345, "2.35"), (30, "30"), (100, "100"), (12_345.6, "12,346")],
)
def test_figures_have_about_three_digits(value: float, text: str) -> None:
    assert figure(value) == text


def test_parts_are_replaced_and_the_text_stays() -> None:
    page = "above\n<!-- a: begin -->\nold\n<!-- a: end -->\nbelow\n"
    new = replace_parts(page, {"a": "new\n"})
    assert new == replace_parts(new, {"a": "new\n"}) == "above\n<!-- a: begin -->\n\nnew\n\n<!-- a: end -->\nbelow\n"
    with pytest.raises(ValueError, match="no marks of the part 'b'"):
        replace_parts(page, {"b": "new\n"})


def test_the_page_has_the_tables_that_the_command_makes() -> None:
    made = parts([replace(EVERY, name=name) for name in ("baseline", "swiftship")], [OURS, THEIRS])
    for name, text in made.items():
        assert part(name)[0] == text.splitlines()[0].strip("| ").split(" | "), name
    assert {row[0] for row in part("quantiles")[2:]} == {each.name for each in MEASURES}
    assert [row[0] for row in part("published")[2:]] == [each.name for each in PUBLISHED]
    assert "python -m benchmarks.calibration" in " ".join(part("measured")[0])


@pytest.mark.slow
def test_the_page_has_the_quantiles_of_the_flights() -> None:
    flights = flights_table()
    assert [row for row in part("quantiles") if row[1] == "flights"] == list(quantile_rows([flights]))
    assert next(row for row in part("shares") if row[0] == "flights") == next(share_rows([flights]))


@pytest.mark.slow
def test_the_page_has_the_quantiles_that_sql_finds_in_the_scms_history() -> None:
    places = {"transit": 0, "delay": 1, "kg": 2, "cost": 4, "per_kg": 5}
    with duckdb.connect() as database:
        database.execute(SCMS_SHIPMENTS, {"file": str(SCMS / "scms_delivery_history.csv.gz")})
        for column, place in places.items():
            query = f"select count({column}), quantile_disc({column}, {list(QUANTILES)}) from good"
            [row] = database.execute(query).fetchall()
            name = MEASURES[place].name
            assert [name, "SCMS", f"{row[0]:,}", *map(figure, row[1])] in part("quantiles"), name


def test_each_figure_has_a_source_or_is_invented() -> None:
    text = PAGE.read_text("utf-8").partition("## Where each figure comes from")[2].partition("\n## ")[0]
    rows = {row[0]: row[1] for row in (line.strip("| ").split(" | ") for line in text.splitlines()) if len(row) == 3}
    for name in (*(each.name for each in MEASURES), "Days of the week"):
        assert rows[name] == "nothing: invented" or re.search(r"\]\(https://|\(\d{4}\)", rows[name]), name
    assert all("](https://" in each.source for each in PUBLISHED)


def test_the_figure_has_a_panel_for_each_measure() -> None:
    drawn = ElementTree.fromstring(plot([EVERY, EVERY, OURS, THEIRS]))
    names = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text") if text.get("font-weight") == "bold"]
    assert names == [each.name for each in MEASURES]


def test_generated_shipments_are_counted_once(spark: SparkSession) -> None:
    made = generated_table(spark, "swiftship", [date(2026, 11, 19), date(2026, 11, 20)], 1000, 7).shipments
    assert len(made) == 2000
    assert list(made.columns) == list(COLUMNS)
    # Shipments in transit, among those that are reported twice.
    assert 0 < made["delay_days"].isna().mean() <= 0.07
