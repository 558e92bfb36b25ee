"""Plugins: built-ins first, then installed plugins, then listeners; collected anew for each call, never global."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from shipment_etl import built_in, hookspecs
from shipment_etl.errors import NameClash, PluginError

if TYPE_CHECKING:
    from shipment_etl.contracts.models import RowRule
    from shipment_etl.scenario import Scenario
    from shipment_etl.transform.mart import Mart

__all__ = ["Plugin", "Plugins", "plugins"]

# Imports are inside the methods that need them: --help needs only commands, and must not load an engine.

LOG = logging.getLogger(__name__)
BUILT_IN = "shipment_etl"
Thing = TypeVar("Thing")
Collected = TypeVar("Collected")
MAX_REASON_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Plugin:
    """An installed plugin: its name, the version of its distribution, and the hooks that it implements."""

    name: str
    version: str
    hooks: tuple[str, ...]


class Plugins:
    """The built-ins, installed plugins and listeners of one run."""

    def __init__(self, manager: pluggy.PluginManager, entries: Iterable[EntryPoint]) -> None:
        self._manager = manager
        self._entries = tuple(entries)

    def engines(self) -> Mapping[str, Callable[[], Any]]:
        """Return the functions that create a session, by engine name."""
        return self._collect_by_name("engines")

    def marts(self) -> "tuple[Mart, ...]":
        """Return all marts, built-in ones first."""
        from shipment_etl.transform.mart import Mart

        return tuple(self._collect_named("marts", Mart))

    def rules(self) -> "tuple[RowRule, ...]":
        """Return the rules that plugins add to the contract."""
        from shipment_etl.contracts.models import RowRule, Shipment

        own = {check.name: BUILT_IN for check in Shipment.to_schema().checks}
        return tuple(self._collect_named("rules", RowRule, own))

    def scenarios(self) -> "dict[str, Scenario]":
        """Return all scenarios by name."""
        from shipment_etl.scenario import Scenario

        return {scenario.name: scenario for scenario in self._collect_named("scenarios", Scenario)}

    def commands(self, own: Iterable[str] = ()) -> Mapping[str, Any]:
        """Return the commands that plugins add, as typer apps by name; the names in `own` are already taken."""
        return self._collect_by_name("commands", dict.fromkeys(own, BUILT_IN))

    def installed(self) -> list[Plugin]:
        """Return the installed plugins, by name."""
        return [Plugin(each.name, _version_of(each), self._hooks_of(each.name)) for each in self._entries]

    def notify(self, hook: str, **what: Any) -> None:
        """Call a hook of every plugin that has it; if one fails, its name is logged, and the others are still called."""
        for implementation in self._implementations(hook):
            try:
                implementation.function(*(what[name] for name in implementation.argnames))
            except Exception:
                LOG.exception("The plugin %s failed in %s; the run goes on.", implementation.plugin_name, hook)

    def _hooks_of(self, name: str) -> tuple[str, ...]:
        callers = self._manager.get_hookcallers(self._manager.get_plugin(name)) or ()
        return tuple(sorted(caller.name for caller in callers))

    def _implementations(self, hook: str) -> Iterator[pluggy.HookImpl]:
        """Yield the implementations of a hook in the order in which pluggy calls them: the last registered first."""
        yield from reversed(getattr(self._manager.hook, hook).get_hookimpls())

    def _collect(self, hook: str, kind: Callable[[Any], Collected]) -> Iterator[tuple[str, Collected]]:
        """Yield each plugin's name and what it adds, built-ins first."""
        for implementation in self._implementations(hook):
            try:
                things = kind(implementation.function())
            except Exception as problem:
                why = f"its hook {hook} failed with {_describe(problem)}"
                raise PluginError(implementation.plugin_name, why) from problem
            yield implementation.plugin_name, things

    def _collect_named(self, hook: str, kind: type[Thing], owners: Mapping[str, str] | None = None) -> Iterator[Thing]:
        taken = dict(owners or {})
        for plugin, things in self._collect(hook, tuple):
            for thing in things:
                if not isinstance(thing, kind):
                    raise PluginError(plugin, f"its hook {hook} gave a {type(thing).__name__}, not a {kind.__name__}")
                name = str(thing.name)  # type: ignore[attr-defined]  # every kind has one
                _claim(taken, plugin, hook, name)
                yield thing

    def _collect_by_name(self, hook: str, owners: Mapping[str, str] | None = None) -> dict[str, Any]:
        taken = dict(owners or {})
        every: dict[str, Any] = {}
        for plugin, things in self._collect(hook, dict):
            for name, thing in things.items():
                _claim(taken, plugin, hook, name)
                every[name] = thing
        return every


def plugins(listeners: Iterable[object] = ()) -> Plugins:
    """Collect the built-ins, the installed plugins, and some listeners.

    Raises:
        PluginError: a plugin cannot be imported, or implements a hook that does not exist.
    """
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    # Those registered last are called first: built-ins, then plugins by name, then listeners as given.
    for number, listener in reversed([*enumerate(listeners, 1)]):
        _register(manager, listener, f"{type(listener).__name__} (listener {number})")
    entries = sorted(entry_points(group=hookspecs.GROUP), key=lambda entry: entry.name)
    for entry in reversed(entries):
        _register(manager, _load(entry), entry.name)
    _register(manager, built_in, BUILT_IN)
    return Plugins(manager, entries)


def _load(entry: EntryPoint) -> object:
    try:
        return entry.load()
    except Exception as problem:
        raise PluginError(entry.name, f"importing {entry.value} failed with {_describe(problem)}") from problem


def _version_of(entry: EntryPoint) -> str:
    return entry.dist.version if entry.dist else "unknown"


def _register(manager: pluggy.PluginManager, plugin: object, name: str) -> None:
    if manager.has_plugin(name):
        raise NameClash(name, "plugins", name, "another distribution")
    try:
        manager.register(plugin, name)
        manager.check_pending()
    except pluggy.PluginValidationError as problem:
        known = ", ".join((*hookspecs.ADDING, *hookspecs.HEARING))
        raise PluginError(name, f"{str(problem).strip().splitlines()[0]} (hooks are {known})") from problem
    for caller in manager.get_hookcallers(plugin) or ():
        if any(each.plugin is plugin and (each.wrapper or each.hookwrapper) for each in caller.get_hookimpls()):
            why = f"its hook {caller.name} is a wrapper, but hooks are called one by one, to report which plugin failed"
            raise PluginError(name, why)


def _describe(problem: Exception) -> str:
    return f"{type(problem).__name__}: {str(problem)[:MAX_REASON_LENGTH]}"


def _claim(taken: dict[str, str], plugin: str, kind: str, name: str) -> None:
    if name in taken:
        raise NameClash(plugin, kind, name, taken[name])
    taken[name] = plugin
