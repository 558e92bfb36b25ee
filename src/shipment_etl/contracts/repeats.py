"""Repeats: shipments whose id stands more than once in a batch; one is kept, the others are told apart."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from shipment_etl.contracts.compile import column_named, quoted, reason
from shipment_etl.contracts.models import COLUMNS, IDENTITY

__all__ = ["CONFLICT", "DUPLICATE", "conflicting", "repeated_ids", "settle", "suspects"]

CONFLICT = "conflict"
DUPLICATE = "duplicate"
RULE = "unique_id"


def repeated_ids(frame: DataFrame) -> DataFrame:
    """Find ids that may stand more than once.

    Columns:
        id_hash: long, xxhash64 of a shipment_id. A hash, because grouping by it takes a third of the time and memory
            of grouping by the id; what two ids share by chance, `settle` tells apart.
    """
    hashes = frame.select(F.xxhash64("shipment_id").alias("id_hash"))
    counted = hashes.groupBy("id_hash").agg(F.count(F.lit(1)).alias("rows"))
    return counted.where(F.col("rows") > 1).select("id_hash")


def suspects(frame: DataFrame, candidates: DataFrame) -> DataFrame:
    """Return the rows of a frame whose id may stand more than once, by its `repeated_ids`."""
    return candidates.join(frame.withColumn("id_hash", F.xxhash64("shipment_id")), "id_hash").select(*frame.columns)


def settle(sound: DataFrame, candidates: DataFrame) -> DataFrame:
    """Decide about sound rows that share an id.

    Args:
        sound: shipments that break no rule of the contract, whose columns are the content that is compared.
        candidates: `repeated_ids` of a frame that holds them.

    Columns:
        source_row: long, a row that is not to be kept.
        repeat: string, duplicate (the kept row has the same id and content) or conflict (same id, other content).
        kept_row: long, the row that is kept for the id.
    """
    rows = suspects(sound.select(IDENTITY, *COLUMNS), candidates)
    same_id = Window.partitionBy("shipment_id")
    same_content = Window.partitionBy(*COLUMNS)
    ranked = rows.select(
        IDENTITY,
        F.min(IDENTITY).over(same_id).alias("kept_row"),
        F.min(IDENTITY).over(same_content).alias("first_row"),
    )
    # A copy of a row that lost its id is no duplicate: nothing of what it says is kept.
    repeat = F.when(F.col("first_row") > F.col("kept_row"), CONFLICT).when(F.col(IDENTITY) > F.col("first_row"), DUPLICATE)
    return ranked.select(IDENTITY, repeat.alias("repeat"), "kept_row").where(F.col("repeat").isNotNull())


def conflicting(frame: DataFrame, conflicts: DataFrame) -> DataFrame:
    """Return the rows that lost their id to another, with their reason."""
    said = F.concat(
        F.lit("shipment_id is "),
        quoted(F.col("shipment_id")),
        F.lit(", which row "),
        F.col("reasons").cast("string"),
        F.lit(" has with other content"),
    )
    # Under the one name that no column of the frame has.
    kept_rows = conflicts.select(IDENTITY, F.col("kept_row").alias("reasons"))
    columns = map(column_named, frame.columns)
    return kept_rows.join(frame, IDENTITY).select(*columns, F.array(reason(RULE, "shipment_id", said)).alias("reasons"))
