"""Frames: rows drawn by hypothesis go through split, clean, lane_days and all marts, and are compared with plain Python.

A query costs more than its rows, so a hundred frames go through together, kept apart by their ids, places and carriers.
"""

from collections.abc import Iterator

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from shipment_etl.contracts.columns import MEASURES
from shipment_etl.contracts.models import contract
from shipment_etl.contracts.split import split
from shipment_etl.network import Network
from shipment_etl.transform.clean import clean
from shipment_etl.transform.lane_days import lane_days
from shipment_etl.transform.marts import MARTS
from tests.frames import CONTENT, Row, any_shipments, frame, numbered, rows_like, rows_of, settled, sound_shipments
from tests.transform import referee
from tests.transform.test_lane_days import by_key as sums_by_key
from tests.transform.test_marts import assert_alike, by_key
from tests.transform.test_reports import ordered

__all__ = ["TOGETHER", "check_frames", "draw_frames"]

TOGETHER = 100
SCHEMA = contract(Network.open(), MEASURES)
TAGGED = ("shipment_id", "origin_warehouse", "destination_city", "carrier")
ROWS = rows_like(st.one_of(sound_shipments(unknown=MEASURES), any_shipments(most_wrong=2)), most=12)


def draw_frames(number: int, count: int) -> list[list[Row]]:
    """Draw some frames, the same for the same number."""
    drawn: list[list[Row]] = []

    @seed(number)
    @settings(
        max_examples=count, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(ROWS)
    def draw(rows: list[Row]) -> None:
        drawn.append(rows)

    draw()
    return drawn[:count]


def check_frames(spark: SparkSession, frames: list[list[Row]]) -> None:
    """Check everything that is known about some frames. An assertion fails if rows are lost, doubled, or wrongly summed."""
    rows = numbered(row for number, each in enumerate(frames) for row in _tagged(number, each))
    good, bad = split(frame(spark, rows), SCHEMA)
    good_rows, bad_rows = rows_of(settled(spark, good)), rows_of(settled(spark, bad))
    assert sorted(numbers(good_rows) + numbers(bad_rows)) == numbers(rows), "a row is on both sides, or on none"
    assert all(row["reasons"] for row in bad_rows)
    newest = {number for number, (following, _) in ordered(good_rows).items() if following is None}
    kept = [row for row in good_rows if row["source_row"] in newest]
    assert all(row[name] == rows[row["source_row"] - 1][name] for row in good_rows for name in CONTENT)
    cleaned = settled(spark, clean(settled(spark, good)))
    assert numbers(rows_of(cleaned)) == numbers(kept)
    days = settled(spark, lane_days(cleaned))
    whole = rows_of(cleaned)
    assert sums_by_key(days) == referee.lane_days(whole)
    for name, mart in MARTS.items():
        made = mart.make(days, Network.open())
        expected = referee.warehouse_demand(whole) if name == "warehouse_demand" else getattr(referee, name)(whole)
        assert_alike(name, by_key(name, made), expected)


def numbers(rows: list[Row]) -> list[int]:
    """Return the source_row of each row."""
    return [row["source_row"] for row in rows]


def _tagged(number: int, rows: list[Row]) -> Iterator[Row]:
    for row in rows:
        # Blank and odd texts stay as they are.
        tags = {name: f"{number}.{row[name]}" for name in TAGGED if row[name] and row[name].strip(" \t\n") == row[name]}
        yield {**row, **tags}
