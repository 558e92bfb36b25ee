"""Runs DAGs by dag.test(), in its own process: a request on each line of stdin, its outcome on a line of stdout.

Everything printed in between is the log of that run.
"""

import json
import os
import sys
import traceback
from datetime import datetime
from typing import Any

from airflow.dag_processing.dagbag import DagBag
from airflow.models.asset import AssetEvent
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import select

from .home import OUTCOME


def outcome(dag_id: str, conf: dict[str, Any], moment: str) -> dict[str, Any]:
    run = DagBag().dags[dag_id].test(logical_date=datetime.fromisoformat(moment), run_conf=conf)
    with create_session() as session:
        xcoms = session.scalars(select(XComModel).where(XComModel.run_id == run.run_id, XComModel.dag_id == dag_id))
        found = {f"{each.task_id}.{each.key}": XComModel.deserialize_value(each) for each in xcoms}
        events = session.scalars(select(AssetEvent).where(AssetEvent.source_run_id == run.run_id))
        assets = {each.asset.name: each.extra for each in events}
    tasks = {each.task_id: str(each.state) for each in run.get_task_instances()}
    tries = {each.task_id: each.try_number for each in run.get_task_instances()}
    return {"state": str(run.state), "tasks": tasks, "tries": tries, "xcoms": found, "assets": assets}


def main() -> None:
    usual = dict(os.environ)
    for line in sys.stdin:
        asked = json.loads(line)
        os.environ.clear()
        os.environ.update({name: value for name, value in {**usual, **asked["environ"]}.items() if value is not None})
        try:
            found = outcome(asked["dag"], asked["conf"], asked["moment"])
        except Exception:
            traceback.print_exc(file=sys.stdout)
            found = {"state": "refused"}
        print(f"{OUTCOME}{json.dumps(found)}", flush=True)


if __name__ == "__main__":
    main()
