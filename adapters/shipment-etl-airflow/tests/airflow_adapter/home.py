"""A separate Airflow for tests: its folder, its database, and the variables that connect it to a local AWS."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import boto3

from shipment_etl_emr.local import LocalAws

ADAPTER = Path(__file__).parents[2]
ROOT = ADAPTER.parents[1]
BUCKETS = ("builditall-logs", "acme-code", "acme-lake")
SETTINGS = 'code = "s3://acme-code"\nlogs = "s3://builditall-logs/emr"\nregion = "us-east-1"\n'
PACKAGE = "packages/shipment-etl-py3.11-x86_64-0.tar.gz"
LAKE = "s3://acme-lake/shipments"
OUTCOME = "OUTCOME "
"""Prefix of the line with the outcome of a run."""


def shipped() -> dict[str, str]:
    """Return the variables of airflow.env, the file for users."""
    lines = (ADAPTER / "airflow.env").read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def environment(home: Path, aws: LocalAws, dags: Path) -> dict[str, str]:
    """Return the variables of an Airflow whose AWS is on this machine."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "AWS_", "SPARK_"))}
    return {
        **inherited,
        **shipped(),
        **aws.environment,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER": "s3://builditall-logs/airflow",
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW_VAR_SHIPMENT_ETL_EMR_SETTINGS": str(home / "emr.toml"),
        "AIRFLOW_VAR_SHIPMENT_ETL_EMR_PACKAGE": f"s3://acme-code/{PACKAGE}",
        "AIRFLOW_VAR_SHIPMENT_ETL_LAKE": LAKE,
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "NO_PROXY": str(urlsplit(aws.endpoint).hostname),
    }


def furnish(home: Path, aws: LocalAws, environment: Mapping[str, str]) -> None:
    """Make the buckets, the files of the settings, and Airflow's database."""
    for bucket in BUCKETS:
        client(aws, "s3").create_bucket(Bucket=bucket)
    # Local AWS runs steps with what is installed here, so that this is only looked for.
    client(aws, "s3").put_object(Bucket="acme-code", Key=PACKAGE, Body=b"")
    (home / "emr.toml").write_text(SETTINGS, "utf-8")
    (home / "spark").symlink_to(ROOT / "spark")
    migrate = [sys.executable, "-m", "airflow", "db", "migrate"]
    done = subprocess.run(migrate, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def client(aws: LocalAws, service: str) -> boto3.client:
    keys = {"aws_access_key_id": aws.key, "aws_secret_access_key": aws.secret}
    return boto3.client(service, endpoint_url=aws.endpoint, region_name=aws.region, **keys)


def clusters(aws: LocalAws) -> dict[str, str]:
    """Return the states of all clusters that ever existed, by ID."""
    return {each["Id"]: each["Status"]["State"] for each in client(aws, "emr").list_clusters()["Clusters"]}


def alive(aws: LocalAws) -> list[str]:
    return [name for name, state in clusters(aws).items() if not state.startswith("TERMINAT")]
