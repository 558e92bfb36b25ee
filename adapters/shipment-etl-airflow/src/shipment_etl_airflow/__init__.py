"""Runs the jobs of shipment_etl from Airflow: two daily DAGs, a cluster each, whose colours are true."""

from shipment_etl_airflow.dags import MARTS, RAW, data_generation, data_processing, job_dag
from shipment_etl_airflow.operators import EmrJobOperator

__all__ = ["MARTS", "RAW", "EmrJobOperator", "data_generation", "data_processing", "job_dag"]
