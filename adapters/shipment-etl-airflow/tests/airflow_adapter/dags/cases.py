"""DAGs of the same factory, in the situations that tests need."""

from datetime import timedelta
from unittest.mock import patch

from airflow.sdk import get_current_context

from shipment_etl_airflow import EmrJobOperator, check, data_generation, data_processing

AGAIN = {"retries": 1, "retry_delay": timedelta(seconds=1)}
NEVER = {"retries": 0}


class Interrupted(EmrJobOperator):
    """Loses its worker once, after the cluster has started and before the wait for it."""

    def defer(self, **more):
        if get_current_context()["ti"].try_number == 1:
            raise RuntimeError("the worker is lost")
        super().defer(**more)


def lost() -> None:
    raise RuntimeError("the teardown cannot be done")


usual_generation = data_generation(None, dag_id="usual_generation", retries=AGAIN)
usual_processing = data_processing(None, dag_id="usual_processing", retries=AGAIN)
checking = check()
impatient = data_generation(None, dag_id="impatient", timeout=timedelta(seconds=1), retries=NEVER)
leaking = data_generation(None, dag_id="leaking", retries=NEVER)
leaking.get_task("end_cluster").python_callable = lambda *given: lost()
with patch("shipment_etl_airflow.dags.EmrJobOperator", Interrupted):
    interrupted = data_generation(None, dag_id="interrupted", retries=AGAIN)
