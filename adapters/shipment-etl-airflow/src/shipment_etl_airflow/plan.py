"""Plan: maps a run of a DAG to a run of a job. Pure."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from shipment_etl.dates import as_date

__all__ = ["batch_date", "options", "run_name"]

NEVER_FIRST = " ._:+@=-"
UNNAMEABLE = re.compile(rf"[^A-Za-z0-9{NEVER_FIRST}]")
MAX_LENGTH = 120
"""Characters with which the name of a run on EMR must not begin, or which it must not contain; its maximum length."""


def batch_date(given: str | None, moment: datetime, timezone: str) -> date:
    """Return the batch date of a run: the one given, else the day of its moment in the schedule's time zone.

    Args:
        given: YYYY-MM-DD, or nothing.
        moment: the logical date of a run; for a manual run, which has none, when it was due to start.
        timezone: name of the schedule's time zone, such as Europe/Berlin.

    Raises:
        InvalidValue: what is given is not a date.
    """
    return as_date(given) if given else moment.astimezone(ZoneInfo(timezone)).date()


def run_name(dag_id: str, run_id: str, cleared: int) -> str:
    """Return the name that a run has on EMR: the same for each retry, so that it reuses the cluster.

    To clear a run means to do its work again, so the name changes each time the run is cleared.
    """
    name = f"{dag_id} {run_id}" + (f" cleared {cleared}" if cleared else "")
    fit = UNNAMEABLE.sub("-", name).lstrip(NEVER_FIRST)
    if fit == name and len(name) <= MAX_LENGTH:
        return name
    # Two names that differ must not become one.
    mark = sha256(name.encode()).hexdigest()[:16]
    return f"{fit[: MAX_LENGTH - len(mark) - 1]} {mark}".lstrip()


def options(params: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the parameters of a DAG as options of a job; those not given are left out."""
    return tuple(
        text for name, value in params.items() if value is not None for text in (f"--{name.replace('_', '-')}", str(value))
    )
