"""Reports: what a run's report means to Kestra, and whether it is the one that was asked for. Pure."""

import json
from datetime import date
from typing import Any

from shipment_etl.lake.runs import SUCCEEDED, Run
from shipment_etl_kestra.errors import OutcomeUnreadable, ReportDisagrees, StepFailed

__all__ = ["metrics_of", "outputs_of", "run_of_outcome"]

COUNTS = ("read", "accepted", "quarantined", "duplicates", "overtaken")


def outputs_of(run: Run) -> dict[str, Any]:
    """Return what later tasks, and people, read of a run: its name, where every row went, why rows were rejected."""
    about = {"run_id": run.run_id, "job": run.job, "source": run.source, "batch_date": run.batch_date.isoformat()}
    counts = {name: getattr(run.counts, name) for name in COUNTS}
    why = {"reasons": dict(run.reasons), "warnings": dict(run.warnings)}
    return {**about, "status": run.status, **counts, **why, "seconds": run.total_seconds}


def metrics_of(run: Run) -> list[dict[str, Any]]:
    """Return a counter of rows for each way they went and for each reason, and a timer in seconds for each stage."""
    about = {"job": run.job, "source": run.source}
    return [
        *(_metric("counter", f"rows_{name}", getattr(run.counts, name), **about) for name in COUNTS),
        *(_metric("counter", "rows_rejected", rows, **about, reason=reason) for reason, rows in run.reasons.items()),
        *(_metric("counter", "rows_warned", rows, **about, reason=reason) for reason, rows in run.warnings.items()),
        *(_metric("timer", "stage", seconds, **about, stage=stage) for stage, seconds in run.seconds.items()),
    ]


def run_of_outcome(text: str, name: str, batch_date: date) -> Run:
    """Return the run of an outcome, as `shipment-etl emr wait --json` prints it.

    Args:
        text: of the outcome.
        name: what the message calls it.
        batch_date: the day that was asked for.

    Raises:
        StepFailed: the outcome is an error.
        OutcomeUnreadable: it is none, or holds no report.
        RowsLost: the report does not account for every row.
        ReportDisagrees: the run did not succeed, is of another day, or read no row.
    """
    try:
        outcome = json.loads(text)
        if error := outcome.get("error"):
            raise StepFailed(str(error["message"]), str(error["remedy"]))
        # Batches that waited come before that of the day.
        *_, run = [Run.from_json(report) for report in outcome["reports"]]
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise OutcomeUnreadable(name, problem) from problem
    if run.status != SUCCEEDED:
        raise ReportDisagrees(run.run_id, f"its status is {run.status}", "Look at the step's log.")
    if run.batch_date != batch_date:
        raise ReportDisagrees(run.run_id, f"it is of {run.batch_date}, not of {batch_date}", "Look at the step's arguments.")
    if run.counts.read == 0:
        raise ReportDisagrees(
            run.run_id, f"it read no row of {batch_date}", "Look whether the batch was generated or landed."
        )
    return run


def _metric(kind: str, name: str, value: float, **tags: str) -> dict[str, Any]:
    return {"type": kind, "name": name, "value": value, "tags": tags}
