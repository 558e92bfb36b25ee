"""A sample plugin: how much arrives too early, a rule about what our trailers carry, and a line of figures for each run.

Shipments that come two or more days early fill a warehouse as surely as late ones fill a complaints desk.
"""

import csv
import os
from collections.abc import Iterable
from pathlib import Path

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from shipment_etl import Mart, Network, RowRule, Run, RunStart, hookimpl

MOST_KG = 15_000
FIGURES_FILE = "EARLY_ARRIVALS_FIGURES"


def early_arrivals(lane_days: DataFrame, network: Network) -> DataFrame:
    """How much of what a city receives comes two or more days before it was promised.

    One row per destination_city, over all days given.

    Columns:
        shipments, early_shipments: long; early is a delay of −2 days or less.
        early_pct: double, per cent of shipments.
    """
    shipments = F.col("shipments")
    cities = lane_days.groupBy("destination_city").agg(
        F.sum(shipments).alias("shipments"),
        F.sum(F.when(F.col("delay_days") <= -2, shipments).otherwise(0)).alias("early_shipments"),
    )
    early_pct = 100 * F.col("early_shipments").cast("double") / F.col("shipments").cast("double")
    return cities.select("destination_city", "shipments", "early_shipments", early_pct.alias("early_pct"))


def fits_trailer() -> Column:
    """Whether a shipment is no heavier than the largest of our trailers carries."""
    return F.col("shipment_weight_kg") <= MOST_KG


@hookimpl
def marts() -> Iterable[Mart]:
    """Add the mart."""
    columns = {
        "destination_city": "string",
        "shipments": "bigint",
        "early_shipments": "bigint",
        "early_pct": "double",
    }
    return [Mart("early_arrivals", columns, early_arrivals)]


@hookimpl
def rules() -> Iterable[RowRule]:
    """Add the rule."""
    return [RowRule("fits_trailer", "shipment_weight_kg", f"heavier than our trailers carry ({MOST_KG:,} kg)", fits_trailer)]


@hookimpl
def after_run(start: RunStart, run: Run) -> None:
    """Append a line of figures to the file that the environment names, if it names one."""
    file = os.environ.get(FIGURES_FILE)
    if file:
        with Path(file).open("a", newline="") as lines:
            csv.writer(lines).writerow((run.run_id, run.job, run.batch_date, run.counts.accepted, run.counts.quarantined))
