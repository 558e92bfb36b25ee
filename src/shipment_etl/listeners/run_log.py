"""The run log on stderr: each event of a run as a record of Python's logging, with the run as fields."""

import logging
import sys
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from shipment_etl.hookspecs import hookimpl
from shipment_etl.lake.runs import Run, RunStart

__all__ = ["RunLog", "log_as_json"]

LOG = logging.getLogger("shipment_etl.runs")


class RunLog:
    """Logs the events of runs, for programs: run_id, job, source, batch_date and lake are fields of every record."""

    @hookimpl
    def before_run(self, start: RunStart) -> None:
        """Log that a run starts."""
        _log(logging.INFO, "run started", start)

    @hookimpl
    def before_stage(self, start: RunStart, stage: str) -> None:
        """Log that a stage begins."""
        _log(logging.DEBUG, "stage started", start, stage=stage)

    @hookimpl
    def after_table_written(self, start: RunStart, table: str) -> None:
        """Log that a table was written."""
        _log(logging.INFO, "table written", start, table=table)

    @hookimpl
    def after_run(self, start: RunStart, run: Run) -> None:
        """Log what was done: counts, reasons, seconds."""
        counts = {"read": run.counts.read, **run.counts.parts}
        why = {"reasons": dict(run.reasons), "warnings": dict(run.warnings)}
        _log(logging.INFO, f"run {run.status}", start, **counts, **why, seconds=run.total_seconds)

    @hookimpl
    def run_failed(self, start: RunStart, error: BaseException) -> None:
        """Log why a run failed."""
        _log(logging.ERROR, "run failed", start, error=f"{type(error).__name__}: {error}")


def log_as_json() -> None:
    """Send all records of the package to stderr, one JSON object per line; a second call changes nothing."""
    package = logging.getLogger("shipment_etl")
    if any(isinstance(handler.formatter, JsonFormatter) for handler in package.handlers):
        return
    handler = logging.StreamHandler(sys.stderr)
    fields = {"asctime": "time", "levelname": "level", "name": "logger", "message": "event"}
    handler.setFormatter(
        JsonFormatter("{asctime}{levelname}{name}{message}", style="{", rename_fields=fields, datefmt="%Y-%m-%dT%H:%M:%S%z")
    )
    package.addHandler(handler)
    package.setLevel(logging.INFO)
    package.propagate = False


def _log(level: int, event: str, start: RunStart, **more: Any) -> None:
    about = {
        "run_id": start.run_id,
        "job": start.job,
        "source": start.source,
        "batch_date": start.batch_date.isoformat(),
        "lake": start.lake,
    }
    LOG.log(level, event, extra={**about, **more})
