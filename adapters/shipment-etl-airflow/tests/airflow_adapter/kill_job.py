"""Starts two jobs, and stops them as Airflow does, one while its task is on a worker, one while it waits: SETTINGS."""

import asyncio
import json
import sys
from datetime import timedelta

from shipment_etl_airflow import EmrJobOperator, jobs
from shipment_etl_airflow.connected import connect
from shipment_etl_airflow.triggers import EmrJobTrigger

from .home import LAKE, PACKAGE

CONNECTION = "aws_default"


def stop_job(settings: str, where: str) -> str:
    """Start a job and stop it; return its cluster."""
    package = f"s3://acme-code/{PACKAGE}"
    job = jobs.prepare("generate", [f"stopped in the {where}"], LAKE, (), settings, CONNECTION, package)
    place = connect(settings, CONNECTION).target.start(jobs.as_job(job))
    if where == "worker":
        more = {"settings": settings, "connection": CONNECTION, "timeout": timedelta(hours=1)}
        EmrJobOperator(task_id="run_job", job=job, **more).on_kill()
    else:
        trigger = EmrJobTrigger(settings, CONNECTION, job["run"], place.cluster, place.step, deadline=0)
        asyncio.run(trigger.on_kill())
    return place.cluster


if __name__ == "__main__":
    print(json.dumps({where: stop_job(sys.argv[1], where) for where in ("worker", "triggerer")}))
