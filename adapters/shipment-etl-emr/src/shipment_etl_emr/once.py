"""Creates at most one of a resource, for services without idempotency tokens: finds it, or creates it under a claim.

A resource whose creation call got no answer may show up later, or never. So each attempt has a claim that only one client
can hold, and no client makes the next attempt before the resource has shown up, or no longer can. A definite refusal
creates nothing, so its claim is released. If two are created nevertheless, because a client was suspended between its claim
and its call, all clients agree on the oldest and drop the others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shipment_etl.errors import ShipmentEtlError
from shipment_etl_emr.calls import Unsure
from shipment_etl_emr.claims import Claims
from shipment_etl_emr.errors import ServiceUnavailable
from shipment_etl_emr.timing import Timing

__all__ = ["CLAIM_SECONDS", "SETTLE_SECONDS", "Found", "find_or_create"]

SETTLE_SECONDS = 90.0
"""A resource that has not shown up this long after its creation call ended never will."""
MAX_SECONDS_TO_CALL = 15.0
"""Maximum time from a claim to its call; later, other clients may have given it up."""
CLAIM_SECONDS = MAX_SECONDS_TO_CALL + 75.0 + SETTLE_SECONDS
"""Age of a claim at which its resource has shown up, or never will; the client's timeout is below 75 s."""
PATIENCE_SECONDS = 1_200.0


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """A resource that was created for a run; `serves` if it is working or done, and has not failed."""

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
    """Return the name of the one resource that serves.

    Args:
        what: key of the claims.
        find: lists all resources that were created for the run, including failed ones.
        create: creates one, given the number of the attempt, and returns its name; may raise Unsure.
        drop: ends a surplus one.
        claims: claims of this client.
        timing: clock and sleep.

    Raises:
        ServiceUnavailable: no creation call was answered.
        ShipmentEtlError: a creation was refused; the next attempt need not wait.
    """
    start, said = timing.now(), "another client's attempt has not shown up."
    for _ in timing.pauses(5, 15):
        # Claims first: a resource created under an old claim is then certain to be in the list.
        claim, every = claims.latest(what), find()
        if serving := _keep_oldest(every, drop):
            return serving
        shown = {each.attempt for each in every}
        if claim is not None and claim.age < CLAIM_SECONDS and claim.attempt not in shown:
            continue
        if timing.now() - start >= PATIENCE_SECONDS:
            break
        attempt = max([claim.attempt if claim else 0, *shown]) + 1
        asked = timing.now()
        if not claims.take(what, attempt):
            continue
        if timing.now() - asked > MAX_SECONDS_TO_CALL:
            claims.release(what, attempt)
            continue
        try:
            made = create(attempt)
        except Unsure as problem:
            said = str(problem)
        except ShipmentEtlError:
            claims.release(what, attempt)
            raise
        else:
            every = find()
            # Lists can lag behind.
            seen = any(each.name == made for each in every)
            return _keep_oldest([*every, *(() if seen else [Found(timing.now(), made, attempt, True)])], drop) or made
    raise ServiceUnavailable(f"to create {what}", timing.now() - start, said)


def _keep_oldest(every: Sequence[Found], drop: Callable[[str], object]) -> str | None:
    serving = sorted(each for each in every if each.serves)
    for extra in serving[1:]:
        drop(extra.name)
    return serving[0].name if serving else None
