"""Events: tells Kestra of runs by the lines that it picks out of what a task prints.

Of a run in the task itself it is told while the task names its execution: `env: {KESTRA_EXECUTION: "{{ execution.id }}"}`.
A run on a cluster prints its lines where Kestra cannot see them, so its report is handed on by `shipment-etl kestra report`.
"""

import json
import os
import sys
from typing import TextIO

from shipment_etl.lake.runs import FAILED, Run, RunStart
from shipment_etl_kestra.reports import metrics_of, outputs_of

__all__ = ["EXECUTION", "failed", "succeeded", "tell"]

EXECUTION = "KESTRA_EXECUTION"
"""The variable that says that Kestra listens."""


def tell(run: Run, to: TextIO) -> None:
    """Print a run as outputs, counters and timers of Kestra."""
    _print(to, outputs=outputs_of(run))
    _print(to, metrics=metrics_of(run))


def succeeded(run: Run) -> None:
    """Tell of a run that succeeded, if Kestra listens."""
    if EXECUTION in os.environ:
        # Kestra reads both streams, and stdout may be the JSON that a program waits for.
        tell(run, sys.stderr)


def failed(start: RunStart) -> None:
    """Tell of a run that failed, if Kestra listens; why is in the log."""
    if EXECUTION in os.environ:
        about = {"run_id": start.run_id, "job": start.job, "source": start.source}
        _print(sys.stderr, outputs={**about, "batch_date": start.batch_date.isoformat(), "status": FAILED})


def _print(to: TextIO, **message: object) -> None:
    print(f"::{json.dumps(message)}::", file=to, flush=True)
