"""Groups of options: a command takes one as a single parameter, and typer sees each of its fields as an option."""

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
from shipment_etl.cli.terminal import echo
from shipment_etl.dates import as_date, days
from shipment_etl.errors import InvalidValue

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from shipment_etl.lake.lake import Lake
    from shipment_etl.lake.runs import Run

__all__ = ["DateOptions", "JobOptions", "OutputOptions", "expand_options", "session_for"]

# Heavy packages are imported where they are used, so that --help and mistakes answer at once.


def expand_options(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command for typer: in place of each group of options it has the fields of the group."""
    taken = signature(command).parameters.values()
    groups: dict[str, Any] = {each.name: each.annotation for each in taken if is_dataclass(each.annotation)}
    expanded = [part for each in taken for part in (_fields_of(groups[each.name]) if each.name in groups else [each])]

    @wraps(command)
    def called(**given: Any) -> None:
        made = {
            name: group(**{each.name: given.pop(each.name) for each in fields(group) if each.name in given})
            for name, group in groups.items()
        }
        command(**given, **made)

    # Typer calls by name, so what has a default may stand before what has none.
    parameters = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in expanded]
    called.__signature__ = signature(command).replace(parameters=parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {each.name: each.annotation for each in parameters}
    return called


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
        """Return the batch dates that --date, or --from and --to, stand for; none if none was given.

        Raises:
            InvalidValue: they do not go together, or one is no date.
            InvalidDateRange: the range runs backwards.
        """
        if self.date is not None and (self.first is not None or self.last is not None):
            raise InvalidValue("--date", self.date, "left out where --from and --to are given")
        if self.date is not None:
            return [as_date(self.date, "--date")]
        if self.first is None and self.last is None:
            return []
        if self.first is None or self.last is None:
            raise InvalidValue("--from" if self.first is None else "--to", None, "given, because a range has two ends")
        return days(as_date(self.first, "--from"), as_date(self.last, "--to"))


@dataclass(frozen=True, slots=True)
class JobOptions:
    """What every command takes that runs jobs: on which engine, who hears of it, and how it prints."""

    engine: EngineOption = "auto"
    log: LogOption = Log.text
    lineage: LineageOption = False
    as_json: JsonOption = False
    keep_report: KeepReportOption = False
    wait: WaitOption = 0
    debug: DebugOption = False

    def open_lake(self, uri: str) -> "Lake":
        """Return the lake, whose lock is waited for as long as --wait says."""
        from shipment_etl.lake.lake import Lake

        return Lake(uri, wait=self.wait)

    @contextmanager
    def listeners(self, lake: "Lake") -> Iterator[list[object]]:
        """Yield the listeners of runs on the lake.

        Raises:
            ExtraMissing: lineage was asked for, and its package is not installed.
        """
        from shipment_etl.cli.listening import listening
        from shipment_etl.cli.progress import ReportKeeper

        with listening(self.log, self.lineage) as listeners:
            yield [*listeners, *([ReportKeeper(lake)] if self.keep_report else [])]

    def run(self, lake: "Lake", job: "Callable[..., Run]", **arguments: Any) -> None:
        """Run a job on the lake, and print its warnings and its report."""
        from shipment_etl.cli.rendering import print_json_lines, print_run

        with self.listeners(lake) as listeners:
            run = job(lake, **arguments, spark=session_for(lake, self.engine), listeners=listeners)
        for warning in run.settings.get("warnings", ()):
            echo(f"warning: {warning}", err=True)
        # Where nobody reads the reports any more, the batches that are left are to be done all the same.
        with suppress(OutputClosed):
            if self.as_json:
                print_json_lines([run.to_json()])
            else:
                print_run(run)
