"""Reads a folder of DAGs as Airflow does, in its own process, and prints what it finds: FOLDER."""

import json
import sys
import time
from inspect import signature
from typing import Any

from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import BaseOperator

HEAVY = ("boto3", "botocore", "pandas", "pyarrow", "pyspark", "shipment_etl_emr", "typer")


def read(folder: str) -> dict[str, Any]:
    # With logs in S3, Airflow itself has already loaded boto3.
    before, start = set(sys.modules), time.process_time()
    bag = DagBag(folder)
    seconds = time.process_time() - start
    heavy = [name for name in HEAVY if name in set(sys.modules) - before]
    dags = {name: described(dag) for name, dag in bag.dags.items()}
    return {"seconds": seconds, "heavy": heavy, "errors": bag.import_errors, "dags": dags, "provider": provider()}


def described(dag: Any) -> dict[str, Any]:
    tasks = {
        each.task_id: {
            "setup": each.is_setup,
            "teardown": each.is_teardown,
            "fails_run": each.is_teardown and each.on_failure_fail_dagrun,
            "next": sorted(each.downstream_task_ids),
            "retries": each.retries,
            "reads": [asset.name for asset in each.inlets],
            "writes": [asset.name for asset in each.outlets],
        }
        for each in dag.tasks
    }
    schedule = dag.timetable
    return {
        "cron": getattr(schedule, "expression", None),
        "timezone": str(getattr(schedule, "timezone", None)),
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "params": sorted(dag.params),
        "tasks": tasks,
    }


def provider() -> dict[str, bool]:
    """Return the features that the provider's own operators lack, each with whether it exists now."""
    from airflow.providers.amazon.aws.operators import emr

    adds, ends, creates = emr.EmrAddStepsOperator, emr.EmrTerminateJobFlowOperator, emr.EmrCreateJobFlowOperator
    return {
        "EmrAddStepsOperator ends its step when it is killed": adds.on_kill is not BaseOperator.on_kill,
        "EmrTerminateJobFlowOperator can wait on its worker": "wait_for_completion" in signature(ends).parameters,
        "EmrCreateJobFlowOperator takes up a cluster": "job_flow_id" in signature(creates).parameters,
    }


if __name__ == "__main__":
    print(json.dumps(read(sys.argv[1])))
