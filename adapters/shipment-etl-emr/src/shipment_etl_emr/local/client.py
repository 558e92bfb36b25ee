"""The client's side of local AWS: its address and environment, and a context manager that runs one."""

import json
import os
import subprocess  # nosec B404 # starts our own server
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from shipment_etl_emr.local.engines import EngineName
from shipment_etl_emr.local.errors import LocalAwsFailed, LocalAwsMissing

__all__ = [
    "BUCKETS",
    "CODE",
    "LAKE",
    "LOGS",
    "LocalAws",
    "local_aws",
    "redirect_process",
    "require_moto",
    "without_aws",
]

BUCKETS = ("local-code", "local-logs", "local-lake")
"""Buckets that exist from the start."""
CODE, LOGS, LAKE = "s3://local-code", "s3://local-logs/emr", "s3://local-lake/shipments"
NOT_FOR_STEPS = ("AWS_", "SPARK_", "PYSPARK_", "SHIPMENT_ETL_LAKE", "SHIPMENT_ETL_ENGINE")
END_SECONDS = 30


@dataclass(frozen=True, slots=True)
class LocalAws:
    """A running local AWS; `key` is the access key that its clients must use."""

    endpoint: str
    key: str
    region: str = "us-east-1"
    secret: str = "of-no-use"  # no secret: signatures are not checked, the key is

    @property
    def environment(self) -> dict[str, str]:
        """Variables that point every AWS client to it, and keep clients from searching for other keys."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            # The embedded engine would require https.
            "AWS_ALLOW_HTTP": "true",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }


def without_aws(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without variables that point to another AWS or to a running Spark."""
    return {name: value for name, value in environ.items() if not name.startswith(NOT_FOR_STEPS)}


def redirect_process(environment: Mapping[str, str]) -> None:
    """Point this process to another AWS permanently: from here on, keys of a real account are neither used nor sent."""
    for name in os.environ.keys() - without_aws(os.environ).keys():
        del os.environ[name]
    os.environ.update(environment)


@contextmanager
def local_aws(folder: str | Path, engine: str = EngineName.sail, port: int = 0) -> Iterator[LocalAws]:
    """Run a local AWS in its own process while the body runs.

    Args:
        folder: folder for its files and its log, local-aws.log.
        engine: engine that runs Spark scripts: sail or spark.
        port: port to listen on, at 127.0.0.1 only; 0 picks a free one.

    Raises:
        LocalAwsMissing: the extra [local] is not installed.
        LocalAwsFailed: it did not start.
    """
    require_moto()
    home = Path(folder)
    home.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "shipment_etl_emr.local.server", f"--port={port}", f"--engine={engine}"]
    with (home / "local-aws.log").open("ab") as log:
        # It ends when its stdin is closed, which also happens when this process is killed.
        server = subprocess.Popen(  # nosec B603 # no shell, fixed arguments
            [*command, f"--folder={home.absolute()}"],
            env=without_aws(os.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    assert server.stdin is not None  # nosec B101 # asked for above
    assert server.stdout is not None  # nosec B101 # asked for above
    try:
        line = server.stdout.readline()
        if not line:
            raise LocalAwsFailed(tail(home / "local-aws.log"))
        yield LocalAws(**json.loads(line))
    finally:
        server.stdin.close()
        try:
            server.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        server.stdout.close()


def require_moto() -> None:
    """Check that the packages that local AWS needs are installed.

    Raises:
        LocalAwsMissing: one is not installed.
    """
    missing = [name for name in ("moto", "flask", "flask_cors") if find_spec(name) is None]
    if missing:
        raise LocalAwsMissing(missing[0])


def tail(file: Path) -> str:
    """Return the last lines of a log."""
    lines = file.read_text("utf-8", "replace").splitlines() if file.exists() else []
    return "\n".join(lines[-5:])
