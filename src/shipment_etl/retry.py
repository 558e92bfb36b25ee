"""Retry: repeats a call that may succeed later, after increasing pauses.

Uses tenacity, which has no dependencies and lets callers pass the sleep and stop functions, so that tests need not wait.
stamina is built on it, but hides both.
"""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential

from shipment_etl.errors import ShipmentEtlError

__all__ = ["is_retryable", "retry"]

Answer = TypeVar("Answer")


def is_retryable(problem: BaseException) -> bool:
    """Return whether an error is ours and says that a retry may succeed."""
    return isinstance(problem, ShipmentEtlError) and problem.retryable


def retry(
    call: Callable[[], Answer],
    *,
    when: Callable[[BaseException], bool] = is_retryable,
    until: Callable[[int], bool],
    first: float,
    most: float,
    sleep: Callable[[float], None] = time.sleep,
    chance: Callable[[], float] = random.random,
) -> Answer:
    """Return the result of a call; if no attempt succeeds, raise the error of the last one.

    Args:
        call: must be safe to repeat.
        when: given an error, whether to try again.
        until: given the number of attempts, whether to stop.
        first: length of the first pause in seconds; each pause is twice as long as the one before.
        most: maximum length of a pause in seconds. Each is up to 20 % longer or shorter, so that clients spread out.
        sleep: sleeps for a number of seconds.
        chance: returns a random number from 0 to 1.
    """
    growing = wait_exponential(multiplier=first, max=most)

    def wait(state: RetryCallState) -> float:
        return growing(state) * (0.8 + 0.4 * chance())

    def stop(state: RetryCallState) -> bool:
        return until(state.attempt_number)

    return Retrying(retry=retry_if_exception(when), wait=wait, stop=stop, sleep=sleep, reraise=True)(call)
