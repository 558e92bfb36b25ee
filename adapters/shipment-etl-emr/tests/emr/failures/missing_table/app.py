"""A job that reads a missing table."""
from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
print(spark.read.parquet("/mnt/tmp/nowhere/raw").count())
