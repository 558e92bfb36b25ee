"""DAGs: a factory, and the two daily ones. Airflow reads this often, so nothing heavy is imported before a task runs."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from airflow.sdk import DAG, Asset, CronTriggerTimetable, Param, setup, task

from shipment_etl_airflow.operators import PLACE, EmrJobOperator
from shipment_etl_airflow.plan import batch_date, options, run_name

__all__ = ["MARTS", "RAW", "check", "data_generation", "data_processing", "job_dag"]

RAW = Asset("shipment_etl_raw")
MARTS = Asset("shipment_etl_marts")
SETTINGS = "{{ var.value.get('shipment_etl_emr_settings', '') }}"
PACKAGE = "{{ var.value.get('shipment_etl_emr_package', '') }}"
LAKE = "{{ params.lake or var.value.get('shipment_etl_lake', '') }}"
TIMEOUT = timedelta(hours=3)
RETRIES = {"retries": 2, "retry_delay": timedelta(minutes=1)}
COMMON = {
    "date": Param(None, type=["null", "string"], format="date", description="Batch date; the day of the run if empty."),
    "lake": Param(None, type=["null", "string"], pattern="^s3://", description="The variable shipment_etl_lake if empty."),
}


def data_generation(schedule: str | None = "0 9 * * *", **more: Any) -> DAG:
    """Return the DAG that generates a day's shipments, by default at 9:00.

    Args:
        schedule: a cron expression; None for manual runs only.
        more: arguments of `job_dag`.
    """
    params = {
        "rows": Param(100_000, type="integer", minimum=1, description="Shipments per batch."),
        "seed": Param(7, type="integer", description="Any whole number."),
        "scenario": Param("baseline", type="string", description="baseline, swiftship, peak, strike or storm."),
        "defects": Param(0.0, type="number", minimum=0, maximum=1, description="Share of rows that are wrong on purpose."),
    }
    return job_dag("generate", schedule, **{"dag_id": "data_generation", "params": params, "writes": RAW, **more})


def data_processing(schedule: str | None = "0 18 * * *", **more: Any) -> DAG:
    """Return the DAG that turns a day's shipments into marts, by default at 18:00.

    Args:
        schedule: a cron expression; None for manual runs only.
        more: arguments of `job_dag`.
    """
    params = {
        "source": Param("shipments", type="string", minLength=1, description="Name of the source."),
        "max_rejected": Param(0.1, type="number", minimum=0, maximum=1, description="Share that may be quarantined."),
    }
    given = {"dag_id": "data_processing", "params": params, "reads": RAW, "writes": MARTS, **more}
    return job_dag("process", schedule, **given)


def check(*, connection: str = "aws_default", dag_id: str = "shipment_etl_check") -> DAG:
    """Return the DAG that checks everything a run needs, by hand; it starts nothing and costs nothing.

    Args:
        connection: ID of a connection of type aws.
        dag_id: its name.
    """
    with DAG(
        dag_id,
        description="shipment_etl: check what a run on Amazon EMR needs",
        schedule=None,
        catchup=False,
        params={"lake": COMMON["lake"]},
        tags=["shipment_etl"],
    ) as dag:

        @task(task_id="check")
        def look(settings: str, lake: str, package: str) -> None:
            """Check settings, credentials, buckets, roles, quotas and network; each red line of the log names its fix."""
            from shipment_etl_airflow import jobs
            from shipment_etl_airflow.connected import final_errors

            with final_errors():
                jobs.check(lake, settings, connection, package)

        look(SETTINGS, LAKE, PACKAGE)
    return dag


def job_dag(
    job: str,
    schedule: str | None,
    *,
    dag_id: str,
    params: Mapping[str, Param],
    writes: Asset,
    reads: Asset | None = None,
    timezone: str = "UTC",
    connection: str = "aws_default",
    timeout: timedelta = TIMEOUT,
    retries: Mapping[str, Any] = RETRIES,
) -> DAG:
    """Return a DAG that runs a job on its own cluster.

    The cluster always ends, and the run is green only if the job is proven to be done and the cluster has ended.

    Args:
        job: generate or process.
        schedule: a cron expression; None for manual runs only.
        dag_id: its name.
        params: the job's options, by their names in Python.
        writes: the asset that the job writes; its event holds the run's report.
        reads: the asset that the job reads.
        timezone: time zone of the schedule and of the batch date.
        connection: ID of a connection of type aws.
        timeout: after which the job is ended.
        retries: retry arguments of all operators.
    """
    with DAG(
        dag_id,
        description=f"shipment_etl: {job} a batch on Amazon EMR",
        schedule=CronTriggerTimetable(schedule, timezone=timezone) if schedule else None,
        start_date=datetime(2026, 1, 1, tzinfo=ZoneInfo(timezone)),
        catchup=False,
        max_active_runs=1,
        params={**COMMON, **params},
        default_args=dict(retries),
        tags=["shipment_etl"],
    ) as dag:

        @setup
        @task(multiple_outputs=False)
        def prepare(settings: str, lake: str, package: str, dag_run: Any = None, params: Any = None) -> dict[str, Any]:
            """Check everything that can be checked, and upload what the cluster needs; this costs nothing."""
            from shipment_etl_airflow import jobs
            from shipment_etl_airflow.connected import final_errors

            with final_errors():
                day = batch_date(params["date"], dag_run.logical_date or dag_run.run_after, timezone)
                runs = [run_name(dag_id, dag_run.run_id, number) for number in range((dag_run.clear_number or 0) + 1)]
                given = options({"date": day, **{name: value for name, value in params.items() if name not in COMMON}})
                flags = ("--waiting",) if job == "process" else ()
                return jobs.prepare(job, runs, lake, (*given, *flags), settings, connection, package)

        @task
        def end_cluster(prepared: Mapping[str, Any], settings: str, ti: Any = None) -> None:
            """End every cluster of this run, known or not, and wait until it has ended."""
            from shipment_etl_airflow import jobs
            from shipment_etl_airflow.connected import final_errors

            with final_errors():
                jobs.end(prepared["run"], ti.xcom_pull(task_ids="run_job", key=PLACE), settings, connection)

        @task(inlets=[reads] if reads else [], outlets=[writes], multiple_outputs=False)
        def publish(outcome: Any, lake: str, outlet_events: Any = None) -> dict[str, int]:
            """Record what was done in the event of the asset."""
            report = outcome["reports"][-1]
            about = {name: report[name] for name in ("run_id", "source", "batch_date", "counts")}
            outlet_events[writes].extra = {**about, "lake": lake, "cluster": outcome["cluster"]}
            return dict(report["counts"])

        prepared = prepare(SETTINGS, LAKE, PACKAGE)
        run = EmrJobOperator(task_id="run_job", job=prepared, settings=SETTINGS, connection=connection, timeout=timeout)
        end = end_cluster(prepared, SETTINGS).as_teardown(setups=prepared, on_failure_fail_dagrun=True)
        # A run gets its state from its leaves: the teardown, and this one, which fails with the job.
        run >> [end, publish(run.output, LAKE)]
    return dag
