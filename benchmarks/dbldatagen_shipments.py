"""Shipments by another generator on classic Spark."""

from datetime import date

from pyspark.sql import DataFrame, SparkSession

from shipment_etl.network import Network

__all__ = ["generate"]


def generate(spark: SparkSession, day: date, rows: int) -> DataFrame:
    """Return shipments with the columns of `generate`, drawn by dbldatagen, with the simplest rules between columns."""
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
