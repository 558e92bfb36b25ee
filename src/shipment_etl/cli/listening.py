"""Listeners of a command's runs: a progress line or a JSON log, and lineage on request."""

from collections.abc import Iterator
from contextlib import contextmanager

from shipment_etl.cli.options import Log
from shipment_etl.cli.progress import progress

__all__ = ["open_listeners"]


@contextmanager
def open_listeners(log: Log, lineage: bool) -> Iterator[list[object]]:
    """Yield the listeners of a run.

    Raises:
        ExtraMissing: lineage is on, but its package is not installed.
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
