"""Logs: the output of a step, as EMR uploads it to S3; the run reports in it, and the cause of a failure."""

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from shipment_etl.aws import NO_KEY, code_of
from shipment_etl_emr.calls import Calls
from shipment_etl_emr.causes import (
    driver_application,
    has_ended,
    is_retryable,
    last_lines,
    python_cause,
    spark_cause,
    was_killed,
)
from shipment_etl_emr.errors import EmrError
from shipment_etl_emr.settings import s3_parts

__all__ = ["Excerpt", "Logs", "reports_in"]

PATIENCE_SECONDS = 900.0
"""EMR uploads logs every five minutes, and once more as a cluster ends."""
QUIET_SECONDS = 330.0
"""Logs that have not changed for longer than the interval between uploads are complete."""
BOOTSTRAP_SECONDS = 300.0
KILLED = "Its driver was killed (signal 9), most often because its node was out of memory. Its last lines:"
DRIVER = re.compile(r"/container_(?:e\d+_)?\d+_\d+_(?P<attempt>\d+)_000001/std(?:out|err)\.gz$")
"""The driver runs in the first container of each application attempt."""
BOOTSTRAP = re.compile(r"/bootstrap-actions/\d+/stderr\.gz$")
Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The lines of a log that say why a step failed, the s3:// URI of the log, and whether a retry of the job may help."""

    uri: str
    text: str
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class _Look:
    """The logs of a failed step at one moment.

    Attributes:
        logs: texts of all logs.
        excerpt: the lines about the failure.
        final: whether the excerpt cannot change any more.
        awaited: whether the most informative log is known to be missing.
    """

    logs: tuple[str, ...]
    excerpt: Excerpt | None
    final: bool
    awaited: bool = False


class Logs:
    """Reads the logs of steps, and waits for them."""

    def __init__(self, s3: Any, calls: Calls, patience: float = PATIENCE_SECONDS) -> None:
        self._s3 = s3
        self._calls = calls
        self._timing = calls.timing
        self._patience = patience

    def text(self, folder: str, name: str) -> str:
        """Return the current text of a log; empty if it is missing or incomplete."""
        return self._text(f"{folder}{name}.gz")

    def failure(self, folder: str) -> Excerpt | None:
        """Wait for the logs of a failed step, and return the lines that say why it failed; None if no log arrives.

        Logs may come from an upload before the failure, or be incomplete. They count as complete when two polls agree, and
        they have a Python error, or the controller log says that the step has ended, or no upload has changed them since.

        Args:
            folder: s3:// folder of the step's logs.
        """
        deadline = self._timing.now() + self._patience
        last, since = None, self._timing.now()
        for _ in self._timing.pauses(3, 30):
            found = self._look(folder)
            now = self._timing.now()
            if last is None or found.logs != last.logs:
                last, since = found, now
            elif found.final or (found.excerpt and not found.awaited and now - since >= QUIET_SECONDS):
                return found.excerpt
            if now >= deadline:
                return found.excerpt
        raise AssertionError("pauses never end")

    def bootstrap_failure(self, folder: str) -> Excerpt | None:
        """Wait for the log of a failed bootstrap action, and return its last lines; None if no log arrives.

        Args:
            folder: s3:// folder of the logs of any step of the same cluster.
        """

        def look() -> Excerpt | None:
            uris = (uri for uri in self._uris(f"{_cluster_folder(folder)}/node/") if BOOTSTRAP.search(uri))
            return next((Excerpt(uri, text) for uri in uris if (text := last_lines(self._text(uri)))), None)

        return self._wait(look, bool, BOOTSTRAP_SECONDS)

    def reports(self, folder: str, expected: int | None) -> list[Mapping[str, Any]]:
        """Wait for the run reports that a step printed, and return those that arrived.

        Args:
            folder: s3:// folder of the step's logs.
            expected: number of reports to wait for; None means at least one.
        """

        def look() -> list[Mapping[str, Any]]:
            return reports_in(self.text(folder, "stdout"))

        return self._wait(look, lambda found: len(found) >= (expected or 1), self._patience)

    def _look(self, folder: str) -> _Look:
        stdout, stderr, controller = (self.text(folder, name) for name in ("stdout", "stderr", "controller"))
        application = driver_application(stderr)
        if application and not python_cause(stdout):
            # In cluster mode the step is only YARN's client, and the driver's logs are in its container's folder.
            driver = self._driver_folder(folder, application)
            out, err = (self.text(driver, name) if driver else "" for name in ("stdout", "stderr"))
            excerpt = _excerpt(driver, out, err, killed=was_killed(stderr, err)) or _excerpt(folder, "", stderr)
            return _Look((stdout, stderr, controller, out, err), excerpt, bool(python_cause(out)), awaited=not driver)
        excerpt = _excerpt(folder, stdout, stderr, killed=was_killed(stderr, controller))
        certain = bool(python_cause(stdout) or python_cause(stderr))
        return _Look((stdout, stderr, controller), excerpt, certain or (has_ended(controller) and excerpt is not None))

    def _driver_folder(self, folder: str, application: str) -> str:
        """Return the folder of the driver's logs of the last application attempt; empty if it does not exist yet."""
        found = [
            (match["attempt"], uri)
            for uri in self._uris(f"{_cluster_folder(folder)}/containers/{application}/")
            if (match := DRIVER.search(uri))
        ]
        return max(found)[1].rpartition("/")[0] + "/" if found else ""

    def _uris(self, folder: str) -> Iterator[str]:
        bucket, prefix = s3_parts(folder, "logs")
        asked: dict[str, Any] = {"Bucket": bucket, "Prefix": f"{prefix}/"}
        while True:
            page = self._calls(f"to list {folder}", self._s3.list_objects_v2, **asked)
            yield from (f"s3://{bucket}/{each['Key']}" for each in page.get("Contents", []))
            if not page.get("IsTruncated"):
                return
            asked["ContinuationToken"] = page["NextContinuationToken"]

    def _text(self, uri: str) -> str:
        bucket, key = s3_parts(uri, "logs")
        try:
            packed = self._calls(f"to read {uri}", self._read, Bucket=bucket, Key=key)
            return gzip.decompress(packed).decode("utf-8", "replace")
        except EmrError as problem:
            if code_of(problem) not in NO_KEY:
                raise
            return ""
        except (EOFError, gzip.BadGzipFile, zlib.error):
            return ""

    def _read(self, **place: str) -> bytes:
        # Read the body, too: if it breaks off, the whole call is retried.
        content: bytes = self._s3.get_object(**place)["Body"].read()
        return content

    def _wait(self, look: Callable[[], Thing], enough: Callable[[Thing], bool], patience: float) -> Thing:
        deadline = self._timing.now() + patience
        pauses = self._timing.pauses(3, 30)
        while True:
            next(pauses)
            found = look()
            if enough(found) or self._timing.now() >= deadline:
                return found


def reports_in(text: str) -> list[Mapping[str, Any]]:
    """Return the run reports in a step's output: lines with one JSON object that has a run_id, a status and a job."""
    found = []
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if {"run_id", "status", "job"} <= value.keys():
                found.append(value)
    return found


def _excerpt(folder: str, stdout: str, stderr: str, *, killed: bool = False) -> Excerpt | None:
    """Return the most informative lines about a failure: an error of Python, else one of Spark, else the last lines."""
    for name, text in (("stdout", python_cause(stdout)), ("stderr", python_cause(stderr))):
        if text:
            return Excerpt(f"{folder}{name}.gz", text, is_retryable(stdout))
    ends = (("stdout", last_lines(stdout)), ("stderr", last_lines(stderr)))
    for name, text in ends if killed else (("stderr", spark_cause(stderr)), *ends):
        if text:
            return Excerpt(f"{folder}{name}.gz", f"{KILLED}\n{text}" if killed else text)
    return None


def _cluster_folder(folder: str) -> str:
    """Return the folder of all logs of the cluster that a step ran on."""
    return folder.partition("/steps/")[0]
