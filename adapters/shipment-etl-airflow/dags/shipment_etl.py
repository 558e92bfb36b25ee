"""The two daily DAGs of shipment_etl, as Airflow finds them: put this file into the folder of DAGs."""

from shipment_etl_airflow import data_generation, data_processing

generation = data_generation()
processing = data_processing()
