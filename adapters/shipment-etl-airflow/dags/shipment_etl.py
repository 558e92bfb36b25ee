"""The DAGs of shipment_etl, two daily ones and a check, as Airflow finds them: put this file into the folder of DAGs."""

from shipment_etl_airflow import check, data_generation, data_processing

generation = data_generation()
processing = data_processing()
checking = check()
