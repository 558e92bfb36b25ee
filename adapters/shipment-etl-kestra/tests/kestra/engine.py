"""Kestra's own engine, run by Maven in `engine/`; the tasks of its flows use a local AWS."""

import base64
import os
import random
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import boto3

from shipment_etl_emr.local import LocalAws, local_aws
from tests.documents import ROOT

ENGINE = Path(__file__).parents[2] / "engine"
LAKE = "s3://local-lake/shipments"
PACKAGE = "packages/shipment-etl-py3.11-x86_64-0.tar.gz"
MIN_JAVA = 21
MAX_FETCH_SECONDS, MAX_TEST_SECONDS = 600, 1200
PORTS = range(20_000, 32_000)
"""Below the ports that operating systems assign to clients."""
OFFLINE = re.compile(r"Could not transfer artifact|Unknown host|was not found in .* during a previous attempt")


@dataclass(frozen=True)
class Engine:
    """Kestra's engine with a local AWS; its tasks get the lake, the keys and the settings as in our image."""

    jdk: Path
    aws: LocalAws
    environment: dict[str, str]

    def fetch(self, *arguments: str) -> bool:
        """Have Maven fetch Kestra, a gigabyte the first time, and compile the tests. Return whether it finished in time."""
        try:
            self._run("test-compile", *arguments, seconds=MAX_FETCH_SECONDS)
        except subprocess.TimeoutExpired:
            return False
        return True

    def test(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run tests of the engine, with arguments for Maven."""
        return self._run("test", *arguments, seconds=MAX_TEST_SECONDS)

    def _run(self, goal: str, *arguments: str, seconds: int) -> subprocess.CompletedProcess[str]:
        command = ["mvn", "--batch-mode", "--quiet", *arguments, goal]
        return subprocess.run(
            command, cwd=ENGINE, env=self.environment, capture_output=True, text=True, timeout=seconds, check=False
        )


def missing() -> str:
    """Return why the engine cannot run here; empty if it can."""
    if shutil.which("mvn") is None:
        return "no Maven found: install one to run the flows on Kestra's own engine"
    if jdk() is None:
        return (
            f"no JDK {MIN_JAVA} or newer found: install one, or point JAVA_HOME at it, to run the flows on Kestra's engine"
        )
    return ""


def jdk() -> Path | None:
    """The home of a JDK that is new enough."""
    named = [Path(home) for name, home in sorted(os.environ.items()) if re.fullmatch(r"JAVA_HOME(_\w+)?", name)]
    found = shutil.which("javac")
    on_path = [Path(found).resolve().parents[1]] if found else []
    installed = sorted(Path("/usr/lib/jvm").glob("*")) + sorted(
        Path("/Library/Java/JavaVirtualMachines").glob("*/Contents/Home")
    )
    return next((home for home in [*named, *on_path, *installed] if _version(home) >= MIN_JAVA), None)


def _version(home: Path) -> int:
    javac = home / "bin" / "javac"
    if not javac.exists():
        return 0
    said = subprocess.run([javac, "-version"], capture_output=True, text=True, timeout=60, check=False).stdout
    found = re.match(r"javac (\d+)", said)
    return int(found[1]) if found else 0


@contextmanager
def engine(folder: Path) -> Iterator[Engine]:
    """Start a local AWS with all that the flows need, and yield the engine beside it."""
    home = jdk()
    assert home is not None
    with local_aws(folder / "aws") as aws:
        files = folder / "shipment-etl"
        shutil.copytree(ROOT / "spark", files / "spark")
        (files / "emr.toml").write_text('code = "s3://local-code"\nlogs = "s3://local-logs/emr"\n')
        storage(aws).put_object(Bucket="local-code", Key=PACKAGE, Body=b"steps on local AWS use what is installed here")
        secrets = {
            "AWS_ACCESS_KEY_ID": aws.key,
            "AWS_SECRET_ACCESS_KEY": aws.secret,
            "ALERT_WEBHOOK": f"http://127.0.0.1:{_free_port()}/alert",
        }
        # Kestra gets the keys only as secrets, so that nothing depends on an environment that tasks inherit.
        without = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SPARK_"))}
        yield Engine(
            home,
            aws,
            {
                **without,
                **{name: value for name, value in aws.environment.items() if name not in secrets},
                **{f"SECRET_{name}": base64.b64encode(value.encode()).decode() for name, value in secrets.items()},
                # If Kestra chose it, another process could take it while Kestra starts.
                "ENGINE_PORT": str(_free_port()),
                "ENV_SHIPMENTS_ALERTS": "webhook",
                "ENV_SHIPMENTS_FOLDER": str(files),
                "ENV_SHIPMENTS_LAKE": LAKE,
                "ENV_SHIPMENTS_PACKAGE": f"s3://local-code/{PACKAGE}",
                "JAVA_HOME": str(home),
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            },
        )


def storage(aws: LocalAws) -> "boto3.client":
    """Return a client of its S3."""
    return boto3.client(
        "s3",
        region_name=aws.region,
        endpoint_url=aws.endpoint,
        aws_access_key_id=aws.key,
        aws_secret_access_key=aws.secret,
    )


def _free_port() -> int:
    """Return a port on which nobody listens, and that the operating system will not assign to a client."""
    for port in random.sample(PORTS, len(PORTS)):
        with suppress(OSError), socket.socket() as listener:
            listener.bind(("127.0.0.1", port))
            return port
    raise AssertionError(f"no port of {PORTS} is free")
