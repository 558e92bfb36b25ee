"""The flows that this distribution ships, as text: each with its ID, in the namespace that is requested."""

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
    """A flow of Kestra. `source` is the text of its file."""

    namespace: str
    id: str
    source: str

    @classmethod
    def of(cls, file: str, source: str) -> Self:
        """Return the flow that a file holds.

        Raises:
            FlowUnreadable: the file is not YAML, or has no ID or namespace.
        """
        import yaml

        try:
            content = yaml.safe_load(source)
        except yaml.YAMLError as problem:
            raise FlowUnreadable(file, " ".join(str(problem).split())) from problem
        if not isinstance(content, dict):
            raise FlowUnreadable(file, "it is not a mapping")
        for key in ("id", "namespace"):
            if not isinstance(content.get(key), str):
                raise FlowUnreadable(file, f"it has no {key}")
        return cls(content["namespace"], content["id"], source)

    def with_namespace(self, namespace: str) -> "Flow":
        """Return the same flow in another namespace; the rest of its text is unchanged."""
        if namespace == self.namespace:
            return self
        return Flow(namespace, self.id, NAMESPACE_LINE.sub(f"namespace: {namespace}", self.source, count=1))

    def __str__(self) -> str:
        return f"{self.namespace}.{self.id}"


def shipped_flows(namespace: str = NAMESPACE, folder: Traversable | None = None) -> tuple[Flow, ...]:
    """Return all flows that are shipped, sorted by ID.

    Args:
        namespace: for the flows.
        folder: with their files; that of this distribution if None.

    Raises:
        InvalidValue: the namespace is not valid in Kestra.
        FlowUnreadable: a file is not a flow.
        NothingToDeploy: there are no flows.
    """
    if not NAMESPACE_NAME.fullmatch(namespace):
        raise InvalidValue("--namespace", namespace, "lower-case letters, digits, dots, dashes and underscores")
    place = folder if folder is not None else files("shipment_etl_kestra") / "flows"
    found = sorted(_flows_in(place), key=lambda flow: flow.id)
    if not found:
        raise NothingToDeploy(str(place))
    return tuple(flow.with_namespace(namespace) for flow in found)


def _flows_in(folder: Traversable) -> Iterator[Flow]:
    if folder.is_dir():
        for file in folder.iterdir():
            if file.name.endswith((".yaml", ".yml")):
                yield Flow.of(file.name, file.read_text("utf-8"))
