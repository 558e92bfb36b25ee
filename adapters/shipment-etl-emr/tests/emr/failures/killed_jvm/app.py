import os
import signal
from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
print("read", spark.range(1000).count(), "rows", flush=True)
os.kill(os.getppid(), signal.SIGKILL)
spark.range(10).count()
