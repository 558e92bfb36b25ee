"""Retry: a call that may succeed when it is made again, is made again after growing pauses.

By tenacity, which has no dependencies and takes pauses and the end from outside, so that tests need not wait. stamina is
built on it and hides both.
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
    """Whether an error of ours says that the same again may succeed."""
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
    """Return what a call returns; the error of its last try if none succeeds.

    Args:
        call: does no harm when it is made twice.
        when: whether to try again after an error.
        until: given how many tries there were, whether that is enough.
        first: seconds of the first pause; each is twice as long as the one before.
        most: seconds of the longest pause. Each is up to a fifth longer or shorter, so that clients part ways.
        sleep: for so many seconds.
        chance: random numbers from 0 to 1.
    """
    growing = wait_exponential(multiplier=first, max=most)

    def wait(state: RetryCallState) -> float:
        return growing(state) * (0.8 + 0.4 * chance())

    def stop(state: RetryCallState) -> bool:
        return until(state.attempt_number)

    return Retrying(retry=retry_if_exception(when), wait=wait, stop=stop, sleep=sleep, reraise=True)(call)
