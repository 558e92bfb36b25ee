"""A job that fails inside Spark."""
from pyspark.sql import SparkSession

spark = SparkSession.builder.config("spark.sql.ansi.enabled", "true").getOrCreate()
spark.range(10).selectExpr("cast(concat('x', id) as int) as n").write.mode("overwrite").parquet("/mnt/tmp/out")
