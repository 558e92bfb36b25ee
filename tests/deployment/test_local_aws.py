"""The service local-aws, started by its own command: it is healthy, and accepts only the key of .env."""

import os
import shlex
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.deployment.composed import composed

pytestmark = pytest.mark.slow
KEY = "LOCALKEY"


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    found: dict[str, Any] = composed("local-aws", LOCAL_AWS_KEY=KEY)["services"]["local-aws"]
    return found


@pytest.fixture(scope="module")
def endpoint(service: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = service["entrypoint"][-1]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        own = str(free.getsockname()[1])
    program, *arguments = service["entrypoint"]
    # All addresses of a container are in its own networks; those of this machine are not.
    here = {port: own, "0.0.0.0": "127.0.0.1"}
    command = [str(Path(sys.executable).parent / program), *(here.get(word, word) for word in arguments)]
    state = tmp_path_factory.mktemp("state")
    environment = {"PATH": os.environ["PATH"], **service["environment"], "XDG_STATE_HOME": str(state)}
    log = state / "log"
    with log.open("w") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        check = service["healthcheck"]["test"][-1].replace(port, own)
        end = time.monotonic() + 120
        while not healthy(check):
            assert process.poll() is None, log.read_text("utf-8")
            assert time.monotonic() < end, log.read_text("utf-8")
            time.sleep(0.1)
        yield f"http://127.0.0.1:{own}"
    finally:
        process.terminate()
        process.wait(60)


def healthy(url: str) -> bool:
    """Call the address like the health check, which uses curl."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


def clusters(endpoint: str, key: str) -> list[Any]:
    client = boto3.client(
        "emr", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key="any"
    )
    found: list[Any] = client.list_clusters()["Clusters"]
    return found


def test_it_accepts_the_key_that_it_was_given(endpoint: str) -> None:
    assert clusters(endpoint, KEY) == []


def test_it_refuses_other_keys(endpoint: str) -> None:
    with pytest.raises(ClientError, match="was not started by you"):
        clusters(endpoint, "ANOTHERKEY")


def test_a_bucket_is_found_by_its_path_for_any_host_name(endpoint: str) -> None:
    # boto3 signs for the name of the container, which has no dot.
    signed = f"AWS4-HMAC-SHA256 Credential={KEY}/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
    headers = {"Host": "local-aws:4580", "Authorization": signed}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(f"{endpoint}/local-lake", headers=headers), timeout=10) as answer:
        assert b"<Name>local-lake</Name>" in answer.read()


def test_in_its_container_it_listens_on_all_addresses(service: dict[str, Any]) -> None:
    words = service["entrypoint"]
    assert words[words.index("--host") + 1] == "0.0.0.0"
    assert service["read_only"]


def test_the_health_check_uses_the_port_on_which_it_listens(service: dict[str, Any]) -> None:
    assert f"127.0.0.1:{service['entrypoint'][-1]}/" in shlex.join(service["healthcheck"]["test"])
