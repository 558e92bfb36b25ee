"""Contract: what a valid shipment is, and what is wrong with an invalid one."""

from shipment_etl.pyspark_metadata import provide

# Before the modules of this package import pandera, which looks it up.
provide()
