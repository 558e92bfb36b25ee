"""Operator: one job on EMR, which a retry resumes and a kill ends."""

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow.sdk import BaseOperator

__all__ = ["PLACE", "EmrJobOperator"]

# Modules that import boto3 are imported where they are used, because Airflow reads DAG files again and again.

PLACE = "place"
"""Key of the XCom with the cluster and step of the job, set once it is started."""


class EmrJobOperator(BaseOperator):
    """Starts or resumes a job on EMR, waits for it without a worker, and checks the report that proves it.

    Its XCom is the outcome: run, cluster, step, and the reports of runs.

    Args:
        job: the fields of a shipment_etl_emr.Job.
        settings: file emr.toml.
        connection: ID of a connection of type aws.
        timeout: from when it was started or resumed.
        more: arguments of BaseOperator.
    """

    template_fields = ("job", "settings")

    def __init__(self, *, job: Any, settings: str, connection: str, timeout: timedelta, **more: Any) -> None:
        super().__init__(**more)
        self.job = job
        self.settings = settings
        self.connection = connection
        self.timeout = timeout

    def execute(self, context: Mapping[str, Any]) -> None:
        """Start or resume the job, and defer to the trigger."""
        from shipment_etl_airflow.connected import connect, final_errors
        from shipment_etl_airflow.jobs import as_job
        from shipment_etl_airflow.triggers import EmrJobTrigger

        job = as_job(self.job)
        with final_errors():
            place = connect(self.settings, self.connection).target.start(job)
        self.log.info("The run %s is on %s", job.run, place)
        where = {"cluster": place.cluster, "step": place.step}
        context["ti"].xcom_push(key=PLACE, value=where)
        deadline = time.time() + self.timeout.total_seconds()
        trigger = EmrJobTrigger(self.settings, self.connection, job.run, deadline=deadline, **where)
        self.defer(trigger=trigger, method_name="finish")

    def finish(self, context: Mapping[str, Any], event: Mapping[str, Any]) -> dict[str, Any]:
        """Return the outcome of a job that is over.

        Raises:
            AirflowFailException: it failed, took too long, or no report proves it.
            EmrError: its end could not be observed, or its cluster was lost: worth a retry.
        """
        from shipment_etl_airflow.connected import connect, final_errors
        from shipment_etl_airflow.jobs import as_job
        from shipment_etl_emr import EmrRunner, Place
        from shipment_etl_emr.errors import RunTimedOut

        job = as_job(self.job)
        with final_errors():
            if not event["over"]:
                raise RunTimedOut(job.run, self.timeout.total_seconds(), event["state"])
            service = connect(self.settings, self.connection)
            runner = EmrRunner(service.target, service.logs, service.timing)
            outcome = runner.wait(job, Place(event["cluster"], event["step"]), self.timeout.total_seconds())
        place = outcome.place
        reports = [dict(report) for report in outcome.reports]
        return {"run": outcome.run, "cluster": place.cluster, "step": place.step, "reports": reports}

    def on_kill(self) -> None:
        """End the run's cluster: the task was stopped while it had a worker."""
        from shipment_etl_airflow.connected import connect
        from shipment_etl_airflow.jobs import as_job

        if isinstance(self.job, Mapping):
            connect(self.settings, self.connection).target.end(as_job(self.job).run, None)
