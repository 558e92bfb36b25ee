"""A failed step shows its cause: logs of steps that really failed, laid out as on EMR in client and in cluster mode."""

import gzip
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyspark
import pytest

from emr.test_runner import Clock
from emr.world import _error
from shipment_etl_emr.calls import Calls
from shipment_etl_emr.causes import is_retryable, python_cause, spark_cause
from shipment_etl_emr.logs import Excerpt, Logs

FAILURES = Path(__file__).parent / "failures"
STEP = "s3://acme-logs/emr/j-1/steps/s-1/"
APPLICATION = "application_1795000000000_0001"
DRIVER = f"emr/j-1/containers/{APPLICATION}/container_1795000000000_0001_01_000001/"
CONTROLLER = (
    "INFO startExec 'hadoop jar command-runner.jar'\nINFO waitProcessCompletion ended with exit code 1 : hadoop jar\n"
)
# As org.apache.spark.deploy.yarn.Client writes it; YARN itself does not run here.
YARN_CLIENT = f"""\
26/11/26 03:36:31 INFO Client: Submitting application {APPLICATION} to ResourceManager
26/11/26 03:36:32 INFO Client: Application report for {APPLICATION} (state: ACCEPTED)
26/11/26 03:37:32 INFO Client: Application report for {APPLICATION} (state: FINISHED)
26/11/26 03:37:32 ERROR Client: Application diagnostics message: User application exited with status {{code}}
Exception in thread "main" org.apache.spark.SparkException: Application {APPLICATION} finished with failed status
	at org.apache.spark.deploy.yarn.Client.run(Client.scala:1309)
	at org.apache.spark.deploy.yarn.YarnClusterApplication.start(Client.scala:1742)
26/11/26 03:37:32 INFO ShutdownHookManager: Shutdown hook called
Command exiting with ret '1'
"""
PYTHON = {
    "job_error": ("ZeroDivisionError: integer division or modulo by zero", 'line 5, in days\n    return {row["id"]'),
    "import_error": ("ModuleNotFoundError: No module named 'shipment_etl_plugin_of_acme'", "line 2, in <module>"),
    "executor_error": ("ZeroDivisionError: float division by zero", "line 9, in per_kilo", "line 13, in <module>"),
    "executor_lost": ("ExecutorLostFailure (executor 3 exited", "Command exited with code 137", "line 14, in <module>"),
    "java_error": ("Caused by: org.apache.spark.SparkNumberFormatException: [CAST_INVALID_INPUT] The value 'x5'", "line 5"),
    "missing_table": ("AnalysisException: [PATH_NOT_FOUND] Path does not exist: file:/mnt/tmp/nowhere/raw.", "line 5"),
    "chained": ("RuntimeError: the mapping names no carrier", "KeyError: 'carrier'", "direct cause"),
    "usage_error": ("No such option: --dat",),
    "batch_missing": ("error: raw/shipments has no batch of 2026-11-23. It has: 2026-11-22. Land it first",),
    "lake_locked": ("error: The lake s3://acme-lake/shipments is locked: generate of",),
}
"""The expected cause in a driver's stdout."""
REST = {
    "no_script": ("stdout", "can't open file '/mnt/tmp/nothere.py': [Errno 2] No such file or directory"),
    "no_scheme": ("stderr", 'UnsupportedFileSystemException: No FileSystem for scheme "s3"'),
    "killed": ("stdout", "Its driver was killed (signal 9), most often because its node was out of memory"),
    "killed_jvm": ("stderr", "Its driver was killed (signal 9), most often because its node was out of memory"),
}
"""The most informative log if Python raised nothing."""


class Bucket:
    """Objects that arrive and change at given times."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.versions: list[tuple[float, str, bytes]] = []

    def put(self, key: str, text: str | bytes, moment: float = 0) -> None:
        self.versions.append((moment, key, gzip.compress(text.encode()) if isinstance(text, str) else text))

    @property
    def objects(self) -> dict[str, bytes]:
        return {key: data for moment, key, data in sorted(self.versions) if moment <= self.clock.now}

    def get_object(self, Bucket: str, Key: str) -> Any:  # noqa: N803
        if Key not in self.objects:
            raise _error("NoSuchKey", 404)
        return {"Body": io.BytesIO(self.objects[Key])}

    def list_objects_v2(self, Bucket: str, Prefix: str) -> Any:  # noqa: N803
        return {"Contents": [{"Key": key} for key in self.objects if key.startswith(Prefix)]}


def output(name: str, file: str) -> str:
    return (FAILURES / name / f"{file}.txt").read_text("utf-8")


def client_mode(bucket: Bucket, name: str, moment: float = 0) -> str:
    """Write the logs of a step in client mode: its own logs are those of the driver."""
    code = 137 if name.startswith("killed") else 1
    bucket.put("emr/j-1/steps/s-1/stdout.gz", output(name, "stdout"), moment)
    bucket.put("emr/j-1/steps/s-1/stderr.gz", f"{output(name, 'stderr')}Command exiting with ret '{code}'\n", moment)
    bucket.put("emr/j-1/steps/s-1/controller.gz", CONTROLLER, moment)
    return STEP


def cluster_mode(bucket: Bucket, name: str, moment: float = 0) -> str:
    """Write the logs of a step in cluster mode: its own logs are those of YARN's client, the driver's are in a container."""
    bucket.put("emr/j-1/steps/s-1/stdout.gz", "")
    bucket.put("emr/j-1/steps/s-1/stderr.gz", YARN_CLIENT.format(code=137 if name.startswith("killed") else 1))
    bucket.put("emr/j-1/steps/s-1/controller.gz", CONTROLLER)
    for file in ("stdout", "stderr"):
        bucket.put(f"{DRIVER}{file}.gz", output(name, file), moment)
        other = DRIVER.replace("01_000001", "01_000002")
        bucket.put(f"{other}{file}.gz", "Traceback (most recent call last):\nAn executor's: not what ended the driver\n")
    return f"s3://acme-logs/{DRIVER}"


Mode = Callable[[Bucket, str, float], str]
MODES = pytest.mark.parametrize("mode", [client_mode, cluster_mode])


def failure(bucket: Bucket) -> Excerpt | None:
    return Logs(bucket, Calls(bucket.clock.timing)).failure(STEP)


@MODES
@pytest.mark.parametrize("name", PYTHON)
def test_the_cause_that_python_printed_is_found(mode: Mode, name: str) -> None:
    bucket = Bucket(Clock())
    folder = mode(bucket, name, 400)
    found = failure(bucket)
    assert found is not None
    assert found.uri == f"{folder}stdout.gz"
    for words in PYTHON[name]:
        assert words in found.text
    assert len(found.text) < 8_000
    assert found.text.count("\tat ") <= 4, "Java's frames are left out"
    assert 400 <= bucket.clock.now < 500, "waited for, and no longer"


@MODES
@pytest.mark.parametrize("name", REST)
def test_without_a_python_error_the_most_informative_log_is_shown(mode: Mode, name: str) -> None:
    bucket = Bucket(Clock())
    folder = mode(bucket, name, 0)
    file, words = REST[name]
    found = failure(bucket)
    assert found is not None
    assert found.uri == f"{folder}{file}.gz"
    assert words in found.text


def test_a_logged_exception_is_not_mistaken_for_the_cause() -> None:
    found = python_cause(output("chained", "stdout"))
    assert "a line is skipped" not in found
    assert "int() with base 10" not in found


def test_an_exception_ignored_at_exit_does_not_hide_the_cause() -> None:
    noise = "Exception ignored in: <function JavaObject.__del__>\nTraceback (most recent call last):\nNameError: gone\n"
    for name, words in PYTHON.items():
        assert words[0] in python_cause(output(name, "stdout") + noise)


def test_errors_that_spark_logs_at_shutdown_are_not_the_cause() -> None:
    found = spark_cause(output("executor_error", "stderr"))
    assert "ZeroDivisionError: float division by zero" in found
    assert "TaskKilledException" not in found


def test_without_a_log_of_the_driver_the_message_of_yarn_is_shown() -> None:
    bucket = Bucket(Clock())
    cluster_mode(bucket, "killed", 10_000)
    found = failure(bucket)
    assert found is not None
    assert "Application diagnostics message: User application exited with status 137" in found.text


def test_the_driver_of_the_last_attempt_is_shown() -> None:
    bucket = Bucket(Clock())
    cluster_mode(bucket, "job_error")
    last = DRIVER.replace("container_1795000000000_0001_01", "container_e07_1795000000000_0001_02")
    bucket.put(f"{last}stdout.gz", output("import_error", "stdout"))
    found = failure(bucket)
    assert found is not None
    assert found.uri == f"s3://acme-logs/{last}stdout.gz"


def test_a_log_from_before_the_failure_is_not_final() -> None:
    bucket = Bucket(Clock())
    early = "read 3 rows\nERROR:root:a line is skipped\n"
    bucket.put("emr/j-1/steps/s-1/stdout.gz", early)
    client_mode(bucket, "job_error", 290)
    found = failure(bucket)
    assert found is not None
    assert PYTHON["job_error"][0] in found.text


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_an_incomplete_log_is_waited_for(share: float) -> None:
    bucket = Bucket(Clock())
    whole = gzip.compress(output("java_error", "stdout").encode())
    client_mode(bucket, "java_error", 100)
    bucket.put("emr/j-1/steps/s-1/stdout.gz", whole[: int(share * len(whole))], 100.5)
    bucket.put("emr/j-1/steps/s-1/controller.gz", b"", 100.5)
    bucket.put("emr/j-1/steps/s-1/stdout.gz", whole, 200)
    bucket.put("emr/j-1/steps/s-1/controller.gz", CONTROLLER, 200)
    found = failure(bucket)
    assert found is not None
    assert PYTHON["java_error"][0] in found.text


def test_a_growing_log_is_waited_for() -> None:
    bucket = Bucket(Clock())
    client_mode(bucket, "chained", 0)
    for moment in range(0, 60, 2):
        grown = f"Traceback (most recent call last):\nKeyError: the {moment}th line was skipped\n"
        bucket.put("emr/j-1/steps/s-1/stdout.gz", grown, moment)
    bucket.put("emr/j-1/steps/s-1/stdout.gz", output("chained", "stdout"), 60)
    found = failure(bucket)
    assert found is not None
    assert PYTHON["chained"][0] in found.text


def test_without_a_controller_log_a_log_counts_once_uploads_no_longer_change_it() -> None:
    bucket = Bucket(Clock())
    bucket.put("emr/j-1/steps/s-1/stdout.gz", "read 3 rows\n")
    bucket.put("emr/j-1/steps/s-1/stdout.gz", "read 3 rows\nwrote 2 rows\n", 299)
    found = failure(bucket)
    assert found is not None
    assert found.text.endswith("wrote 2 rows")
    assert 600 < bucket.clock.now < 900


def test_the_job_error_decides_whether_a_failure_is_retryable() -> None:
    locked, missing = output("lake_locked", "stdout"), output("batch_missing", "stdout")
    assert is_retryable(locked)
    assert not is_retryable(missing)
    assert not is_retryable(output("job_error", "stdout"))
    assert is_retryable(missing + locked)
    assert not is_retryable(locked + missing)
    assert not is_retryable(locked + output("job_error", "stdout")), "the traceback ended the job"


@pytest.mark.parametrize(
    "line", ['{"error": {"retryable": tru', '{"error": {"retryable": true}}', '{"error": "text"}', "{}"]
)
def test_a_line_that_is_not_a_job_error_is_skipped(line: str) -> None:
    assert not is_retryable(line)
    assert python_cause(line) == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("import_error", "ModuleNotFoundError: "),
        # EMR has Spark 3.5; Spark 4 prints no Java frames.
        (
            "java_error",
            "Caused by: org.apache.spark.Spark" if pyspark.__version__.startswith("3.") else "CAST_INVALID_INPUT",
        ),
    ],
)
def test_spark_submit_prints_what_the_tests_above_read(name: str, words: str, tmp_path: Path) -> None:
    submit = Path(pyspark.__file__).parent / "bin" / "spark-submit"
    script = tmp_path / "app.py"
    script.write_text((FAILURES / name / "app.py").read_text("utf-8").replace("/mnt/tmp", str(tmp_path)), "utf-8")
    done = subprocess.run(
        [str(submit), "--master", "local[1]", "--conf", "spark.ui.enabled=false", str(script)],
        env={"PATH": "/usr/bin:/bin", "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert words in python_cause(done.stdout)
    assert python_cause(done.stderr) == ""
