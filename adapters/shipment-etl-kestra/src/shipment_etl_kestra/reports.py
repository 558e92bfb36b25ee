"""Reports: a run's report as Kestra's outputs and metrics, and the check that it is the one requested. Pure."""

import json
from datetime import date
from typing import Any

from shipment_etl.lake.runs import SUCCEEDED, Run
from shipment_etl_kestra.errors import OutcomeUnreadable, ReportDisagrees, StepFailed

__all__ = ["metrics_of", "outputs_of", "run_of_outcome"]

COUNTS = ("read", "accepted", "quarantined", "duplicates", "overtaken")


def outputs_of(run: Run) -> dict[str, Any]:
    """Return the outputs of a run, for later tasks and people: its ID, where every row went, why rows were rejected."""
    about = {"run_id": run.run_id, "job": run.job, "source": run.source, "batch_date": run.batch_date.isoformat()}
    counts = {name: getattr(run.counts, name) for name in COUNTS}
    why = {"reasons": dict(run.reasons), "warnings": dict(run.warnings)}
    return {**about, "status": run.status, **counts, **why, "seconds": run.total_seconds}


def metrics_of(run: Run) -> list[dict[str, Any]]:
    """Return a counter of rows for each place they went and for each reason, and a timer in seconds for each stage."""
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
        name: of the file, for messages.
        batch_date: the requested day.

    Raises:
        StepFailed: the outcome is an error.
        OutcomeUnreadable: the text is not an outcome, or holds no report.
        RowsLost: the report does not account for every row.
        ReportDisagrees: the run did not succeed, is of another day, or read no rows.
    """
    try:
        outcome = json.loads(text)
        if error := outcome.get("error"):
            raise StepFailed(str(error["message"]), str(error["remedy"]))
        # Reports of waiting batches come before that of the day.
        *_, run = [Run.from_json(report) for report in outcome["reports"]]
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise OutcomeUnreadable(name, problem) from problem
    if run.status != SUCCEEDED:
        raise ReportDisagrees(run.run_id, f"its status is {run.status}", "Read the step's log.")
    if run.batch_date != batch_date:
        raise ReportDisagrees(run.run_id, f"it is of {run.batch_date}, not of {batch_date}", "Check the step's arguments.")
    if run.counts.read == 0:
        raise ReportDisagrees(
            run.run_id, f"it read no rows of {batch_date}", "Check whether the batch was generated or landed."
        )
    return run


def _metric(kind: str, name: str, value: float, **tags: str) -> dict[str, Any]:
    return {"type": kind, "name": name, "value": value, "tags": tags}
