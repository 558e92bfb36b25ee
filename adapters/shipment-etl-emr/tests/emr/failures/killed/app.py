"""A job whose driver is killed, as if out of memory."""
import os
import signal
from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
print("read", spark.range(1000).count(), "rows", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
