"""Runs the jobs of shipment_etl from Airflow: two daily DAGs, each on its own cluster.

The names below are the public interface; each is imported when it is first used, so that Airflow is loaded only if needed.
"""

from typing import TYPE_CHECKING

from shipment_etl.lazy import lazy_importer

if TYPE_CHECKING:
    from shipment_etl_airflow.dags import MARTS, RAW, check, data_generation, data_processing, job_dag
    from shipment_etl_airflow.operators import EmrJobOperator

__all__ = ["MARTS", "RAW", "EmrJobOperator", "check", "data_generation", "data_processing", "job_dag"]

__getattr__ = lazy_importer(
    __name__,
    {
        "MARTS": "dags",
        "RAW": "dags",
        "EmrJobOperator": "operators",
        "check": "dags",
        "data_generation": "dags",
        "data_processing": "dags",
        "job_dag": "dags",
    },
)
