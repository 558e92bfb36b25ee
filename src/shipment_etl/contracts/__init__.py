"""Contract: what a shipment is, and what is wrong with one that is not."""

from shipment_etl.pyspark_metadata import provide

# Before the modules of this package import pandera, which asks for it.
provide()
