"""Chains: the reports on each shipment in order, each with the next newer one."""

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["NEXT_BATCH", "NEXT_ROW", "REPORTS", "TIED", "link"]

NEXT_BATCH, NEXT_ROW, TIED = "next_batch", "next_row", "is_tied"
REPORTS = pa.schema(
    [
        ("shipment_id", pa.string()),
        ("moment", pa.int64()),
        ("batch_date", pa.date32()),
        ("source_row", pa.int64()),
    ]
)
"""Columns that order reports; any other columns are passed through."""


def link(reports: pa.Table) -> pa.Table:
    """Return reports in order, with the one that overtakes each.

    Columns:
        those of reports; next_batch: date, next_row: long, of the next newer report on the same shipment, null for the
        newest; is_tied: boolean, whether both are of the same moment.
    """
    ordered = reports.sort_by([(name, "ascending") for name in REPORTS.names])
    following = ordered.select(REPORTS.names).slice(1)
    last = pa.Table.from_pylist([dict.fromkeys(REPORTS.names)], schema=following.schema)
    following = pa.concat_tables([following, last]).slice(0, ordered.num_rows)
    same = pc.fill_null(pc.equal(ordered["shipment_id"], following["shipment_id"]), False)
    none = {name: pa.scalar(None, following.schema.field(name).type) for name in ("batch_date", "source_row")}
    next_batch, next_row = (pc.if_else(same, following[name], none[name]) for name in none)
    tied = pc.and_(same, pc.fill_null(pc.equal(ordered["moment"], following["moment"]), False))
    return ordered.append_column(NEXT_BATCH, next_batch).append_column(NEXT_ROW, next_row).append_column(TIED, tied)
