"""A user's job that fails on its data."""
from pyspark.sql import SparkSession

def days(rows):
    return {row["id"]: 100 // row["transit_days"] for row in rows}

spark = SparkSession.builder.getOrCreate()
rows = spark.range(3).selectExpr("id", "cast(id as int) as transit_days").collect()
print("read", len(rows), "rows")
print(days(rows))
