"""A job whose error was caused by another one, after a warning."""
import logging
from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
try:
    int("1st")
except ValueError:
    logging.exception("a line is skipped")
try:
    {}["carrier"]
except KeyError as problem:
    raise RuntimeError("the mapping names no carrier") from problem
