"""Deployment: create or update flows in Kestra, and leave unchanged ones alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from shipment_etl_kestra.errors import FlowRejected
from shipment_etl_kestra.shipped import Flow

__all__ = ["Change", "Deployed", "Target", "deploy"]


class Change(StrEnum):
    """What a deployment does to a namespace or a flow."""

    created = "created"
    updated = "updated"
    unchanged = "unchanged"


@dataclass(frozen=True, slots=True)
class Deployed:
    """What was done to a namespace or a flow. `revision` is set for a flow that was written."""

    kind: str
    name: str
    change: Change
    revision: int | None = None


class Target(Protocol):
    """What a deployment needs from Kestra."""

    def has_namespace(self, name: str) -> bool:
        """Return whether a namespace exists."""

    def create_namespace(self, name: str) -> None:
        """Create a namespace."""

    def source_of(self, flow: Flow) -> str | None:
        """Return the stored text of a flow; None if it has none."""

    def check(self, flow: Flow) -> None:
        """Raise FlowRejected if Kestra would not accept a flow."""

    def write(self, flow: Flow, *, new: bool) -> int | None:
        """Store a flow; return its revision."""


def deploy(kestra: Target, namespace: str, flows: Sequence[Flow], *, dry: bool = False) -> Iterator[Deployed]:
    """Deploy a namespace and flows to Kestra; yield what is done to each, as it is done.

    Kestra checks all flows before the first one is written.

    Args:
        kestra: where to deploy.
        namespace: that of the flows.
        flows: all in this namespace.
        dry: only check, change nothing.

    Raises:
        FlowRejected: Kestra does not accept a flow.
    """
    there = {flow: kestra.source_of(flow) for flow in flows}
    for flow in flows:
        kestra.check(flow)
    new = not kestra.has_namespace(namespace)
    if new and not dry:
        kestra.create_namespace(namespace)
    yield Deployed("namespace", namespace, Change.created if new else Change.unchanged)
    written: list[str] = []
    for flow in flows:
        change = change_of(flow, there[flow])
        revision = None
        if change is not Change.unchanged and not dry:
            try:
                revision = kestra.write(flow, new=change is Change.created)
            except FlowRejected as rejected:
                raise FlowRejected(str(flow), rejected.said, written) from rejected
            written.append(str(flow))
        yield Deployed("flow", str(flow), change, revision)


def change_of(flow: Flow, stored: str | None) -> Change:
    """Return what has to be done to a flow, given its stored text; None if none is stored."""
    if stored is None:
        return Change.created
    # Kestra may trim what it stores.
    return Change.unchanged if stored.strip() == flow.source.strip() else Change.updated
