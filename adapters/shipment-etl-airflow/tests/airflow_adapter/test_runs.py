"""Complete runs of the DAGs by Airflow, against AWS on this machine: what they do, their states, and what stays alive."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from shipment_etl_emr.local import LocalAws

from .home import LAKE, OUTCOME, ROOT, alive, client, clusters, environment, furnish

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(900)]

HERE = Path(__file__).parent
MORNING, EVENING = "2026-11-23T09:00:00+00:00", "2026-11-23T18:00:00+00:00"
COUNTS = {"read": 500, "accepted": 500, "quarantined": 0, "duplicates": 0, "overtaken": 0}


@dataclass(frozen=True)
class Outcome:
    log: str
    state: str
    tasks: dict[str, str] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    xcoms: dict[str, Any] = field(default_factory=dict)
    assets: dict[str, Any] = field(default_factory=dict)


Run = Callable[..., Outcome]


@pytest.fixture(scope="module")
def run(aws: LocalAws, home: Path) -> Iterator[Run]:
    """Runs a DAG, and returns its outcome."""
    variables = {**environment(home, aws, HERE / "dags"), "PYTHONPATH": str(HERE.parent)}
    furnish(home, aws, variables)
    command = [sys.executable, "-m", "airflow_adapter.run_dags"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, env=variables, text=True, **pipes) as process:

        def run(dag: str, conf: dict[str, Any], moment: str = MORNING, **environ: str | None) -> Outcome:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps({"dag": dag, "conf": conf, "moment": moment, "environ": environ}) + "\n")
            process.stdin.flush()
            log = []
            for line in process.stdout:
                if line.startswith(OUTCOME):
                    return Outcome("".join(log), **json.loads(line.removeprefix(OUTCOME)))
                log.append(line)
            raise AssertionError("".join(log)[-5000:])

        yield run
        process.kill()


@pytest.fixture(scope="module")
def generated(run: Run) -> Outcome:
    """A batch that has landed."""
    return run("usual_generation", {"rows": 500})


@pytest.fixture
def slowly(home: Path, tmp_path: Path) -> Iterator[Callable[[], None]]:
    """For the duration of a test, the script of the generator waits until this is called."""
    scripts, called = home / "spark", tmp_path / "called"
    scripts.unlink()
    scripts.mkdir()
    waiting = f"import pathlib, time\nwhile not pathlib.Path({str(called)!r}).exists():\n    time.sleep(0.1)\n"
    (scripts / "data_generation.py").write_text(waiting, "utf-8")
    yield called.touch
    called.touch()
    (scripts / "data_generation.py").unlink()
    scripts.rmdir()
    scripts.symlink_to(ROOT / "spark")


def test_both_jobs_succeed_and_report_what_they_did(run: Run, generated: Outcome, aws: LocalAws) -> None:
    assert generated.state == "success", generated.log[-5000:]
    assert set(generated.tasks.values()) == {"success"}
    assert generated.xcoms["publish.return_value"] == COUNTS
    event = generated.assets["shipment_etl_raw"]
    assert (event["counts"], event["batch_date"], event["lake"]) == (COUNTS, "2026-11-23", LAKE)
    assert event["cluster"] in clusters(aws)

    processed = run("usual_processing", {}, EVENING)
    assert processed.state == "success", processed.log[-5000:]
    assert processed.assets["shipment_etl_marts"]["counts"] == COUNTS
    (report,) = processed.xcoms["run_job.return_value"]["reports"]
    assert "processed/carrier_performance" in report["tables"]
    assert alive(aws) == []


@pytest.mark.usefixtures("generated")
def test_a_failed_step_fails_the_run_and_its_message_is_in_the_log(run: Run, aws: LocalAws) -> None:
    failed = run("usual_processing", {"date": "2020-01-01"})
    assert failed.state == "failed"
    states = {"prepare": "success", "run_job": "failed", "publish": "upstream_failed", "end_cluster": "success"}
    assert failed.tasks == states
    assert failed.assets == {}
    assert "Land it first, with generate or ingest" in failed.log
    # A second try would cost a cluster, and fail for the same reason.
    assert failed.tries["run_job"] == 1
    assert alive(aws) == []


def test_a_failed_teardown_fails_the_run_even_if_the_work_is_done(run: Run) -> None:
    leaked = run("leaking", {"rows": 500})
    states = {"prepare": "success", "run_job": "success", "publish": "success", "end_cluster": "failed"}
    assert leaked.tasks == states
    assert leaked.state == "failed"


def test_a_cluster_that_cannot_be_ended_ends_with_its_step_and_the_run_fails(
    run: Run, aws: LocalAws, slowly: Callable[[], None]
) -> None:
    before = set(clusters(aws))
    protected = threading.Event()

    def protect() -> None:
        # Like a rule of an account, from the moment the cluster exists.
        while not (new := set(clusters(aws)) - before):
            time.sleep(0.05)
        client(aws, "emr").set_termination_protection(JobFlowIds=list(new), TerminationProtected=True)
        protected.set()

    threading.Thread(target=protect, daemon=True).start()
    late = run("impatient", {"rows": 500})
    assert protected.is_set()
    states = {"prepare": "success", "run_job": "failed", "publish": "upstream_failed", "end_cluster": "failed"}
    assert late.tasks == states
    assert late.state == "failed"
    assert "did not finish within 1 s" in late.log
    assert "may still be running" in late.log
    assert len(alive(aws)) == 1
    slowly()
    deadline = time.monotonic() + 60
    while alive(aws) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert alive(aws) == []


@pytest.mark.usefixtures("slowly")
def test_a_run_that_takes_too_long_is_ended(run: Run, aws: LocalAws) -> None:
    late = run("impatient", {"rows": 500})
    assert late.state == "failed"
    assert late.tasks["end_cluster"] == "success"
    assert alive(aws) == []


def test_a_retry_reuses_the_existing_cluster(run: Run, aws: LocalAws) -> None:
    before = set(clusters(aws))
    done = run("interrupted", {"rows": 500})
    assert "the worker is lost" in done.log
    assert done.tries["run_job"] == 2
    assert done.state == "success"
    assert len(set(clusters(aws)) - before) == 1


@pytest.mark.usefixtures("run", "slowly")
def test_stopping_a_job_ends_its_cluster_on_a_worker_and_in_the_triggerer(aws: LocalAws, home: Path) -> None:
    variables = {**environment(home, aws, HERE / "dags"), "PYTHONPATH": str(HERE.parent)}
    command = [sys.executable, "-m", "airflow_adapter.kill_job", str(home / "emr.toml")]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    stopped = json.loads(done.stdout.splitlines()[-1])
    assert sorted(stopped) == ["triggerer", "worker"]
    assert set(stopped.values()) <= set(clusters(aws))
    assert alive(aws) == []


def test_the_check_succeeds_when_a_run_can_start_and_starts_nothing(run: Run, aws: LocalAws) -> None:
    before = clusters(aws)
    checked = run("shipment_etl_check", {})
    assert checked.state == "success", checked.log
    assert "green identity" in checked.log
    assert clusters(aws) == before


def test_the_check_fails_when_something_is_missing_and_says_what_and_how_to_fix_it(run: Run, aws: LocalAws) -> None:
    before = clusters(aws)
    checked = run("shipment_etl_check", {"lake": "s3://nobodys-lake/x"})
    assert checked.state == "failed"
    assert "red bucket of lake: There is no bucket nobodys-lake" in checked.log
    assert "A run would fail: bucket of lake" in checked.log
    assert clusters(aws) == before


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"AIRFLOW_CONN_AWS_DEFAULT": None}, "Airflow has no connection 'aws_default'. Add one: airflow connections add"),
        ({"AIRFLOW_CONN_AWS_DEFAULT": "aws://nobody:knows@"}, "AWS refuses the credentials"),
        ({"AIRFLOW_VAR_SHIPMENT_ETL_LAKE": None}, "The Airflow variable shipment_etl_lake is not set"),
        ({"AIRFLOW_VAR_SHIPMENT_ETL_EMR_SETTINGS": None}, "The Airflow variable shipment_etl_emr_settings is not set"),
        ({"AIRFLOW_VAR_SHIPMENT_ETL_EMR_SETTINGS": "/no/emr.toml"}, "There is no file /no/emr.toml"),
        ({"AIRFLOW_VAR_SHIPMENT_ETL_LAKE": "s3://nobodys-lake/x"}, "There is no bucket 'nobodys-lake'"),
        ({"AWS_ENDPOINT_URL_S3": "denied"}, "Access to the bucket 'acme-code' for code is denied"),
    ],
    ids=["connection", "credentials", "lake", "settings", "file", "bucket", "denied"],
)
def test_what_cannot_work_fails_at_once_with_a_clear_message_and_no_cluster_starts(
    run: Run, aws: LocalAws, denying: str, environ: dict[str, str | None], words: str
) -> None:
    before = clusters(aws)
    given = {name: denying if value == "denied" else value for name, value in environ.items()}
    refused = run("usual_generation", {"rows": 500}, **given)
    assert words in refused.log
    assert refused.state == "failed"
    assert refused.tasks["prepare"] == "failed"
    assert refused.tries["prepare"] == 1
    assert refused.tasks["run_job"] == "upstream_failed"
    assert clusters(aws) == before


@pytest.mark.parametrize(
    ("conf", "words"),
    [
        ({"date": "tomorrow"}, "'tomorrow' is not a 'date'"),
        ({"date": "2026-02-30"}, "'2026-02-30' is not a 'date'"),
        ({"rows": 0}, "0 is less than the minimum of 1"),
        ({"lake": "/tmp/lake"}, "'/tmp/lake' does not match '^s3://'"),
    ],
    ids=["word", "february", "rows", "lake"],
)
def test_invalid_parameters_are_refused_before_a_run_begins(
    run: Run, aws: LocalAws, conf: dict[str, Any], words: str
) -> None:
    before = clusters(aws)
    refused = run("usual_generation", conf)
    assert refused.state == "refused"
    assert words in refused.log
    assert clusters(aws) == before


@pytest.fixture(scope="module")
def denying() -> Iterator[str]:
    """An S3 that denies all access."""

    class Denied(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(403)
            self.end_headers()

        def log_message(self, *told: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Denied) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
