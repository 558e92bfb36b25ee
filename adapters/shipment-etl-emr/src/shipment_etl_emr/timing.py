"""Timing: the clock, and the pauses between polls. All randomness and sleeping of the adapter is here."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

__all__ = ["Timing", "next_pause"]

FIRST_PAUSE, MAX_PAUSE = 5.0, 30.0


@dataclass(frozen=True, slots=True)
class Timing:
    """A clock in seconds since 1970, a sleep in seconds, and random numbers from 0 to 1; tests bring their own."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random

    def pauses(self, first: float, most: float, factor: float = 1.5) -> Iterator[None]:
        """Yield at once, then after growing pauses, each up to a fifth longer or shorter, so that clients spread out."""
        pause = first
        while True:
            yield
            self.sleep(pause * (0.8 + 0.4 * self.chance()))
            pause = min(pause * factor, most)


def next_pause(pause: float, *, changed: bool) -> float:
    """Return the seconds until the next poll of a run: few if it has changed, else more than the last `pause`."""
    # Rarely while nothing changes: all clients of an account share its limit of calls.
    return FIRST_PAUSE if changed else min(pause * 1.3, MAX_PAUSE)
