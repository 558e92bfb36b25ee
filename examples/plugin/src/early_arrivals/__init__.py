"""A sample plugin: how much arrives too early, a rule about what our trailers carry, and a line of figures for each run.

Shipments that arrive two or more days early fill up the warehouse.
"""

import csv
import os
from collections.abc import Iterable
from pathlib import Path

from pyspark.sql import Column
from pyspark.sql import functions as F

from shipment_etl import Mart, MartColumn, RowRule, Run, RunStart, hookimpl

MAX_KG = 15_000
FIGURES_FILE = "EARLY_ARRIVALS_FIGURES"


def early_shipments() -> Column:
    """Return how many shipments arrived two or more days before they were promised."""
    return F.sum(F.when(F.col("delay_days") <= -2, F.col("shipments")).otherwise(0))


EARLY_ARRIVALS = (
    MartColumn("destination_city", "string", "city shipped to"),
    MartColumn("shipments", "bigint", "number of shipments", lambda: F.sum("shipments")),
    MartColumn("early_shipments", "bigint", "shipments with a delay of −2 days or less", early_shipments),
    MartColumn(
        "early_pct", "double", "share of all shipments", lambda: 100 * early_shipments() / F.sum("shipments"), unit="%"
    ),
)
"""How many of a city's shipments arrive two or more days early: one row per city, over all days."""


def fits_trailer() -> Column:
    """Whether a shipment is no heavier than our largest trailer can carry."""
    return F.col("shipment_weight_kg") <= MAX_KG


@hookimpl
def marts() -> Iterable[Mart]:
    """Add the mart."""
    return [Mart.declare("early_arrivals", EARLY_ARRIVALS)]


@hookimpl
def rules() -> Iterable[RowRule]:
    """Add the rule."""
    return [RowRule("fits_trailer", "shipment_weight_kg", f"heavier than our trailers carry ({MAX_KG:,} kg)", fits_trailer)]


@hookimpl
def after_run(start: RunStart, run: Run) -> None:
    """Append a line of figures to the file that the environment names, if it names one."""
    file = os.environ.get(FIGURES_FILE)
    if file:
        with Path(file).open("a", newline="") as lines:
            csv.writer(lines).writerow((run.run_id, run.job, run.batch_date, run.counts.accepted, run.counts.quarantined))
