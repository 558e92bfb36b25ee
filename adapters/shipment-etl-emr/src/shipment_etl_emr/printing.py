"""Output of the commands `shipment-etl emr …`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shipment_etl.cli.terminal import echo, echo_json

if TYPE_CHECKING:
    from shipment_etl_emr.runner import Outcome
    from shipment_etl_emr.target import Progress

__all__ = ["print_outcome", "print_progress", "print_result"]


def print_outcome(outcome: "Outcome", as_json: bool) -> None:
    """Print that a run completed, with the counts of its reports."""
    place = outcome.place
    told = {"run": outcome.run, "cluster": place.cluster, "step": place.step, "reports": list(outcome.reports)}
    lines = [f"{outcome.run}: {place} completed"]
    for report in outcome.reports:
        counts = report.get("counts", {})
        told_counts = ", ".join(f"{rows:,} {what}" for what, rows in counts.items() if rows)
        lines.append(f"  {report['job']} {report.get('source', '')} {report.get('batch_date', '')}: {told_counts}")
    print_result(told, as_json, "\n".join(lines))


def print_progress(progress: "Progress", as_json: bool) -> None:
    """Print the state of a cluster and its step."""
    told = {
        "cluster": progress.place.cluster,
        "step": progress.place.step,
        "cluster_state": progress.cluster,
        "step_state": progress.step,
        "reason": progress.reason,
        "message": progress.message,
    }
    print_result(told, as_json, " ".join(part for part in (str(progress), progress.reason, progress.message) if part))


def print_result(told: Mapping[str, Any], as_json: bool, text: str) -> None:
    """Print a result, as a line of JSON or as text."""
    if as_json:
        echo_json(told)
    else:
        echo(text)
