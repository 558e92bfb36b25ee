"""What Airflow retries: errors that may go away, not errors that would cost another cluster and fail the same way."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROGRAM = """
import json
from airflow.sdk.exceptions import AirflowFailException
from shipment_etl.errors import BatchMissing, LakeLocked
from shipment_etl_airflow.connected import final_errors
from shipment_etl_emr.errors import BootstrapFailed, ClusterFailed, NotAllowed, ServiceUnavailable, StepFailed

step = ("j-1/s-1", "FAILED", "Unknown Error.", "", "s3://acme-logs/stdout.gz", "error", "shipment-etl emr ui j-1")
told = []
for problem in (
    BatchMissing("shipments", "2026-11-23", []),
    BootstrapFailed("j-1", "it failed", "s3://acme-logs", ""),
    ClusterFailed("j-1", "TERMINATED", "", ""),
    LakeLocked("s3://acme-lake", "me", "generate", "noon", "one"),
    NotAllowed("to create a cluster", "no."),
    ServiceUnavailable("to list clusters", 600, "busy"),
    StepFailed(*step),
    StepFailed(*step, retryable=True),
):
    try:
        with final_errors():
            raise problem
    except AirflowFailException:
        told.append((type(problem).__name__, "final"))
    except type(problem):
        told.append((type(problem).__name__, "again"))
print(json.dumps(told))
"""


def test_only_errors_that_may_go_away_are_retried(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM]
    environment = {"PATH": "/usr/bin:/bin", "AIRFLOW_HOME": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == [
        ["BatchMissing", "final"],
        ["BootstrapFailed", "final"],
        ["ClusterFailed", "again"],
        ["LakeLocked", "again"],
        ["NotAllowed", "final"],
        ["ServiceUnavailable", "again"],
        ["StepFailed", "final"],
        ["StepFailed", "again"],
    ]
