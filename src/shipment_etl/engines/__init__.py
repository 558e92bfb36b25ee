"""Engines: where sessions come from. The rest of the package only ever sees a SparkSession."""
