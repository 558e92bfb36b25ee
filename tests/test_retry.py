"""retry: only retryable errors are retried, after growing pauses, and never longer than requested."""

import pytest

from shipment_etl.errors import BucketMissing, StorageFailed
from shipment_etl.retry import retry


class Calls:
    """A call that fails with these errors, one after the other, and then succeeds."""

    def __init__(self, *problems: Exception) -> None:
        self.problems = list(problems)
        self.pauses: list[float] = []

    def __call__(self) -> str:
        if self.problems:
            raise self.problems.pop(0)
        return "done"

    def again(self, tries: int) -> str:
        return retry(self, until=lambda done: done >= tries, first=1, most=4, sleep=self.pauses.append, chance=lambda: 0.5)


BUSY = StorageFailed("s3://b", "slow down")


def test_a_call_is_retried_after_growing_pauses_until_it_succeeds() -> None:
    calls = Calls(BUSY, BUSY, BUSY, BUSY)
    assert calls.again(9) == "done"
    assert calls.pauses == [1, 2, 4, 4]


def test_after_the_last_attempt_its_error_is_raised() -> None:
    last = StorageFailed("s3://b", "still slow")
    calls = Calls(BUSY, last, BUSY)
    with pytest.raises(StorageFailed) as caught:
        calls.again(2)
    assert caught.value is last
    assert len(calls.problems) == 1


@pytest.mark.parametrize("problem", [BucketMissing("b", "S3"), ValueError("our mistake")])
def test_errors_that_are_not_retryable_are_not_retried(problem: Exception) -> None:
    calls = Calls(problem)
    with pytest.raises(type(problem)):
        calls.again(9)
    assert calls.pauses == []


@pytest.mark.parametrize(("chance", "pause"), [(0.0, 0.8), (1.0, 1.2)])
def test_pauses_vary_by_a_fifth(chance: float, pause: float) -> None:
    pauses: list[float] = []
    retry(Calls(BUSY), until=lambda _: False, first=1, most=4, sleep=pauses.append, chance=lambda: chance)
    assert pauses == [pytest.approx(pause)]
