"""Totals: the totals of a lake and the differences between two lakes, from exact sums of lane_days."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pyarrow as pa

from shipment_etl.reporting.comparison.difference import Difference, difference
from shipment_etl.reporting.findings import Share, clearly_differ
from shipment_etl.thresholds import LATE_DAYS

__all__ = ["COLUMNS", "TOTALS", "Sums", "compare_totals", "sum_up"]

KEYS = ("shipment_date", "delay_days")
SUMMED = ("shipments", "cost_shipments", "cost")
COLUMNS = (*KEYS, *SUMMED)
"""The columns of lane_days that are read."""

TOTALS = {
    "shipments": ("Shipments", ""),
    "with_delay": ("Delivered, with a promise", ""),
    "late_2plus_pct": ("Two or more days late", "%"),
    "days_late": ("Days of delay", ""),
    "avg_delay_days": ("Mean delay", "days"),
    "avg_cost": ("Cost per shipment", "currency"),
    "total_cost": ("Total cost", "currency"),
}
"""Name of a total → its heading and its unit."""


@dataclass(frozen=True, slots=True)
class Sums:
    """The totals of a lake.

    Attributes:
        first, last: days of shipment; None if there are no shipments.
        shipments: all except cancelled ones.
        with_delay: delivered shipments that had a promised date.
        late: those of them that were two or more days late.
        days_late: days of delay over all of them, with early ones counting as 0.
        priced: shipments with a known cost.
        cost: sum of their costs.
    """

    first: date | None = None
    last: date | None = None
    shipments: int = 0
    with_delay: int = 0
    late: int = 0
    days_late: int = 0
    priced: int = 0
    cost: Decimal = Decimal(0)

    @property
    def late_share(self) -> Share:
        """Shipments two or more days late."""
        return Share(self.late, self.with_delay)


def sum_up(lane_days: Iterable[pa.RecordBatch]) -> Sums:
    """Sum rows of lane_days batch by batch, so that years of them need little memory; only `COLUMNS` are used."""
    parts = [_group(pa.Table.from_batches([batch.select(COLUMNS)])) for batch in lane_days if batch.num_rows]
    if not parts:
        return Sums()
    # A batch subtracts what it overtakes: a sum of 0 means that the shipments moved to other rows.
    rows = [row for row in _group(pa.concat_tables(parts)).to_pylist() if row["shipments"]]
    known = [row for row in rows if row["delay_days"] is not None]
    days = [row["shipment_date"] for row in rows]
    return Sums(
        first=min(days, default=None),
        last=max(days, default=None),
        shipments=sum(row["shipments"] for row in rows),
        with_delay=sum(row["shipments"] for row in known),
        late=sum(row["shipments"] for row in known if row["delay_days"] >= LATE_DAYS),
        days_late=sum(row["shipments"] * max(0, row["delay_days"]) for row in known),
        priced=sum(row["cost_shipments"] for row in rows),
        cost=sum((row["cost"] or Decimal(0) for row in rows), Decimal(0)),
    )


def compare_totals(a: Sums, b: Sums) -> dict[str, Difference]:
    """Return the differences between two lakes, by the names of `TOTALS`."""
    clear = clearly_differ(a.late_share, b.late_share) if a.with_delay and b.with_delay else None
    return {
        "shipments": difference(a.shipments, b.shipments),
        "with_delay": difference(a.with_delay, b.with_delay),
        "late_2plus_pct": difference(_late_pct(a), _late_pct(b), clear),
        "days_late": difference(a.days_late, b.days_late),
        "avg_delay_days": difference(_ratio(a.days_late, a.with_delay), _ratio(b.days_late, b.with_delay)),
        "avg_cost": difference(_ratio(a.cost, a.priced), _ratio(b.cost, b.priced)),
        "total_cost": difference(a.cost if a.priced else None, b.cost if b.priced else None),
    }


def _group(rows: pa.Table) -> pa.Table:
    return rows.group_by(list(KEYS)).aggregate([(name, "sum") for name in SUMMED]).rename_columns(list(COLUMNS))


def _late_pct(sums: Sums) -> float | None:
    return sums.late_share.pct if sums.with_delay else None


def _ratio(part: int | Decimal, whole: int) -> float | None:
    return float(part / whole) if whole else None
