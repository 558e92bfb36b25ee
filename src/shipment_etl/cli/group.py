"""The group of all commands, from the package and from plugins, with the same configured defaults."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from typer.core import TyperGroup
from typer.main import get_command

__all__ = ["Commands"]


class Commands(TyperGroup):
    """Loads plugin commands on demand; a context's `obj` has the configured defaults, by parameter."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        return [*super().list_commands(ctx), *sorted(self._plugin_commands)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command of this name, or None."""
        command = super().get_command(ctx, cmd_name) or self._plugin_commands.get(cmd_name)
        if command is not None and ctx.obj:
            ctx.default_map = {cmd_name: _defaults(command, ctx.obj)}
        return command if command is None else _hide_flag_types_of(command, ctx)

    def get_params(self, ctx: Any) -> Any:
        """Return the options of the program itself."""
        return _hide_flag_types(super().get_params(ctx))

    @cached_property
    def _plugin_commands(self) -> dict[str, Any]:
        from shipment_etl.plugins import plugins

        return {name: _rename(get_command(app), name) for name, app in plugins().commands(self.commands).items()}


def _rename(command: Any, name: str) -> Any:
    """Give a command the name that its plugin declares; help shows it, and an app of several commands has no name itself."""
    command.name = name
    return command


def _hide_flag_types_of(command: Any, ctx: Any) -> Any:
    """Return a command whose help shows --json instead of --json <bool>."""
    _hide_flag_types(command.get_params(ctx))
    for below in getattr(command, "commands", {}).values():
        _hide_flag_types_of(below, ctx)
    return command


def _hide_flag_types(options: Any) -> Any:
    for each in options:
        if getattr(each, "is_bool_flag", False):
            each.metavar = ""
    return options


def _defaults(command: Any, given: Mapping[str, object]) -> dict[str, object]:
    """Return the defaults of a command, and of the commands below it."""
    below = {name: _defaults(each, given) for name, each in getattr(command, "commands", {}).items()}
    return {**given, **below}
