"""Groups of options: a command takes a group as one parameter, and typer sees each field of it as an option."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, is_dataclass
from datetime import date as Date
from functools import wraps
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any, get_type_hints

from shipment_etl.cli.options import (
    DateOption,
    DebugOption,
    EngineOption,
    FromOption,
    JsonOption,
    KeepReportOption,
    LineageOption,
    Log,
    LogOption,
    ToOption,
    WaitOption,
)
from shipment_etl.cli.output import OutputClosed
from shipment_etl.cli.terminal import echo, echo_json
from shipment_etl.dates import as_date, days
from shipment_etl.errors import InvalidValue

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from shipment_etl.lake.lake import Lake
    from shipment_etl.lake.runs import Run

__all__ = ["DateOptions", "JobOptions", "OutputOptions", "expand_options", "session_for"]

# Heavy packages are imported where they are used, so that --help and usage errors are fast.


def expand_options(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command for typer, in which each group of options is replaced by its fields."""
    taken = signature(command).parameters.values()
    groups: dict[str, Any] = {each.name: each.annotation for each in taken if is_dataclass(each.annotation)}
    expanded = [part for each in taken for part in (_fields_of(groups[each.name]) if each.name in groups else [each])]

    @wraps(command)
    def call(**given: Any) -> None:
        made = {
            name: group(**{each.name: given.pop(each.name) for each in fields(group) if each.name in given})
            for name, group in groups.items()
        }
        command(**given, **made)

    # Typer passes arguments by name, so parameters with a default may come before those without.
    parameters = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in expanded]
    call.__signature__ = signature(command).replace(parameters=parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {each.name: each.annotation for each in parameters}
    return call


def _fields_of(group: Any) -> list[Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        Parameter(each.name, Parameter.KEYWORD_ONLY, default=each.default, annotation=hints[each.name])
        for each in fields(group)
    ]


def session_for(lake: "Lake", engine: str) -> "SparkSession":
    """Return a session of the engine that reaches the lake."""
    from shipment_etl.s3 import is_s3
    from shipment_etl.sessions import session

    return session(engine, s3=is_s3(lake.uri))


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """How a command prints."""

    as_json: JsonOption = False
    debug: DebugOption = False


@dataclass(frozen=True, slots=True)
class DateOptions:
    """Batch dates: one, or a range."""

    date: DateOption = None
    first: FromOption = None
    last: ToOption = None

    def days(self) -> list[Date]:
        """Return the batch dates given by --date, or by --from and --to; none if none was given.

        Raises:
            InvalidValue: they cannot be combined, or one is not a date.
            InvalidDateRange: the range runs backwards.
        """
        if self.date is not None and (self.first is not None or self.last is not None):
            raise InvalidValue("--date", self.date, "left out if --from or --to is given")
        if self.date is not None:
            return [as_date(self.date, "--date")]
        if self.first is None and self.last is None:
            return []
        if self.first is None or self.last is None:
            raise InvalidValue("--from" if self.first is None else "--to", None, "given: a range needs --from and --to")
        return days(as_date(self.first, "--from"), as_date(self.last, "--to"))


@dataclass(frozen=True, slots=True)
class JobOptions:
    """Options of all commands that run jobs: engine, logs and events, output."""

    engine: EngineOption = "auto"
    log: LogOption = Log.text
    lineage: LineageOption = False
    as_json: JsonOption = False
    keep_report: KeepReportOption = False
    wait: WaitOption = 0
    debug: DebugOption = False

    def open_lake(self, uri: str) -> "Lake":
        """Return the lake; its jobs wait for the lock as long as --wait says."""
        from shipment_etl.lake.lake import Lake

        return Lake(uri, wait=self.wait)

    @contextmanager
    def listeners(self, lake: "Lake") -> Iterator[list[object]]:
        """Yield the listeners of runs on the lake.

        Raises:
            ExtraMissing: lineage is on, but its package is not installed.
        """
        from shipment_etl.cli.listening import open_listeners
        from shipment_etl.cli.progress import ReportKeeper

        with open_listeners(self.log, self.lineage) as listeners:
            yield [*listeners, *([ReportKeeper(lake)] if self.keep_report else [])]

    def run(self, lake: "Lake", job: "Callable[..., Run]", **arguments: Any) -> None:
        """Run a job on the lake, and print its warnings and its report."""
        from shipment_etl.cli.rendering import print_run

        with self.listeners(lake) as listeners:
            run = job(lake, **arguments, spark=session_for(lake, self.engine), listeners=listeners)
        for warning in run.settings.get("warnings", ()):
            echo(f"warning: {warning}", err=True)
        # If stdout is closed, the remaining batches are still processed.
        with suppress(OutputClosed):
            if self.as_json:
                echo_json(run.to_json())
            else:
                print_run(run)
