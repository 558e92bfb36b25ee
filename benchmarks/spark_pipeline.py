"""The same work by hand on classic Spark: the pipeline that this package replaces, plain and with the same promises."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

from promises import Checksum, account
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from shipment_etl.contracts.columns import COLUMNS, with_optional
from shipment_etl.contracts.models import contract
from shipment_etl.contracts.split import judge

__all__ = ["naive", "naive_with_promises"]


def naive(spark: SparkSession, raw: str, target: Path) -> None:
    """Process shipments like the old pipeline: five reads, one for each mart, a sort of all rows, and no roll-up.

    Rows with a null or a negative duration are dropped silently, and of rows with the same id an arbitrary one is kept.
    """

    def read() -> DataFrame:
        shipments = spark.read.parquet(raw)
        sound = shipments.dropna().where(
            (F.col("shipment_weight_kg") > 0) & (F.col("delivery_date") >= F.col("shipment_date"))
        )
        transit = F.datediff("delivery_date", "shipment_date")
        return sound.dropDuplicates(["shipment_id"]).withColumn("transit_days", transit)

    def write(frame: DataFrame, name: str) -> None:
        frame.write.mode("overwrite").parquet(f"{target}/{name}")

    order = ("shipment_date", "origin_warehouse", "destination_city", "carrier", "shipment_id")
    write(read().orderBy(*order), "shipments")
    for name, make in MARTS.items():
        write(make(read()), name)


def naive_with_promises(spark: SparkSession, raw: str, lake: Path, day: date) -> dict[str, Checksum]:
    """Process shipments step by step as a careful script would, with the guarantees of this package; return the checksums.

    The rules are those of the package, as one column of reasons; reports are ordered by window functions over the batch;
    Spark writes and reads the tables as Delta tables, and each mart reads the clean table.
    """
    started = datetime.now(UTC).isoformat()
    batch = with_optional(spark.read.parquet(raw)).withColumn("batch_date", F.lit(day))
    sound, rejected = judge(batch, contract()).parts(batch)
    in_order, content = Window.partitionBy("shipment_id").orderBy("source_row"), F.struct(*COLUMNS)
    ranked = sound.withColumn("says_the_same", F.lag(content).over(in_order).eqNullSafe(content))
    reports = ranked.where(~F.col("says_the_same")).withColumn("next_row", F.lead("source_row").over(in_order))
    newest, older = reports.where(F.col("next_row").isNull()), reports.where(F.col("next_row").isNotNull())
    original = F.to_json(F.create_map(*(part for name in COLUMNS for part in (F.lit(name), F.col(name).cast("string")))))

    def replace(name: str, rows: DataFrame, by_day: bool = False) -> DataFrame:
        path = str(lake / name)
        writer = rows.write.format("delta").mode("overwrite")
        if by_day:
            writer = writer.partitionBy("batch_date").option("replaceWhere", f"batch_date = '{day}'")
        writer.save(path)
        return spark.read.format("delta").load(path)

    clean = replace("shipments", _derive(newest), by_day=True)
    overtaken = replace("overtaken", _derive(older, F.col("next_row").alias("overtaken_by_row")), by_day=True)
    lineage = ("batch_date", "source_file", "source_row", "reasons")
    rejects = replace("quarantine", rejected.select(*lineage, original.alias("original")), by_day=True)
    written = {"shipments": clean, "overtaken": overtaken, "quarantine": rejects}
    for name, make in MARTS.items():
        written[name] = replace(name, make(clean))
    counts = {"read": batch.count(), "duplicates": ranked.where("says_the_same").count()}
    words = {name: _checksum(rows) for name, rows in written.items()}
    accounted = account(counts, words)
    log = {"run_id": uuid4().hex, "batch_date": day, "started_at": started, **accounted, "report": json.dumps(words)}
    spark.createDataFrame([log]).write.format("delta").mode("append").save(str(lake / "runs"))
    return words


def _derive(sound: DataFrame, *more: Column) -> DataFrame:
    delay, cost = F.col("delay_days"), F.col("shipping_cost").cast("double")
    by_volume = F.expr("cast(shipment_volume_m3 * cast(166.667 as decimal(6,3)) as decimal(15,3))")
    classes = F.when(delay < 0, "early").when(delay == 0, "on_time").when(delay == 1, "late_1").otherwise("late_2plus")
    return sound.select(
        *COLUMNS,
        *("batch_date", "source_file", "source_row"),
        F.datediff("delivery_date", "shipment_date").alias("transit_days"),
        classes.alias("delay_class"),
        F.greatest(F.col("shipment_weight_kg").cast("decimal(15,3)"), by_volume).alias("chargeable_weight_kg"),
        (cost / F.col("shipment_weight_kg").cast("double")).alias("cost_per_kg"),
        (cost / F.col("route_distance_km").cast("double")).alias("cost_per_km"),
        *more,
    )


def _checksum(rows: DataFrame) -> Checksum:
    """Read a table back; return its number of rows and a checksum of their content."""
    hashes = rows.select(F.xxhash64(*rows.columns).alias("h"))
    low = F.sum(F.col("h").bitwiseAND(F.lit((1 << 32) - 1)))
    count, xor, total = hashes.agg(F.count("*"), F.expr("bit_xor(h)"), low).first()
    return count, f"{xor or 0:x}-{total or 0:x}"


def _late() -> Column:
    return F.avg((F.col("delay_days") > 0).cast("int") * 100).alias("delayed_pct")


def _carrier_performance(clean: DataFrame) -> DataFrame:
    return clean.groupBy("carrier").agg(F.count("*").alias("shipments"), _late(), F.avg("delay_days").alias("avg_delay"))


def _route_efficiency(clean: DataFrame) -> DataFrame:
    cost_per_km = F.avg(F.col("shipping_cost") / F.col("route_distance_km")).alias("cost_per_km")
    lanes = clean.groupBy("origin_warehouse", "destination_city")
    return lanes.agg(F.avg("transit_days").alias("avg_transit_days"), cost_per_km)


def _cost_analysis(clean: DataFrame) -> DataFrame:
    months = clean.groupBy(F.date_format("shipment_date", "yyyy-MM").alias("month"), "carrier")
    return months.agg(F.sum("shipping_cost").alias("total_cost"))


def _delay_trends(clean: DataFrame) -> DataFrame:
    week = Window.partitionBy("destination_city").orderBy("shipment_date").rowsBetween(-6, 0)
    trends = clean.groupBy("shipment_date", "destination_city").agg(F.count("*").alias("shipments"), _late())
    return trends.withColumn("delayed_pct_7d", F.avg("delayed_pct").over(week))


MARTS = {
    "carrier_performance": _carrier_performance,
    "route_efficiency": _route_efficiency,
    "cost_analysis": _cost_analysis,
    "delay_trends": _delay_trends,
}
