"""Likeness: how much the marts of a twin differ from those of its source."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
from pyspark.sql import SparkSession

from shipment_etl import Lake, Network, run_generate, run_waiting

MIN_SHIPMENTS = 300
"""Minimum shipments of carriers whose shares and means are compared: with fewer, chance decides."""
FAR = 1e9
DAYS = [date(2026, 1, 5) + timedelta(days=26 * number) for number in range(14)]
"""Every day of the week twice, and every month."""


def make_twin(folder: Path, spark: SparkSession, network: Network, rows: int, days: Sequence[date] = DAYS) -> Lake:
    """Return a lake with shipments of a network."""
    lake = Lake(folder)
    for day in days:
        run_generate(lake, date=day, rows=rows, seed=7, network=network, spark=spark)
    runs = run_waiting(lake, network=network, spark=spark)
    assert sum(run.counts.quarantined for run in runs) == 0
    return lake


def mart(lake: Lake, name: str) -> pd.DataFrame:
    return lake.snapshot().dataset(f"processed/{name}").to_table().to_pandas()


def distances(source: Lake, twin: Lake) -> dict[str, float]:
    """Return how much the marts of two lakes differ.

    Shares of shipments by carrier, warehouse, lane and day of the week: half the sum of the differences, from 0 to 1.
    For carriers with enough shipments, the largest difference: of on-time and late shares in points, of mean delays in days,
    of mean costs and transit days in percent. For costs, only carriers with enough shipments with a known cost.
    """
    ours, theirs = (mart(each, "carrier_performance").set_index("carrier") for each in (source, twin))
    rows = source.snapshot().dataset("processed/lane_days").to_table(columns=["carrier", "cost_shipments"]).to_pandas()
    priced = rows.groupby("carrier")["cost_shipments"].sum().reindex(ours.index)

    def of_large(column: str, known: "pd.Series[int]") -> tuple["pd.Series[float]", "pd.Series[float]"]:
        expected = ours["shipments"] * (theirs["shipments"].sum() / ours["shipments"].sum())
        large = ours.index[(known >= MIN_SHIPMENTS) & (expected >= MIN_SHIPMENTS)]
        return ours.loc[large, column].astype(float), theirs.reindex(large)[column].astype(float)

    def largest(column: str) -> float:
        one, other = of_large(column, ours["shipments"])
        return float((other - one).abs().fillna(FAR).max())

    def largest_pct(column: str, known: "pd.Series[int]") -> float:
        one, other = of_large(column, known)
        return float((other / one - 1).abs().fillna(FAR).max() * 100)

    demand = [mart(each, "warehouse_demand") for each in (source, twin)]
    lanes = [mart(each, "route_efficiency") for each in (source, twin)]
    return {
        "carrier shares": shares_apart(ours["shipments"], theirs["shipments"]),
        "warehouse shares": shares_apart(*(each.groupby("origin_warehouse")["shipments"].sum() for each in demand)),
        "lane shares": shares_apart(
            *(each.set_index(["origin_warehouse", "destination_city"])["shipments"] for each in lanes)
        ),
        "weekday shares": shares_apart(
            *(each.groupby(pd.to_datetime(each["shipment_date"]).dt.weekday)["shipments"].sum() for each in demand)
        ),
        "on_time_pct": largest("on_time_pct"),
        "late_2plus_pct": largest("late_2plus_pct"),
        "avg_delay_days": largest("avg_delay_days"),
        "avg_transit_days %": largest_pct("avg_transit_days", ours["shipments"]),
        "avg_cost %": largest_pct("avg_cost", priced),
        "cost_per_kg %": largest_pct("cost_per_kg", priced),
    }


def shares_apart(ours: "pd.Series[int]", theirs: "pd.Series[int]") -> float:
    return float((ours / ours.sum()).sub(theirs / theirs.sum(), fill_value=0).abs().sum() / 2)
