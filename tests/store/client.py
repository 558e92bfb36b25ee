"""A running S3, as tests see it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3

SERVER = Path(__file__).with_name("server.py")
VARIABLES = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "not-so-secret",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class Store:
    """A store, and the variables that lead to it."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.variables = {**VARIABLES, "AWS_ENDPOINT_URL": endpoint}
        self.client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="not-so-secret",
        )

    def bucket(self, name: str) -> str:
        """Make a bucket, and return its address."""
        self.client.create_bucket(Bucket=name)
        return f"s3://{name}"

    def keys(self, bucket: str) -> list[str]:
        """Return the keys of a bucket."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [each["Key"] for page in pages for each in page.get("Contents", ())]

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment for a separate process."""
        # What a session of the embedded engine leaves in the environment would lead another one to its server.
        own = {name: value for name, value in os.environ.items() if not name.startswith("SPARK_")}
        return {**own, **self.variables, "COLUMNS": "200", "NO_COLOR": "1", **more}


@contextmanager
def run_store() -> Iterator[Store]:
    """Start a server, and end it with the body."""
    command = [sys.executable, str(SERVER)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        yield Store(server.stdout.readline().strip())
        server.stdin.close()
