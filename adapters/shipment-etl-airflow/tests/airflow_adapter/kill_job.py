"""Starts a job, and stops it as Airflow does while the task is on a worker, or while it waits: SETTINGS worker|triggerer."""

import asyncio
import json
import sys
from datetime import timedelta

from shipment_etl_airflow import EmrJobOperator, jobs
from shipment_etl_airflow.connected import connected
from shipment_etl_airflow.triggers import EmrJobTrigger

from .home import LAKE, PACKAGE

CONNECTION = "aws_default"


def main(settings: str, where: str) -> None:
    package = f"s3://acme-code/{PACKAGE}"
    job = jobs.prepare("generate", [f"stopped in the {where}"], LAKE, (), settings, CONNECTION, package)
    place = connected(settings, CONNECTION).target.start(jobs.as_job(job))
    if where == "worker":
        operator = EmrJobOperator(
            task_id="run_job", job=job, settings=settings, connection=CONNECTION, timeout=timedelta(hours=1)
        )
        operator.on_kill()
    else:
        trigger = EmrJobTrigger(settings, CONNECTION, job["run"], place.cluster, place.step, deadline=0)
        asyncio.run(trigger.on_kill())
    print(json.dumps(place.cluster))


if __name__ == "__main__":
    main(*sys.argv[1:])
