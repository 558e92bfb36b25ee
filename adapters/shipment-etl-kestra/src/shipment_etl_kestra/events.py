"""Events: report runs to Kestra by printing lines that it parses from the output of a task.

A run in the task itself is reported if the task names its execution: `env: {KESTRA_EXECUTION: "{{ execution.id }}"}`.
A run on a cluster prints where Kestra cannot see it, so `shipment-etl kestra report` passes its report on.
"""

import json
import os
import sys
from typing import TextIO

from shipment_etl.lake.runs import FAILED, Run, RunStart
from shipment_etl_kestra.reports import metrics_of, outputs_of

__all__ = ["EXECUTION", "print_run", "report_failure", "report_success"]

EXECUTION = "KESTRA_EXECUTION"
"""The environment variable that is set if Kestra reads the output."""


def print_run(run: Run, to: TextIO) -> None:
    """Print a run as outputs, counters and timers of Kestra."""
    _print(to, outputs=outputs_of(run))
    _print(to, metrics=metrics_of(run))


def report_success(run: Run) -> None:
    """Report a run that succeeded, if Kestra reads the output."""
    if EXECUTION in os.environ:
        # Kestra reads both streams, and stdout may be JSON that another program reads.
        print_run(run, sys.stderr)


def report_failure(start: RunStart) -> None:
    """Report a run that failed, if Kestra reads the output; the cause is in the log."""
    if EXECUTION in os.environ:
        about = {"run_id": start.run_id, "job": start.job, "source": start.source}
        _print(sys.stderr, outputs={**about, "batch_date": start.batch_date.isoformat(), "status": FAILED})


def _print(to: TextIO, **message: object) -> None:
    print(f"::{json.dumps(message)}::", file=to, flush=True)
