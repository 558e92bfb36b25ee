"""Runs one DAG by dag.test(), in a process of its own, and prints what came of it as the last line: DAG-ID [CONF]."""

import json
import sys
from datetime import UTC, datetime
from typing import Any

from airflow.dag_processing.dagbag import DagBag
from airflow.models.asset import AssetEvent
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import select

MOMENT = datetime(2026, 11, 23, 9, tzinfo=UTC)


def outcome(dag_id: str, conf: dict[str, Any]) -> dict[str, Any]:
    dag = DagBag().dags[dag_id]
    run = dag.test(logical_date=MOMENT, run_conf=conf)
    with create_session() as session:
        xcoms = session.scalars(select(XComModel).where(XComModel.run_id == run.run_id, XComModel.dag_id == dag_id))
        found = {f"{each.task_id}.{each.key}": XComModel.deserialize_value(each) for each in xcoms}
        events = session.scalars(select(AssetEvent).where(AssetEvent.source_dag_id == dag_id))
        assets = [{"asset": each.asset.name, **each.extra} for each in events]
    tasks = {each.task_id: str(each.state) for each in run.get_task_instances()}
    tries = {each.task_id: each.try_number for each in run.get_task_instances()}
    return {"state": str(run.state), "tasks": tasks, "tries": tries, "xcoms": found, "assets": assets}


if __name__ == "__main__":
    told = outcome(sys.argv[1], json.loads(sys.argv[2]) if len(sys.argv) > 2 else {})
    print(json.dumps(told, default=str))
