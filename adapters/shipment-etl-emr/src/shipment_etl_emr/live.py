"""The live line: the cluster and step that a command waits for. Updated in place on a terminal, else one line per change."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.markup import escape

from shipment_etl.cli.terminal import console
from shipment_etl.printable import printable
from shipment_etl_emr.target import Progress

__all__ = ["show_live"]


@contextmanager
def show_live(run: str) -> Iterator[Callable[[Progress], None]]:
    """Yield a function that shows progress on stderr."""
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
