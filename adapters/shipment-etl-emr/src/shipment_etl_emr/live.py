"""The live line: which cluster and step a command waits for; it moves on a terminal, and is a line a change elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.markup import escape

from shipment_etl.cli.terminal import console
from shipment_etl.printable import printable
from shipment_etl_emr.target import Progress

__all__ = ["live"]


@contextmanager
def live(run: str) -> Iterator[Callable[[Progress], None]]:
    """Yield what shows progress on stderr."""
    shown, start, last = console(stderr=True), time.monotonic(), [""]
    if not shown.is_terminal:

        def tell(progress: Progress) -> None:
            if str(progress) != last[0]:
                last[0] = str(progress)
                shown.print(f"{run}: {last[0]}", markup=False)

        yield tell
        return
    with shown.status(f"{escape(run)}: starting") as status:

        def show(progress: Progress) -> None:
            minutes, seconds = divmod(int(time.monotonic() - start), 60)
            status.update(escape(printable(f"{run}: {progress} · {minutes:02}:{seconds:02}")))

        yield show
