"""Columns of a shipment: their names and types, for code that does not validate rows.

Separate from the model, because importing pandera takes longer than most commands take to run.
"""

from collections.abc import Mapping
from types import MappingProxyType

import pyspark.sql.types as T
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

__all__ = ["COLUMNS", "IDENTITY", "LINEAGE", "MAY_BE_UNKNOWN", "MEASURES", "OPTIONAL", "TYPES", "with_optional"]

TYPES: Mapping[str, T.DataType] = MappingProxyType(
    {
        "shipment_id": T.StringType(),
        "origin_warehouse": T.StringType(),
        "destination_city": T.StringType(),
        "carrier": T.StringType(),
        "shipment_weight_kg": T.DecimalType(12, 3),
        "shipment_volume_m3": T.DecimalType(12, 3),
        "shipment_date": T.DateType(),
        "promised_date": T.DateType(),
        "delivery_date": T.DateType(),
        "delay_days": T.IntegerType(),
        "delivery_status": T.StringType(),
        "route_distance_km": T.DecimalType(10, 3),
        "shipping_cost": T.DecimalType(14, 2),
        "outcome": T.StringType(),
        "reported_at": T.TimestampType(),
        "promised_at": T.TimestampType(),
        "delivered_at": T.TimestampType(),
    }
)
"""Column of a shipment → its type, in the order of the contract; `Shipment` describes each column."""

COLUMNS: tuple[str, ...] = tuple(TYPES)

IDENTITY = "source_row"
"""The column that identifies the rows of a batch: the row number in the file, or from the generator."""

LINEAGE: Mapping[str, str] = MappingProxyType(
    {"source": "string", "batch_date": "date", "source_file": "string", IDENTITY: "bigint"}
)
"""Column that says where a row comes from → its type in SQL."""

OPTIONAL = ("outcome", "reported_at", "promised_at", "delivered_at")
"""Columns that a frame of shipments may lack."""

MEASURES = ("shipment_weight_kg", "shipment_volume_m3", "route_distance_km", "shipping_cost")
MAY_BE_UNKNOWN = ("promised_date", *MEASURES)
"""Columns that may be unknown, if the source declares it."""


def with_optional(frame: DataFrame) -> DataFrame:
    """Add the optional columns that a frame of shipments lacks, as nulls."""
    columns = frame.columns
    missing = {name: F.lit(None).cast(TYPES[name]) for name in OPTIONAL if name not in columns}
    return frame.withColumns(missing) if missing else frame
