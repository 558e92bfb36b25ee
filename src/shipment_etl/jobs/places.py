"""Places: the files of shipments and overtaken that hold reports, and how they are read."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shipment_etl.dates import as_date
from shipment_etl.jobs.chains import REPORTS
from shipment_etl.jobs.work import Work
from shipment_etl.lake.commits import DataFile
from shipment_etl.lake.tables import OVERTAKEN, SHIPMENTS, Table
from shipment_etl.lake.written import cast_columns, repeats
from shipment_etl.life import DELIVERED
from shipment_etl.transform.reports import MICROSECONDS_A_DAY

__all__ = [
    "BY_BATCH",
    "BY_ROW",
    "LINKS",
    "PLACE",
    "POSITION",
    "Place",
    "is_of",
    "places_of",
    "read_links",
    "read_whole",
    "report_schema",
]

BY_BATCH, BY_ROW = "overtaken_by_batch", "overtaken_by_row"
PLACE, POSITION = "place", "position"
LINKS = pa.schema([*REPORTS, (BY_BATCH, pa.date32()), (BY_ROW, pa.int64()), (PLACE, pa.int64()), (POSITION, pa.int64())])
"""Columns of a report: what orders it, what has overtaken it so far, and where it is."""
NARROW = ("shipment_id", "source_row", "reported_at", "batch_date", BY_ROW)
ANOTHER_ROW = -1


@dataclass(frozen=True, slots=True)
class Place:
    """A file with reports.

    Attributes:
        table: shipments or overtaken.
        file: a file of the table, or one that will be added to it.
        is_own: whether the job has written it.
    """

    table: Table
    file: DataFile
    is_own: bool = False

    @property
    def by(self) -> date | None:
        """The batch that has overtaken all of its reports; None in shipments."""
        return as_date(self.file.partition[BY_BATCH]) if self.table is OVERTAKEN else None


def places_of(work: Work, table: Table) -> list[Place]:
    """Return the places of a table with reports of the job's source."""
    return [Place(table, each) for each in work.files(table.name) if each.partition["source"] == work.start.source]


def read_links(work: Work, place: Place, number: int, wanted: pa.Array | None = None) -> pa.Table:
    """Return the `LINKS` of a place, only those of wanted ids if not None. `number` is the number of the place.

    Reports that the job's batch had overtaken before get a row number that matches none, so that all of them are redone.
    """
    rows = work.lake.content(place.table.name, place.file.path, NARROW)
    count, by = rows.num_rows, place.by
    batch = _column(rows, "batch_date", _batch_of(place))
    midnight = pc.multiply(batch.cast(pa.int32()).cast(pa.int64()), MICROSECONDS_A_DAY)
    reported = _column(rows, "reported_at", pa.scalar(None, pa.timestamp("us"))).cast(pa.timestamp("us")).cast(pa.int64())
    again = by == work.start.batch_date and not place.is_own
    columns = {
        "shipment_id": rows["shipment_id"].cast(pa.string()),
        "moment": pc.coalesce(reported, midnight),
        "batch_date": batch,
        "source_row": rows["source_row"].cast(pa.int64()),
        BY_BATCH: pa.repeat(pa.scalar(by, pa.date32()), count),
        BY_ROW: pa.repeat(ANOTHER_ROW, count) if again else _column(rows, BY_ROW, pa.scalar(None, pa.int64())),
        PLACE: pa.repeat(number, count),
        POSITION: pa.array(np.arange(count)),
    }
    links = pa.table(columns).cast(LINKS)
    return links if wanted is None else links.filter(pc.is_in(links["shipment_id"], value_set=wanted))


def report_schema(overtaken: pa.Schema) -> pa.Schema:
    """Return the columns of shipments and the overtaking row, with the types that they have in overtaken."""
    return pa.schema([overtaken.field(name) for name in (*SHIPMENTS.columns, BY_ROW)])


def read_whole(work: Work, place: Place, schema: pa.Schema) -> pa.Table:
    """Return the reports of a place with the columns of `report_schema`, but with text encoded.

    Args:
        work: the job.
        place: the place.
        schema: as `report_schema` returns it.
    """
    rows = work.lake.content(place.table.name, place.file.path, encoded=repeats)
    known: dict[str, pa.Scalar] = {"source": pa.scalar(work.start.source), "batch_date": _batch_of(place)}
    names = set(rows.column_names)
    if "outcome" not in names:
        # Releases without this column only accepted delivered shipments.
        known["outcome"] = pa.scalar(DELIVERED)
    for each in schema:
        if each.name not in names:
            rows = rows.append_column(each.name, pa.repeat(known.get(each.name, pa.scalar(None, each.type)), rows.num_rows))
    return cast_columns(rows, schema)


def is_of(rows: pa.Table, batch: date, column: str = "batch_date") -> pa.ChunkedArray:
    """Return whether rows are of a batch; false where the column is null."""
    return pc.fill_null(pc.equal(rows[column], pa.scalar(batch)), False)


def _batch_of(place: Place) -> pa.Scalar:
    value = place.file.partition.get("batch_date")
    return pa.scalar(None if value is None else as_date(value), pa.date32())


def _column(rows: pa.Table, name: str, otherwise: pa.Scalar) -> pa.ChunkedArray | pa.Array:
    return rows[name] if name in rows.column_names else pa.repeat(otherwise, rows.num_rows)
