"""What classic Spark is asked to do without this package: another generator, and the pipeline that this one replaces."""

from datetime import date
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from shipment_etl.network import Network

__all__ = ["by_dbldatagen", "naive"]


def by_dbldatagen(spark: SparkSession, day: date, rows: int) -> DataFrame:
    """Shipments with the columns of `generate`, drawn by dbldatagen; the rules between columns as plain as they can be."""
    import dbldatagen as dg

    network = Network.default()
    warehouses, cities, carriers = (
        [each.name for each in kind] for kind in (network.warehouses, network.cities, network.carriers)
    )
    return (
        dg.DataGenerator(spark, rows=rows, partitions=2, randomSeed=7)
        .withColumn("shipment_id", "string", expr=f"concat('SH{day:%Y%m%d}-', lpad(id, 9, '0'))")
        .withColumn("origin_warehouse", "string", values=warehouses, random=True)
        .withColumn("destination_city", "string", values=cities, random=True)
        .withColumn("carrier", "string", values=carriers, random=True)
        .withColumn("shipment_weight_kg", "decimal(12,3)", minValue=0.1, maxValue=50.0, step=0.001, random=True)
        .withColumn("shipment_volume_m3", "decimal(12,3)", minValue=0.001, maxValue=1.0, step=0.001, random=True)
        .withColumn("shipment_date", "date", expr=f"date'{day}'")
        .withColumn("transit", "int", minValue=1, maxValue=7, random=True, omit=True)
        .withColumn("delay_days", "int", minValue=-2, maxValue=9, random=True)
        .withColumn(
            "promised_date", "date", expr="date_add(shipment_date, transit)", baseColumn=["shipment_date", "transit"]
        )
        .withColumn(
            "delivery_date", "date", expr="date_add(promised_date, delay_days)", baseColumn=["promised_date", "delay_days"]
        )
        .withColumn("delivery_status", "string", expr="if(delay_days > 0, 'Delayed', 'Delivered')", baseColumn="delay_days")
        .withColumn("route_distance_km", "decimal(10,3)", minValue=100.0, maxValue=4500.0, step=0.1, random=True)
        .withColumn(
            "shipping_cost",
            "decimal(14,2)",
            expr="cast(20 + 0.5 * shipment_weight_kg + 0.01 * route_distance_km as decimal(14,2))",
            baseColumn=["shipment_weight_kg", "route_distance_km"],
        )
        .withColumn("batch_date", "date", expr=f"date'{day}'")
        .withColumn("source_file", "string", expr="'dbldatagen'")
        .withColumn("source_row", "long", expr="id + 1")
        .build()
    )


def naive(spark: SparkSession, raw: str, target: Path) -> None:
    """Process shipments as it was done before: five reads, one for each mart, a sort of the whole, and no roll-up."""

    def read() -> DataFrame:
        shipments = spark.read.parquet(raw)
        sound = shipments.dropna().where(
            (F.col("shipment_weight_kg") > 0) & (F.col("delivery_date") >= F.col("shipment_date"))
        )
        transit = F.datediff("delivery_date", "shipment_date")
        return sound.dropDuplicates(["shipment_id"]).withColumn("transit_days", transit)

    def write(frame: DataFrame, name: str) -> None:
        frame.write.mode("overwrite").parquet(f"{target}/{name}")

    late = F.avg((F.col("delay_days") > 0).cast("int") * 100).alias("delayed_pct")
    write(read().orderBy("shipment_date", "origin_warehouse", "destination_city", "carrier", "shipment_id"), "shipments")
    write(
        read().groupBy("carrier").agg(F.count("*").alias("shipments"), late, F.avg("delay_days").alias("avg_delay")),
        "carrier_performance",
    )
    cost_per_km = F.avg(F.col("shipping_cost") / F.col("route_distance_km")).alias("cost_per_km")
    write(read().groupBy("origin_warehouse", "destination_city").agg(F.avg("transit_days"), cost_per_km), "route_efficiency")
    write(
        read().groupBy(F.date_format("shipment_date", "yyyy-MM").alias("month"), "carrier").agg(F.sum("shipping_cost")),
        "cost_analysis",
    )
    week = Window.partitionBy("destination_city").orderBy("shipment_date").rowsBetween(-6, 0)
    trends = read().groupBy("shipment_date", "destination_city").agg(F.count("*").alias("shipments"), late)
    write(trends.withColumn("delayed_pct_7d", F.avg("delayed_pct").over(week)), "delay_trends")
