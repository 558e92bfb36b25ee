"""Causes: finds the lines in a failed step's output that say why it failed. Pure.

spark-submit sends everything a Python driver prints to stdout, including tracebacks; Spark's own log goes to stderr.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["driver_application", "has_ended", "is_retryable", "last_lines", "python_cause", "spark_cause", "was_killed"]

MAX_LINES, FIRST_LINES, MAX_WIDTH = 40, 10, 400
TRACEBACK = "Traceback (most recent call last):"
WRONG_OPTIONS = "╭─ Error"
"""Start of the box that says which options are wrong."""
CHAINED = (
    "The above exception was the direct cause of",
    "During handling of the above exception",
    "An exception was thrown from the Python worker",
)
"""Lines between two tracebacks of the same failure."""
UNRAISED = "Exception ignored in"
JAVA_FRAME = re.compile(r"\s+(at \S.*|\.\.\. \d+ more)")
LOG_LINE = re.compile(r"\d\d/\d\d/\d\d \d\d:\d\d:\d\d (?P<level>[A-Z]+) (?P<logger>\S+): ")
JAVA_MAIN = 'Exception in thread "'
SHUTDOWN = ("Aborting task", "TransportRequestHandler", "ShutdownHookManager")
"""Errors that Spark logs because it shuts down; they are not the cause."""
APPLICATION = re.compile(
    r"SparkException: (?:Application|The final status of application) (?P<id>application_\d+_\d+) "
    r"(?:finished with failed status|is killed|is undefined)"
)
ENDED = "ended with exit code "
"""Text in a step's controller log once its process has ended."""
KILLED = re.compile(r"(?:ended with exit code|Command exiting with ret|application exited with status) '?137\b")


def python_cause(text: str) -> str:
    """Return the last Python traceback or job error in an output, without Java frames, or an empty string."""
    lines = text.splitlines()
    if error := _job_error(lines):
        return _excerpt(f"error: {error['message']} {error['remedy']}".splitlines())
    start = _last_traceback(lines)
    box = next((number for number in reversed(range(len(lines))) if lines[number].startswith(WRONG_OPTIONS)), -1)
    return "" if max(start, box) < 0 else _excerpt(lines[max(start, box) :])


def spark_cause(text: str) -> str:
    """Return the exception that ended the driver, or else the last error, in a Spark log, or an empty string."""
    lines = text.splitlines()
    raised = [number for number, line in enumerate(lines) if line.startswith(JAVA_MAIN)]
    logged = [
        number
        for number, line in enumerate(lines)
        if (found := LOG_LINE.match(line))
        and found["level"] in ("ERROR", "FATAL")
        and not any(word in line for word in SHUTDOWN)
    ]
    # The exception of YARN's client says only that an application failed; the reason is logged before it.
    told = logged if logged and raised and APPLICATION.search(lines[raised[-1]]) else raised or logged
    return _excerpt(_entry(lines, told[-1])) if told else ""


def last_lines(text: str) -> str:
    """Return the last lines of an output that has no recognizable error."""
    return _excerpt(text.strip().splitlines()[-MAX_LINES:])


def driver_application(stderr: str) -> str:
    """Return the YARN application of a failed step in cluster mode; empty in client mode.

    Source:
        org.apache.spark.deploy.yarn.Client.run of Spark 3.5.
    """
    found = APPLICATION.search(stderr)
    return found["id"] if found else ""


def has_ended(controller: str) -> bool:
    """Whether a step's controller log was uploaded after the end of the step."""
    return ENDED in controller


def was_killed(*logs: str) -> bool:
    """Whether the driver was killed by signal 9, as when its node is out of memory; it cannot log this itself."""
    return any(KILLED.search(log) for log in logs)


def is_retryable(text: str) -> bool:
    """Whether a job says in its output that a retry may succeed, for example because its lake was locked."""
    return bool(_job_error(text.splitlines()).get("retryable"))


def _job_error(lines: Sequence[str]) -> Mapping[str, Any]:
    """Return the last error that a job with `--json` printed; empty if it printed none, or if a traceback follows it."""
    for number in reversed(range(len(lines))):
        if lines[number].startswith('{"error"'):
            try:
                error = json.loads(lines[number])["error"]
            except ValueError:
                return {}
            fits = isinstance(error, dict) and {"message", "remedy"} <= error.keys()
            return error if fits and _last_traceback(lines) < number else {}
    return {}


def _last_traceback(lines: Sequence[str]) -> int:
    """Return the line where the last Python traceback begins, with the tracebacks chained to it, or -1."""
    starts = [
        number
        for number, line in enumerate(lines)
        if line == TRACEBACK and not _line_before(lines, number).startswith(UNRAISED)
    ]
    if not starts:
        return -1
    start = starts.pop()
    while starts and _line_before(lines, start).strip().startswith(CHAINED):
        start = starts.pop()
    return start


def _line_before(lines: Sequence[str], number: int) -> str:
    return next((line for line in reversed(lines[:number]) if line.strip()), "")


def _entry(lines: Sequence[str], start: int) -> Sequence[str]:
    """Return a log entry: all lines up to the next one that begins with a time."""
    end = next((number for number in range(start + 1, len(lines)) if LOG_LINE.match(lines[number])), len(lines))
    return lines[start:end]


def _excerpt(lines: Sequence[str]) -> str:
    """Return lines without empty ones and without Java frames except the first of each stack, cut to a maximum length."""
    kept = [
        line[:MAX_WIDTH].rstrip()
        for before, line in zip(["", *lines], lines, strict=False)
        if line.strip() and not (JAVA_FRAME.fullmatch(line) and JAVA_FRAME.fullmatch(before))
    ]
    if len(kept) > MAX_LINES:
        kept = [*kept[:FIRST_LINES], "…", *kept[FIRST_LINES - MAX_LINES + 1 :]]
    return "\n".join(kept)
