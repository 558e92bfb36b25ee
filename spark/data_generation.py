"""Cluster step of the data generator: spark-submit spark/data_generation.py --lake URI --date YYYY-MM-DD --rows N"""

from shipment_etl.cli.step import step

if __name__ == "__main__":
    step("generate")
