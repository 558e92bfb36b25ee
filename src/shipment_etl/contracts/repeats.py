"""Repeats: shipments whose id stands more than once in a batch; one is kept, the others are told apart."""

from collections.abc import Iterable

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from shipment_etl.contracts.compile import quoted, reason
from shipment_etl.contracts.models import COLUMNS, IDENTITY
from shipment_etl.hashing import hash_of

__all__ = ["CONFLICT", "DUPLICATE", "conflict_reasons", "repeated_ids", "settle", "suspects"]

CONFLICT = "conflict"
DUPLICATE = "duplicate"
RULE = "unique_id"


def repeated_ids(frame: DataFrame) -> DataFrame:
    """Find ids that may stand more than once.

    Columns:
        id_hash: long, xxhash64 of a shipment_id. A hash, because grouping by it takes a third of the time and memory
            of grouping by the id; what two ids share by chance, `settle` tells apart.
    """
    hashes = frame.select(hash_of("shipment_id").alias("id_hash"))
    counted = hashes.groupBy("id_hash").agg(F.count(F.lit(1)).alias("rows"))
    return counted.where(F.col("rows") > 1).select("id_hash")


def suspects(frame: DataFrame, candidates: DataFrame) -> DataFrame:
    """Return the rows of a frame whose id may stand more than once, by its `repeated_ids`."""
    return candidates.join(frame.withColumn("id_hash", hash_of("shipment_id")), "id_hash").select(*frame.columns)


def settle(suspects: DataFrame, columns: Iterable[str]) -> DataFrame:
    """Decide which of the rows that share an id is kept.

    Args:
        suspects: shipments that break no rule of the contract, all of those that share an id; what they say in the columns
            of the contract is compared.
        columns: to return. Few, where few are needed: the plans of Spark get slow with each.

    Columns:
        those asked for, source_row, and repeat: string, null for a row that is kept, duplicate (the kept row has the same id
        and content) or conflict (same id, other content); kept_row: long, the row that is kept for the id.
    """
    same_id = Window.partitionBy("shipment_id")
    same_content = Window.partitionBy(*COLUMNS)
    ranked = suspects.select(
        *columns,
        IDENTITY,
        F.min(IDENTITY).over(same_id).alias("kept_row"),
        F.min(IDENTITY).over(same_content).alias("first_row"),
    )
    # A copy of a row that lost its id is no duplicate: nothing of what it says is kept.
    repeat = F.when(F.col("first_row") > F.col("kept_row"), CONFLICT).when(F.col(IDENTITY) > F.col("first_row"), DUPLICATE)
    return ranked.select(*columns, IDENTITY, repeat.alias("repeat"), "kept_row")


def conflict_reasons() -> Column:
    """Return the reasons against a row that lost its id to another, by its column kept_row."""
    message = F.concat(
        F.lit("shipment_id is "),
        quoted(F.col("shipment_id")),
        F.lit(", which row "),
        F.col("kept_row").cast("string"),
        F.lit(" has with other content"),
    )
    return F.array(reason(RULE, "shipment_id", message))
