"""Plan: which run of a job one run of a DAG asks for. Pure."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from shipment_etl.dates import as_date

__all__ = ["batch_date", "options", "run_name"]

UNNAMEABLE = re.compile(r"[^A-Za-z0-9 ._:+@=-]")
LONGEST = 120
"""What the name of a run on EMR may be made of, and its length."""


def batch_date(given: str | None, moment: datetime, timezone: str) -> date:
    """Return the batch a run is about: the one given, else the day of its moment where the schedule is kept.

    Args:
        given: YYYY-MM-DD, or nothing.
        moment: the logical date of a run; of a manual one, which has none, when it was to start.
        timezone: name of the schedule's time zone, such as Europe/Berlin.

    Raises:
        InvalidValue: what is given is no date.
    """
    return as_date(given) if given else moment.astimezone(ZoneInfo(timezone)).date()


def run_name(dag_id: str, run_id: str, cleared: int) -> str:
    """Return the name that a run has on EMR: the same for each retry, which thus takes up its cluster.

    Whoever clears a run wants its work done again, so each time it was cleared makes another name.
    """
    name = f"{dag_id} {run_id}" + (f" cleared {cleared}" if cleared else "")
    fit = UNNAMEABLE.sub("-", name)
    if fit == name and len(name) <= LONGEST:
        return name
    # Two names that differ must not become one.
    mark = sha256(name.encode()).hexdigest()[:16]
    return f"{fit[: LONGEST - len(mark) - 1]} {mark}"


def options(params: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the options of a job that parameters of a DAG stand for; what is not given is left out."""
    return tuple(
        text for name, value in params.items() if value is not None for text in (f"--{name.replace('_', '-')}", str(value))
    )
