"""At most one of a thing, of a service that takes no token for it: it is found, or created under a claim.

A creation whose answer got lost may show up later, or never. So every try at a creation has a claim that one client alone
can take, and whoever cannot take it, or got no answer, waits until the thing shows up or cannot any more. Should two be made
all the same, because a client slept between its claim and its call, all clients agree on the eldest and drop the others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shipment_etl_emr.calls import Unsure
from shipment_etl_emr.claims import Claims
from shipment_etl_emr.errors import ServiceUnavailable
from shipment_etl_emr.timing import Timing

__all__ = ["SETTLE_SECONDS", "Found", "find_or_create"]

SETTLE_SECONDS = 90.0
"""A creation that has not shown up after so long never will: the client's own time-out is shorter."""
MOST_TRIES = 10


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """A thing that was created for a run; `serves` is whether it is at work or done, and not failed."""

    created: float
    name: str
    attempt: int
    serves: bool


def find_or_create(
    what: str,
    *,
    find: Callable[[], Sequence[Found]],
    create: Callable[[int], str],
    drop: Callable[[str], object],
    claims: Claims,
    timing: Timing,
) -> str:
    """Return the name of the one thing that serves.

    Args:
        what: key of its claims.
        find: lists all that were created for it, failed ones too.
        create: makes one, given the number of the attempt, and returns its name; may raise Unsure.
        drop: ends one that is too many.
        claims: of this client.
        timing: clock and sleep.

    Raises:
        ServiceUnavailable: no creation was ever answered.
    """
    attempt, start, said = 0, timing.now(), ""
    for _ in range(MOST_TRIES):
        every = find()
        if serving := _only(every, drop):
            return serving
        attempt = max([attempt, *(each.attempt for each in every)]) + 1
        if claims.take(what, attempt):
            try:
                made = create(attempt)
            except Unsure as problem:
                said = str(problem)
            else:
                every = find()
                # A list can lag behind.
                seen = any(each.name == made for each in every)
                return _only([*every, *(() if seen else [Found(timing.now(), made, attempt, True)])], drop) or made
        if serving := _settled(find, drop, timing):
            return serving
    raise ServiceUnavailable(f"to create {what}", timing.now() - start, said)


def _settled(find: Callable[[], Sequence[Found]], drop: Callable[[str], object], timing: Timing) -> str | None:
    deadline = timing.now() + SETTLE_SECONDS
    for _ in timing.pauses(5, 15):
        if serving := _only(find(), drop):
            return serving
        if timing.now() >= deadline:
            return None
    return None


def _only(every: Sequence[Found], drop: Callable[[str], object]) -> str | None:
    serving = sorted(each for each in every if each.serves)
    for extra in serving[1:]:
        drop(extra.name)
    return serving[0].name if serving else None
