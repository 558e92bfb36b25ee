"""The plugin manager: made anew for each run, never global."""

from collections.abc import Iterable

import pluggy

from shipment_etl import hookspecs

__all__ = ["plugin_manager"]


def plugin_manager(listeners: Iterable[object] = ()) -> pluggy.PluginManager:
    """Return a manager that knows the hooks and calls the listeners.

    Raises:
        pluggy.PluginValidationError: a listener implements a hook that does not exist.
    """
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    for listener in listeners:
        manager.register(listener)
    manager.check_pending()
    return manager
