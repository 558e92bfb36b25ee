"""Sums of lane_days without an engine: they are of few rows, and an engine takes longer to plan than to compute them."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from shipment_etl.lake.older import complete_lane_days
from shipment_etl.lake.tables import LANE_MONTHS, schema_of
from shipment_etl.lake.written import empty_written
from shipment_etl.transform.lane_days import KEYS, SUMS

__all__ = ["NO_LANE_MONTHS", "sum_lane_days", "sum_net"]

NO_LANE_MONTHS = empty_written(LANE_MONTHS, schema_of(LANE_MONTHS.columns))
"""The table lane_months without files."""
TYPES = {each.name: each.type for each in NO_LANE_MONTHS.arrow if each.name in SUMS}


def sum_lane_days(rows: pa.Table, keys: Sequence[str]) -> pa.Table:
    """Sum rows of lane_days by keys; sums that an earlier release left null are 0."""
    summed = complete_lane_days(rows).group_by([*keys], use_threads=False).aggregate([(name, "sum") for name in SUMS])
    summed = summed.rename_columns([*keys, *SUMS])
    sums = {name: pc.fill_null(summed[name].cast(kind), pa.scalar(0).cast(kind)) for name, kind in TYPES.items()}
    return pa.table({**{name: summed[name] for name in keys}, **sums})


def sum_net(rows: pa.Table, *time: str) -> pa.Table:
    """Sum rows of lane_days by time, lane, carrier, state and delay, as `net_days` and `lane_months` do in an engine."""
    summed = sum_lane_days(rows, [*time, *KEYS])
    return summed.filter(pc.not_equal(summed["shipments"], 0))
