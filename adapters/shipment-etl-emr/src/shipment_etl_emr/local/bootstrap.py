"""Bootstrap: runs the actions that prepare a node for steps, one after another."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from shipment_etl_emr.local.nodes import Node
from shipment_etl_emr.local.steps import Fetch, Running

__all__ = ["Bootstrap", "BootstrapFailed"]


class BootstrapFailed(RuntimeError):
    """A bootstrap action failed, so the cluster ends."""


class Bootstrap:
    """The bootstrap actions of one cluster.

    Args:
        node: node to run on.
        actions: bootstrap actions, each with `script_path` and `args`.
        fetch: downloads a URI into a folder, and returns the path.
        keep: stores the logs of an action, by its number, in the cluster's log folder.
    """

    def __init__(self, node: Node, actions: Sequence[Any], fetch: Fetch, keep: Callable[[int, Path], None]) -> None:
        self.node = node
        self._actions = actions
        self._fetch = fetch
        self._keep = keep
        self._done = 0
        self._running: Running | None = None

    def look(self) -> bool:
        """Start the next action if none is running; return whether all are done.

        Raises:
            BootstrapFailed: one failed.
        """
        while self._done < len(self._actions):
            if self._running is None:
                self._running = self._start(self._actions[self._done])
            code = self._running.code
            if code is None:
                return False
            self._done += 1
            self._running.close()
            self._keep(self._done, self._running.folder)
            self._running = None
            if code != 0:
                raise BootstrapFailed(
                    f"On the master instance, bootstrap action {self._done} returned a non-zero return code"
                )
        return True

    def close(self) -> None:
        """End the running action, and delete the node."""
        if self._running is not None:
            self._running.close()
        self.node.close()

    def _start(self, action: Any) -> Running:
        folder = self.node.root / f"bootstrap-{self._done + 1}"
        folder.mkdir()
        try:
            script = self._fetch(action.script_path, folder)
        except OSError as problem:
            raise BootstrapFailed(str(problem)) from problem
        command = ["bash", str(script), *map(self.node.place, action.args)]
        return Running(command, folder, self.node.environment)
