"""A job whose error was made of another one, and that warned before."""
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
