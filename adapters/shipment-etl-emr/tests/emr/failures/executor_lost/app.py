"""A job whose executors are killed, as if out of memory."""
import os
import signal
from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()

def die(rows):
    worker = os.getppid()
    daemon_parent = int(open(f"/proc/{worker}/stat").read().split()[3])
    os.kill(daemon_parent, signal.SIGKILL)
    return rows

print(spark.sparkContext.parallelize(range(4), 1).mapPartitions(die).count())
