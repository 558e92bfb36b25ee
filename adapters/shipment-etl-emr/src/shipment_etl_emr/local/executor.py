"""Executor: advances clusters. It polls them, runs their steps, and uploads their logs to S3."""

import gzip
import logging
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from shipment_etl.errors import ShipmentEtlError
from shipment_etl.s3 import parse_uri
from shipment_etl_emr.local import emr
from shipment_etl_emr.local.bootstrap import Bootstrap, BootstrapFailed
from shipment_etl_emr.local.engines import EngineName
from shipment_etl_emr.local.lifecycle import ACTIVE, BOOTSTRAPPING, TERMINATING, advance, end_step, fail_bootstrap
from shipment_etl_emr.local.nodes import Node, NodeFailed
from shipment_etl_emr.local.steps import Running, prepare

__all__ = ["Executor"]

log = logging.getLogger(__name__)
LOOK_SECONDS = 0.1
FILES = ("controller", "stdout", "stderr", "syslog")
MAX_MESSAGE_LENGTH = 500


class Executor:
    """Runs the steps of all clusters of this process.

    Args:
        s3: client of this process's S3.
        engine: sail, in this project's environment; or spark, on a node for each cluster.
        folder: folder in which each step gets a folder while it runs.
        environment: environment of the steps, which points to this AWS.
        clock: monotonic clock in seconds.
    """

    def __init__(
        self,
        s3: Any,
        engine: str,
        folder: Path,
        environment: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._s3 = s3
        self._engine = engine
        self._folder = folder
        self._environment = environment
        self._clock = clock
        self._running: dict[tuple[str, str], Running] = {}
        self._bootstraps: dict[str, Bootstrap] = {}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="executor", daemon=True)

    def start(self) -> None:
        """Start polling."""
        self._thread.start()

    def stop(self) -> None:
        """Stop polling, and end all running steps."""
        self._end.set()
        self._thread.join()
        for running in self._running.values():
            running.close()
        self._running.clear()
        for bootstrap in self._bootstraps.values():
            bootstrap.close()
        self._bootstraps.clear()

    def _run(self) -> None:
        while not self._end.wait(LOOK_SECONDS):
            try:
                self._look()
            except Exception:
                log.exception("polling the clusters failed")

    def _look(self) -> None:
        with emr.LOCK:
            every = list(emr.clusters())
        for cluster in every:
            self._advance(cluster)
            for step in list(cluster.steps):
                if step.state in ACTIVE:
                    self._attend(cluster, step)
        # A reset removes clusters, so their processes must end.
        known = {cluster.id for cluster in every}
        for key in [key for key in self._running if key[0] not in known]:
            self._running.pop(key).close()
        for name in [name for name in self._bootstraps if name not in known]:
            self._bootstraps.pop(name).close()

    def _advance(self, cluster: emr.LiveCluster) -> None:
        """Advance a cluster; one with a node only when the node is ready."""
        failed = ""
        if self._engine == EngineName.spark and cluster.state == BOOTSTRAPPING:
            try:
                if not self._bootstrap(cluster).look():
                    return
            except (BootstrapFailed, NodeFailed, ShipmentEtlError) as problem:
                failed = str(problem)[:MAX_MESSAGE_LENGTH]
        with emr.LOCK:
            value = fail_bootstrap(cluster.value, failed) if failed else advance(cluster.value, self._clock())
            cluster.become(value)

    def _bootstrap(self, cluster: emr.LiveCluster) -> Bootstrap:
        if cluster.id not in self._bootstraps:
            root = Path(tempfile.mkdtemp(prefix=f"{cluster.id}-", dir=self._folder))
            node = Node(root, cluster.configured, self._environment, cluster.emr_backend.region_name)

            def keep(number: int, folder: Path) -> None:
                self._upload(cluster, f"node/primary/bootstrap-actions/{number}", folder)

            self._bootstraps[cluster.id] = Bootstrap(node, cluster.bootstrap_actions, self._fetch, keep)
        return self._bootstraps[cluster.id]

    def _attend(self, cluster: emr.LiveCluster, step: Any) -> None:
        key = (cluster.id, step.id)
        running = self._running.get(key)
        if running is None:
            running = self._running[key] = self._start(cluster, step)
        if running.code is None:
            if step.state != "RUNNING" or cluster.state == TERMINATING:
                running.stop(self._clock(), force=step.forced)
            return
        code = running.code
        running.close()
        self._note(running.folder, f"INFO the process ended with exit code {code}")
        # First the logs, then the state: when a step is over, its logs are there.
        logs = self._upload(cluster, f"steps/{step.id}", running.folder)
        with emr.LOCK:
            if code != 0:
                step.failure = _failure(running.folder, code, logs)
            cluster.become(end_step(cluster.value, step.id, well=code == 0))
            if step.state != "FAILED":
                step.failure = None
        shutil.rmtree(running.folder, ignore_errors=True)
        del self._running[key]

    def _start(self, cluster: emr.LiveCluster, step: Any) -> Running:
        folder = Path(tempfile.mkdtemp(prefix=f"{step.id}-", dir=self._folder))
        self._note(folder, f"INFO startExec {step.jar} {list(step.args)}")
        bootstrap = self._bootstraps.get(cluster.id)
        for action in () if bootstrap else cluster.bootstrap_actions:
            self._note(folder, f"WARN the bootstrap action {action.name} is not run: clusters have no nodes here")
        try:
            command, environment = prepare(
                step.jar,
                list(step.args),
                node=bootstrap.node if bootstrap else None,
                folder=folder,
                fetch=self._fetch,
                environment=self._environment,
            )
        except Exception as problem:
            # Of any kind: whatever is wrong with a step's files is a failure of the step.
            (folder / "stderr").write_text(f"{problem}\n", "utf-8")
            command, environment = [sys.executable, "-I", "-c", "raise SystemExit(1)"], {}
        self._note(folder, f"INFO running {command}")
        return Running(command, folder, environment)

    def _fetch(self, uri: str, folder: Path) -> Path:
        found = parse_uri(uri)
        if found is None:
            return Path(uri)
        bucket, key = found
        target = folder / Path(key).name
        try:
            self._s3.download_file(bucket, key, str(target))
        except Exception as problem:
            raise FileNotFoundError(f"{uri} cannot be downloaded: {problem}") from problem
        return target

    def _upload(self, cluster: emr.LiveCluster, place: str, folder: Path) -> str:
        """Upload logs to a place below the cluster's log folder; return their folder, or an empty string."""
        found = parse_uri(cluster.log_uri or "")
        if found is None:
            return ""
        bucket, key = found
        prefix = f"{key}/{cluster.id}/{place}/".lstrip("/")
        try:
            for name in FILES:
                file = folder / name
                data = file.read_bytes() if file.exists() else b""
                self._s3.put_object(Bucket=bucket, Key=f"{prefix}{name}.gz", Body=gzip.compress(data))
        except Exception as problem:
            # As on EMR, a step does not fail because its logs cannot be written.
            log.warning("the logs of %s could not be written to %s: %s", place, cluster.log_uri, problem)
            return ""
        return f"s3://{bucket}/{prefix}"

    def _note(self, folder: Path, text: str) -> None:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        with (folder / "controller").open("a", encoding="utf-8") as controller:
            controller.write(f"{moment}Z {text}\n")


def _failure(folder: Path, code: int, logs: str) -> dict[str, str]:
    """Return EMR's failure details: the last line of the step's stderr, and where the whole log is."""
    file = folder / "stderr"
    said = file.read_text("utf-8", "replace").strip() if file.exists() else ""
    message = said.splitlines()[-1].strip() if said else f"exit code {code}"
    where = {"LogFile": f"{logs}stderr.gz"} if logs else {}
    return {"Reason": "Unknown Error.", "Message": message[:MAX_MESSAGE_LENGTH], **where}
