"""Server: a local AWS in this process.

`python -m shipment_etl_emr.local.server` runs one for the process that started it.
"""

import argparse
import json
import logging
import os
import secrets
import select
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
from botocore.config import Config

from shipment_etl_emr.local.client import LocalAws, redirect_process
from shipment_etl_emr.local.engines import EngineName
from shipment_etl_emr.local.guard import guard
from shipment_etl_emr.ports import LOOPBACK

__all__ = ["catch_stop_signals", "main", "serve"]

KEY = "LOCAL_AWS_KEY"


@contextmanager
def serve(port: int, engine: str, folder: Path, host: str = LOOPBACK) -> Iterator[LocalAws]:
    """Run a local AWS in threads of this process while the body runs; the process stays pointed to it.

    Args:
        port: port to listen on; 0 picks a free one.
        engine: engine that runs Spark scripts: sail or spark.
        folder: folder for the files of running steps.
        host: address to listen on: 127.0.0.1, or 0.0.0.0 in a container, where its steps reach it at 127.0.0.1 as well.

    Raises:
        OSError: the port is taken.
    """
    # moto searches for profiles when it is imported.
    redirect_process({})
    # Otherwise a host without dots, such as a container's name, would be taken for a bucket's name.
    os.environ["S3_IGNORE_SUBDOMAIN_BUCKETNAME"] = "true"
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    from shipment_etl_emr.local import buckets, emr, iam, network, quotas, stacks
    from shipment_etl_emr.local.account import set_up
    from shipment_etl_emr.local.executor import Executor
    from shipment_etl_emr.local.regions import enforce_regions

    class Handler(MotoRequestHandler):
        # Head and body of an answer are sent separately: with the algorithm, each answer would wait 40 ms for its body.
        disable_nagle_algorithm = True

    for each in (buckets, emr, iam, network, quotas, stacks):
        each.install()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    # If it is started together with its clients, as with containers, the key must be known before.
    key = os.environ.get(KEY) or f"LOCAL{secrets.token_hex(8).upper()}"
    status = {"service": "shipment-etl local-aws", "pid": os.getpid(), "engine": engine}
    ready = threading.Event()
    application = guard(enforce_regions(DomainDispatcherApplication(create_backend_app)), key, status, ready.is_set)
    server = make_server(host, port, application, threaded=True, request_handler=Handler)
    aws = LocalAws(f"http://{LOOPBACK}:{server.server_port}", key)
    redirect_process(aws.environment)
    s3 = boto3.client("s3", config=Config(connect_timeout=5, read_timeout=60))
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="steps-", dir=folder, ignore_cleanup_errors=True) as steps:
        executor = Executor(s3, engine, Path(steps), dict(os.environ))
        thread = threading.Thread(target=server.serve_forever, name="server", daemon=True)
        thread.start()
        try:
            iam.give_key(key)
            set_up(s3, boto3.client("iam"))
            executor.start()
            ready.set()
            yield aws
        finally:
            executor.stop()
            server.shutdown()
            server.server_close()


def catch_stop_signals() -> int:
    """Return a file descriptor that becomes readable when SIGINT or SIGTERM comes.

    A handler alone is not enough: the signal can reach another thread, and the main one would sleep on.
    """
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    return read


def main() -> None:
    """Serve until a signal comes, or the parent process closes stdin."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--engine", choices=list(EngineName), default=EngineName.sail)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    signals = catch_stop_signals()
    with serve(given.port, given.engine, given.folder) as aws:
        print(json.dumps({"endpoint": aws.endpoint, "key": aws.key}), flush=True)  # noqa: T201 - read by `client`
        select.select([signals, sys.stdin], [], [])


if __name__ == "__main__":
    main()
