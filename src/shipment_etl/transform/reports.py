"""Reports: a source reports a shipment many times; its newest report counts.

Reports are ordered by reported_at. One without it counts as of the start of its batch date, and among reports of the same
moment the one in a later batch or a later row is newer.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from shipment_etl.contracts.columns import COLUMNS, IDENTITY, with_optional
from shipment_etl.hashing import hash_of

__all__ = ["MICROSECONDS_A_DAY", "moment", "order_reports", "repeated_ids", "suspects"]

MICROSECONDS_A_DAY = 86_400_000_000


def moment() -> Column:
    """Return the moment of a report: a long, microseconds since 1970 in UTC. Needs: reported_at, batch_date."""
    return F.coalesce(F.unix_micros("reported_at"), F.unix_date("batch_date").cast("long") * MICROSECONDS_A_DAY)


def repeated_ids(frame: DataFrame) -> DataFrame:
    """Find ids that may occur more than once.

    Columns:
        id_hash: long, xxhash64 of a shipment_id. A hash, because grouping by it takes a third of the time and memory
            of grouping by the id; `order_reports` separates ids that share a hash by chance.
    """
    hashes = frame.select(hash_of("shipment_id").alias("id_hash"))
    counted = hashes.groupBy("id_hash").agg(F.count(F.lit(1)).alias("rows"))
    return counted.where(F.col("rows") > 1).select("id_hash")


def suspects(frame: DataFrame, candidates: DataFrame) -> DataFrame:
    """Return the rows of a frame whose id may occur more than once, by its `repeated_ids`."""
    return candidates.join(frame.withColumn("id_hash", hash_of("shipment_id")), "id_hash").select(*frame.columns)


def order_reports(suspects: DataFrame) -> DataFrame:
    """Order the reports on each shipment; one with the same content as the one before it is left out.

    Args:
        suspects: shipments that break no rule of the contract, all that share an id, with source_row and batch_date.

    Columns:
        those of suspects; next_row: long, source_row of the report that overtook this one, null for the newest; is_tied:
        boolean, whether only the row number says which of the two is newer.
    """
    columns = suspects.columns
    # As text, because comparing a struct with the one before takes Sail three times as long.
    content = F.to_json(F.struct(*(F.col(name).cast("string").alias(name) for name in COLUMNS)))
    reports = with_optional(suspects).withColumns({"moment": moment(), "content": content})
    in_order = Window.partitionBy("shipment_id").orderBy("moment", IDENTITY)
    fresh = reports.withColumn("before", F.lag("content").over(in_order)).where(
        ~F.col("before").eqNullSafe(F.col("content"))
    )
    followed = fresh.withColumns(
        {"next_row": F.lead(IDENTITY).over(in_order), "next_moment": F.lead("moment").over(in_order)}
    )
    # Reports without a moment, as in a frame without batch dates, are tied as well.
    is_tied = F.col("next_row").isNotNull() & F.col("next_moment").eqNullSafe(F.col("moment"))
    return followed.select(*columns, "next_row", is_tied.alias("is_tied"))
