"""At most one of a thing, of a service that takes no token for it: it is found, or created under a claim.

A creation whose answer got lost may show up later, or never. So each attempt at a creation has a claim that one client alone
can take, and nobody makes the next attempt before the thing has shown up or cannot any more. A definite refusal creates
nothing, so its claim is released. Should two be made all the same, because a client slept between its claim and its call,
all clients agree on the eldest and drop the others.
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
"""A creation that has not shown up so long after its call ended never will."""
MAX_SECONDS_TO_CALL = 15.0
"""From a claim to the call it is for; later, others may have given it up."""
CLAIM_SECONDS = MAX_SECONDS_TO_CALL + 75.0 + SETTLE_SECONDS
"""Age at which what was created under a claim has shown up, or never will; the client's time-out is below 75 s."""
PATIENCE_SECONDS = 1_200.0


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
        ShipmentEtlError: a creation was refused; the next try need not wait.
    """
    start, said = timing.now(), "another client's attempt has not shown up."
    for _ in timing.pauses(5, 15):
        # Claims first: what was created under one that is old has shown up by the time that we look.
        claim, every = claims.latest(what), find()
        if serving := _only(every, drop):
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
            # A list can lag behind.
            seen = any(each.name == made for each in every)
            return _only([*every, *(() if seen else [Found(timing.now(), made, attempt, True)])], drop) or made
    raise ServiceUnavailable(f"to create {what}", timing.now() - start, said)


def _only(every: Sequence[Found], drop: Callable[[str], object]) -> str | None:
    serving = sorted(each for each in every if each.serves)
    for extra in serving[1:]:
        drop(extra.name)
    return serving[0].name if serving else None
