"""Signals: SIGTERM, Ctrl-C and a closed terminal end a run as an error does; a second one does not disturb its ending."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

__all__ = ["Stop", "Stopped", "stop_asked", "stoppable"]

SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """A signal asked to stop; `number` is which."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Stop(threading.Event):
    """Set once a signal asked to stop; `number` is which."""

    number = 0


@contextmanager
def stoppable() -> Iterator[None]:
    """Let the first signal raise Stopped in the body, and ignore all after it.

    What is ignored already stays so, and only a main thread can hear signals.
    """
    with _heard_by(_stop):
        yield


@contextmanager
def stop_asked() -> Iterator[Stop]:
    """Yield what the first signal sets: for a body that starts programs, which no signal may part from their handle."""
    stop = Stop()

    def ask(number: int, frame: FrameType | None) -> None:
        stop.number = stop.number or number
        stop.set()

    with _heard_by(ask):
        yield stop


@contextmanager
def _heard_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
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
