"""Older rows: rows of lane_days from an earlier release, completed with the columns of this one."""

import pyarrow as pa
import pyarrow.compute as pc

from shipment_etl.life import DELIVERED
from shipment_etl.thresholds import DELAYED_DAYS
from shipment_etl.transform.lane_days import SUMS

__all__ = ["complete_lane_days"]


def complete_lane_days(rows: pa.Table) -> pa.Table:
    """Return rows of lane_days with all keys and sums.

    In releases without states, all shipments were delivered; in releases without times, those were on time that arrived on
    their promised day or before. Other missing sums are 0.
    """
    if "state" not in rows.column_names:
        rows = rows.append_column("state", pa.repeat(pa.scalar(DELIVERED), rows.num_rows))
        rows = rows.append_column("due_date", pa.nulls(rows.num_rows, pa.date32()))
    if "on_time_shipments" not in rows.column_names:
        on_time = pc.fill_null(pc.less(rows["delay_days"], DELAYED_DAYS), False)
        rows = rows.append_column("on_time_shipments", pc.if_else(on_time, rows["shipments"], 0))
    for name in SUMS:
        if name not in rows.column_names:
            rows = rows.append_column(name, pa.repeat(pa.scalar(0, pa.int64()), rows.num_rows))
    return rows
