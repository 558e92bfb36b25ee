"""The flows that this distribution ships, as text: each with its ID, and in the namespace that it is wanted in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Self

from shipment_etl.errors import InvalidValue
from shipment_etl_kestra.errors import FlowUnreadable, NothingToDeploy

__all__ = ["NAMESPACE", "Flow", "shipped_flows"]

NAMESPACE = "shipments"
NAMESPACE_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
NAMESPACE_LINE = re.compile(r"^namespace:.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow of Kestra. `source` is what its file says."""

    namespace: str
    id: str
    source: str

    @classmethod
    def of(cls, file: str, source: str) -> Self:
        """Return the flow that a file holds.

        Raises:
            FlowUnreadable: the file is no YAML, or names no ID or namespace.
        """
        import yaml

        try:
            told = yaml.safe_load(source)
        except yaml.YAMLError as problem:
            raise FlowUnreadable(file, " ".join(str(problem).split())) from problem
        if not isinstance(told, dict):
            raise FlowUnreadable(file, "it is not a mapping")
        for key in ("id", "namespace"):
            if not isinstance(told.get(key), str):
                raise FlowUnreadable(file, f"it names no {key}")
        return cls(told["namespace"], told["id"], source)

    def within(self, namespace: str) -> "Flow":
        """Return the same flow in another namespace; not one word else of its text is touched."""
        if namespace == self.namespace:
            return self
        return Flow(namespace, self.id, NAMESPACE_LINE.sub(f"namespace: {namespace}", self.source, count=1))

    def __str__(self) -> str:
        return f"{self.namespace}.{self.id}"


def shipped_flows(namespace: str = NAMESPACE, folder: Traversable | None = None) -> tuple[Flow, ...]:
    """Return all flows that are shipped, by ID.

    Args:
        namespace: where they are wanted.
        folder: holds their files; that of this distribution if not given.

    Raises:
        InvalidValue: Kestra knows no such namespace.
        FlowUnreadable: a file is no flow.
        NothingToDeploy: there is none.
    """
    if not NAMESPACE_NAME.fullmatch(namespace):
        raise InvalidValue("--namespace", namespace, "lower-case letters, digits, dots, dashes and underscores")
    place = folder if folder is not None else files("shipment_etl_kestra") / "flows"
    found = sorted(_flows_in(place), key=lambda flow: flow.id)
    if not found:
        raise NothingToDeploy(str(place))
    return tuple(flow.within(namespace) for flow in found)


def _flows_in(folder: Traversable) -> Iterator[Flow]:
    if folder.is_dir():
        for file in folder.iterdir():
            if file.name.endswith((".yaml", ".yml")):
                yield Flow.of(file.name, file.read_text("utf-8"))
