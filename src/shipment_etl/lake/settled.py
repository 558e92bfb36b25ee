"""Settled rows: quarantined rows whose shipment was accepted in a later batch."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import pyarrow.compute as pc

from shipment_etl.lake.damage import explain_errors
from shipment_etl.lake.lake import Lake
from shipment_etl.lake.tables import SHIPMENTS

__all__ = ["SETTLED_BY", "add_settled"]

SETTLED_BY = "settled_by"


def add_settled(lake: Lake, rows: Iterable[dict[str, Any]], version: int | None) -> list[dict[str, Any]]:
    """Return rows of the quarantine with the date of the later batch that holds their shipment, null where none does.

    Args:
        lake: the lake.
        rows: rows of the quarantine.
        version: version of shipments, the newest if None.

    Columns:
        settled_by: date, the batch of the newest report on the shipment, where it is a later one.
    """
    rows = list(rows)
    newest = _newest(lake, {str(row["shipment_id"]) for row in rows if row.get("shipment_id")}, version)
    return [{**row, SETTLED_BY: _pick_later(newest.get((row["source"], row.get("shipment_id"))), row)} for row in rows]


def _newest(lake: Lake, ids: set[str], version: int | None) -> dict[tuple[str, str | None], date]:
    if not ids or not lake.has(SHIPMENTS.name):
        return {}
    with explain_errors(lake, {SHIPMENTS.name: version}):
        known = lake.dataset(SHIPMENTS.name, version)
        found = known.to_table(["source", "shipment_id", "batch_date"], filter=pc.field("shipment_id").isin(sorted(ids)))
    return {(row["source"], row["shipment_id"]): row["batch_date"] for row in found.to_pylist()}


def _pick_later(batch: date | None, row: dict[str, Any]) -> date | None:
    return batch if batch is not None and batch > row["batch_date"] else None
