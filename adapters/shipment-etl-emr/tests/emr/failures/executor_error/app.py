"""A job whose function fails on the executors."""
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

spark = SparkSession.builder.getOrCreate()

@udf("double")
def per_kilo(cost, weight):
    return cost / weight

spark.range(5).selectExpr("id", "cast(id as double) as cost", "cast(id - 3 as double) as weight").withColumn(
    "per_kilo", per_kilo("cost", "weight")
).write.mode("overwrite").parquet("/mnt/tmp/out")
