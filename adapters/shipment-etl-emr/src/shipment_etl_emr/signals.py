"""Signals: SIGTERM, Ctrl-C and a closed terminal end a run like an error; a second signal does not disturb the cleanup."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

__all__ = ["Stop", "Stopped", "catch_stop", "raise_on_signal"]

SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """A signal asked to stop; `number` is its number."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Stop(threading.Event):
    """Set when a signal asks to stop; `number` is its number."""

    number = 0


@contextmanager
def raise_on_signal() -> Iterator[None]:
    """Raise Stopped in the body on the first signal, and ignore all later ones.

    Signals that were already ignored stay ignored. Only the main thread can handle signals.
    """
    with _handle_signals(_stop):
        yield


@contextmanager
def catch_stop() -> Iterator[Stop]:
    """Yield an event that a signal sets, for a body that starts programs: an exception could lose their handles."""
    stop = Stop()

    def ask(number: int, frame: FrameType | None) -> None:
        stop.number = stop.number or number
        stop.set()

    with _handle_signals(ask):
        yield stop


@contextmanager
def _handle_signals(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, was in before.items():
            signal.signal(number, was)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(number)
