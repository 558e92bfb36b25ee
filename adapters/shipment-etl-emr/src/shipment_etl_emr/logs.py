"""Logs: what a step printed, as EMR lays it down in S3; and the reports of runs in it."""

import gzip
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from shipment_etl_emr.calls import Calls, code_of
from shipment_etl_emr.errors import EmrError
from shipment_etl_emr.settings import s3_parts

__all__ = ["FILES", "Logs", "reports_in"]

FILES = ("stderr", "stdout", "controller", "syslog")
PATIENCE_SECONDS = 900.0
"""EMR copies logs every five minutes, and once more as a cluster ends."""
TAIL_LINES, TAIL_CHARACTERS = 40, 4_000
MISSING = ("NoSuchKey", "404")
Thing = TypeVar("Thing")


class Logs:
    """Reads the logs of steps, and waits for them."""

    def __init__(self, s3: Any, calls: Calls, patience: float = PATIENCE_SECONDS) -> None:
        self._s3 = s3
        self._calls = calls
        self._timing = calls.timing
        self._patience = patience

    def text(self, folder: str, name: str) -> str:
        """Return what a log holds now; empty if it is not there, or only half there."""
        bucket, prefix = s3_parts(folder, "logs")
        key = f"{prefix}/{name}.gz".lstrip("/")
        try:
            found = self._calls(f"to read s3://{bucket}/{key}", self._s3.get_object, Bucket=bucket, Key=key)
            return gzip.decompress(found["Body"].read()).decode("utf-8", "replace")
        except EmrError as problem:
            if code_of(problem.__cause__ or problem) not in MISSING:
                raise
            return ""
        except (EOFError, gzip.BadGzipFile, zlib.error):
            return ""

    def tail(self, folder: str, names: Sequence[str] = FILES) -> str:
        """Wait for the first of some logs that says something, and return its last lines; empty if none comes."""

        def last() -> str:
            texts = (self.text(folder, name).strip() for name in names)
            return next((text for text in texts if text), "")

        text = self._wait(last, bool)
        return "\n".join(text.splitlines()[-TAIL_LINES:])[-TAIL_CHARACTERS:]

    def reports(self, folder: str, expected: int | None) -> list[Mapping[str, Any]]:
        """Wait for the reports of runs that a step printed, and return those that came.

        Args:
            folder: s3:// folder of the step's logs.
            expected: how many must come; None is at least one.
        """
        return self._wait(lambda: reports_in(self.text(folder, "stdout")), lambda found: len(found) >= (expected or 1))

    def _wait(self, look: Callable[[], Thing], enough: Callable[[Thing], bool]) -> Thing:
        deadline = self._timing.now() + self._patience
        pauses = self._timing.pauses(3, 30)
        while True:
            next(pauses)
            found = look()
            if enough(found) or self._timing.now() >= deadline:
                return found


def reports_in(text: str) -> list[Mapping[str, Any]]:
    """Return the reports of runs in what a step printed: its lines that are one JSON object with a run_id and a status."""
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
