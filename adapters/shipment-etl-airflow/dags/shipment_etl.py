"""The DAGs of shipment_etl, two daily ones and a check: put this file into Airflow's DAGs folder."""

from shipment_etl_airflow import check, data_generation, data_processing

generation = data_generation()
processing = data_processing()
checking = check()
