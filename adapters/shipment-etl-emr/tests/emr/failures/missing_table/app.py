"""A job that reads what is not there."""
from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
print(spark.read.parquet("/mnt/tmp/nowhere/raw").count())
