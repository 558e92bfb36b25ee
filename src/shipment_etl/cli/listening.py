"""Who listens to a command's runs: the progress line or a log of JSON, and lineage where it is asked for."""

from collections.abc import Iterator
from contextlib import contextmanager

from shipment_etl.cli.options import Log
from shipment_etl.cli.progress import progress

__all__ = ["listening"]


@contextmanager
def listening(log: Log, lineage: bool) -> Iterator[list[object]]:
    """Yield the listeners of a run.

    Raises:
        ExtraMissing: lineage was asked for, and its package is not installed.
    """
    others: list[object] = []
    if lineage:
        from shipment_etl.listeners.lineage import Lineage

        others.append(Lineage())
    if log is Log.json:
        from shipment_etl.listeners.run_log import RunLog, log_as_json

        log_as_json()
        yield [RunLog(), *others]
        return
    with progress() as shown:
        yield [shown, *others]
