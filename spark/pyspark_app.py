"""Cluster step of the data processor: spark-submit spark/pyspark_app.py --lake URI --date YYYY-MM-DD"""

from shipment_etl.cli.step import step

if __name__ == "__main__":
    step("process")
