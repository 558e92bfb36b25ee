"""Shipments for tests: rows as dicts, frames of rows, and strategies that draw them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyspark.sql.types as T
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

Row = dict[str, Any]

DAY = date(2026, 11, 23)
MEASURES = ("shipment_weight_kg", "shipment_volume_m3", "route_distance_km", "shipping_cost")

SCHEMA = T.StructType(
    [
        T.StructField("shipment_id", T.StringType()),
        T.StructField("origin_warehouse", T.StringType()),
        T.StructField("destination_city", T.StringType()),
        T.StructField("carrier", T.StringType()),
        T.StructField("shipment_weight_kg", T.DecimalType(12, 3)),
        T.StructField("shipment_volume_m3", T.DecimalType(12, 3)),
        T.StructField("shipment_date", T.DateType()),
        T.StructField("promised_date", T.DateType()),
        T.StructField("delivery_date", T.DateType()),
        T.StructField("delay_days", T.IntegerType()),
        T.StructField("delivery_status", T.StringType()),
        T.StructField("route_distance_km", T.DecimalType(10, 3)),
        T.StructField("shipping_cost", T.DecimalType(14, 2)),
        T.StructField("outcome", T.StringType()),
        T.StructField("reported_at", T.TimestampType()),
        T.StructField("promised_at", T.TimestampType()),
        T.StructField("delivered_at", T.TimestampType()),
        T.StructField("source_row", T.LongType()),
    ]
)
CONTENT = tuple(name for name in SCHEMA.names if name != "source_row")

SOUND: Mapping[str, Any] = {
    "shipment_id": "SH20261123-000000001",
    "origin_warehouse": "NY_Warehouse",
    "destination_city": "Chicago",
    "carrier": "UPS",
    "shipment_weight_kg": Decimal("12.500"),
    "shipment_volume_m3": Decimal("0.060"),
    "shipment_date": DAY,
    "promised_date": date(2026, 11, 26),
    "delivery_date": date(2026, 11, 27),
    "delay_days": 1,
    "delivery_status": "Delayed",
    "route_distance_km": Decimal("1144.300"),
    "shipping_cost": Decimal("36.12"),
    "outcome": "delivered",
    "reported_at": None,
    "promised_at": None,
    "delivered_at": None,
}
"""A shipment that breaks no rule."""
NOT_DELIVERED: Mapping[str, Any] = {"delivery_date": None, "delivered_at": None, "delay_days": None}
ENDS: Mapping[str, Mapping[str, Any]] = {
    "in_transit": {**NOT_DELIVERED, "delivery_status": "In transit", "outcome": None},
    "cancelled": {**NOT_DELIVERED, "delivery_status": "Cancelled", "outcome": "cancelled"},
    "returned": {**NOT_DELIVERED, "delivery_status": "Returned", "outcome": "returned"},
    "lost": {**NOT_DELIVERED, "delivery_status": "Lost", "outcome": "lost"},
}
"""State → the values of a shipment that was not delivered."""


def numbered(rows: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Return the rows with source_row 1, 2, 3 …"""
    return [{**row, "source_row": number} for number, row in enumerate(rows, 1)]


def frame(spark: SparkSession, rows: Sequence[Mapping[str, Any]], schema: T.StructType = SCHEMA) -> DataFrame:
    """Return a frame of the rows; extra columns of a row are ignored, missing ones are null."""
    return spark.createDataFrame([tuple(row.get(name) for name in schema.names) for row in rows], schema)


def settled(spark: SparkSession, made: DataFrame) -> DataFrame:
    """Return the frame as it would be read back from a table: its rows, without the query plan."""
    return spark.createDataFrame(made.collect(), made.schema)


def rows_of(made: DataFrame) -> list[Row]:
    """Return the rows of a frame, in the order of source_row if it has this column."""
    rows = [row.asDict() for row in made.collect()]
    return sorted(rows, key=lambda row: row["source_row"]) if "source_row" in made.columns else rows


def types_of(made: DataFrame) -> dict[str, str]:
    """Return the columns of a frame and their types, in order."""
    return {field.name: field.dataType.simpleString() for field in made.schema}


def decimals(least: str, most: str, places: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(Decimal(least), Decimal(most), places=places)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw a value, or sometimes None."""
    return st.one_of(values, values, values, st.none())


def rows_like(values: st.SearchStrategy[Mapping[str, Any]], most: int = 60) -> st.SearchStrategy[list[Row]]:
    """Draw 0 to `most` numbered rows, every count equally likely; by default, hypothesis seldom draws more than ten."""
    return st.integers(0, most).flatmap(lambda count: st.lists(values, min_size=count, max_size=count)).map(numbered)


@st.composite
def sound_shipments(draw: st.DrawFn, *, unknown: Sequence[str] = (), credit_notes: bool = False) -> Row:
    """Draw a shipment that breaks no rule of the default network, in any state; the columns in `unknown` may be null.

    There are few places and carriers, so that groups have several rows; days have gaps and span several months.
    """
    shipped = DAY + timedelta(days=draw(st.sampled_from((0, 0, 1, 2, 5, 6, 7, 8, 14, 39, 40, 80))))
    promised = shipped + timedelta(days=draw(st.integers(0, 6)))
    delivered = shipped + timedelta(days=draw(st.sampled_from((0, 1, 2, 3, 4, 5, 6, 7, 30))))
    if "promised_date" in unknown and draw(st.integers(0, 3)) == 0:
        promised = None
    delay = None if promised is None else (delivered - promised).days
    state = draw(st.sampled_from((*["delivered"] * 6, "in_transit", *ENDS)))
    measures: dict[str, st.SearchStrategy[Any]] = {
        "shipment_weight_kg": decimals("0.001", "20000", 3),
        "shipment_volume_m3": decimals("0.001", "90", 3),
        "route_distance_km": decimals("0.001", "40075.017", 3),
        "shipping_cost": decimals("-99999" if credit_notes else "0", "99999", 2),
    }
    return {
        "shipment_id": draw(st.sampled_from(IDS)),
        "origin_warehouse": draw(st.sampled_from(("NY_Warehouse", "TX_Warehouse"))),
        "destination_city": draw(st.sampled_from(("Chicago", "Miami", "Boston"))),
        "carrier": draw(st.sampled_from(("UPS", "DHL", "FedEx"))),
        "shipment_date": shipped,
        "promised_date": promised,
        "delivery_date": delivered,
        "delay_days": delay,
        "delivery_status": "Delayed" if (delay or 0) > 0 else "Delivered",
        "outcome": "delivered",
        "reported_at": None,
        "promised_at": draw(times_on(promised)),
        "delivered_at": draw(times_on(delivered)),
        **ENDS.get(state, {}),
        **{name: draw(maybe(values) if name in unknown else values) for name, values in measures.items()},
    }


def times_on(day: date | None) -> st.SearchStrategy[datetime | None]:
    """Draw a time on a day, to the second, or None."""
    if day is None:
        return st.none()
    return st.one_of(st.none(), st.times().map(lambda each: datetime.combine(day, each.replace(microsecond=0))))


IDS = tuple(f"SH{number}" for number in range(40))

ODD = (
    "",
    " ",
    "\t",
    " x",
    "x ",
    "\u00a0",
    "\u3000x",
    "\u200bx",
    "\x1cx",
    "\n",
    "é",
    "😀",
    "'",
    '"',
    "\\",
    "null",
    "x" * 500,
)
"""Texts that a contract must distinguish: all kinds of blank texts, and texts that only look odd."""

DAYS = (
    *(None, date(1, 1, 1), date(1989, 12, 31), date(1990, 1, 1), date(2099, 12, 31), date(2100, 1, 1)),
    *(DAY - timedelta(days=1), DAY, DAY, DAY, DAY + timedelta(days=1), DAY + timedelta(days=1)),
)

ANY: Mapping[str, Sequence[Any]] = {
    "shipment_id": ("SH1", "SH2", "SH3", None, *ODD),
    "origin_warehouse": ("NY_Warehouse", "NY_Warehouse", "ny_warehouse", None, *ODD),
    "destination_city": ("Chicago", "Los Angeles", "Los  Angeles", None, *ODD),
    "carrier": ("UPS", "Amazon Logistics", "UNKNOWN", "UPS ", None, *ODD),
    "shipment_weight_kg": (*map(Decimal, ("0", "0.001", "-0.001", "12.5", "999999999.999")), None),
    "shipment_volume_m3": (*map(Decimal, ("0", "0.001", "-0.001", "-999999999.999", "1")), None),
    "shipment_date": DAYS,
    "promised_date": DAYS,
    "delivery_date": DAYS,
    "delay_days": (-1, 0, 0, 0, 1, 1, 2**31 - 1, -(2**31), None),
    "delivery_status": ("Delivered", "Delivered", "Delayed", "Delayed", "In transit", "Cancelled", "delayed", "", None),
    "outcome": ("delivered", "delivered", "cancelled", "lost", "returned", "Delivered", "", None),
    "reported_at": (None, *(datetime(year, 11, 23, 12) for year in (1969, 1970, 2026, 9999))),
    "promised_at": (None, *(datetime(2026, 11, day, hour) for day, hour in ((25, 2), (26, 12), (27, 23)))),
    "delivered_at": (None, *(datetime(2026, 11, day, hour) for day, hour in ((26, 2), (27, 12), (28, 23)))),
    "route_distance_km": (*map(Decimal, ("0", "0.001", "-1", "40075.017", "40075.018", "9999999.999")), None),
    "shipping_cost": (*map(Decimal, ("0", "0.01", "-0.01", "36.12", "999999999999.99")), None),
}
"""Values of each column on both sides of every rule."""


@st.composite
def any_shipments(draw: st.DrawFn, *, most_wrong: int = 14) -> Row:
    """Draw a shipment that may break any rule: a valid one with arbitrary values in some columns."""
    wrong = draw(st.lists(st.sampled_from(CONTENT), unique=True, max_size=most_wrong))
    return {**SOUND, **{name: draw(st.sampled_from(ANY[name])) for name in wrong}}
