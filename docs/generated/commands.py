"""The commands page: the --help text of each command, taken from the Typer app."""

import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import typer
from texts import table

from shipment_etl.cli import main as entry
from shipment_etl.cli.commands import app

PROGRAM = "shipment-etl"
KINDS = {str: "TEXT", int: "NUMBER", float: "NUMBER", Path: "PATH"}


def commands_page() -> str:
    """Return the page, with every command of the app."""
    every = list(_commands(typer.main.get_command(app), PROGRAM))
    parts = [
        "# Command line",
        "",
        "`shipment-etl COMMAND --help` prints the same text; `python -m shipment_etl` runs the same program.",
        "",
        table(("command", "does"), ((f"[`{name}`](#{_anchor(name)})", _help(command)) for name, command in every)),
        _exit_codes(),
        *(_section(name, command) for name, command in every),
    ]
    return "\n".join(parts)


def _commands(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            yield from _commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def _section(name: str, command: Any) -> str:
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option" and not each.hidden]
    required = "".join(f" {each.opts[0]} {_metavar(each)}" for each in options if each.required)
    usage = " ".join([name, *(_metavar(each) for each in arguments)]) + required + " [OPTIONS]"
    parts = [
        f"## {name.removeprefix(PROGRAM + ' ')} {{ #{_anchor(name)} }}",
        "",
        _help(command),
        "",
        f"```console\n{usage}\n```",
        "",
    ]
    rows = [(f"`{_metavar(each)}`", each.help or "", _default(each)) for each in arguments]
    rows += [
        (" ".join(f"`{flag}`" for flag in each.opts) + _value(each), each.help or "", _default(each)) for each in options
    ]
    return "\n".join([*parts, table(("option", "description", "default"), rows)])


def _help(command: Any) -> str:
    return " ".join((command.help or "").split())


def _metavar(parameter: Any) -> str:
    return str(parameter.metavar or _kind(parameter) or parameter.name.upper())


def _value(option: Any) -> str:
    return "" if option.is_flag else f" `{option.metavar or _kind(option) or KINDS.get(_annotation(option), 'VALUE')}`"


def _kind(parameter: Any) -> str:
    kind = _annotation(parameter)
    return "/".join(each.value for each in kind) if isinstance(kind, type) and issubclass(kind, Enum) else ""


def _annotation(parameter: Any) -> Any:
    return parameter.type_descriptor.annotation


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    if getattr(parameter, "is_flag", False) or parameter.default is None:
        return ""
    return f"`{getattr(parameter.default, 'value', parameter.default)}`"


def _anchor(name: str) -> str:
    return name.replace(" ", "-")


def _exit_codes() -> str:
    line = next(line for line in _docstring().splitlines() if line.startswith("Exit codes: "))
    codes = (each.strip().rstrip(".").split(" ", 1) for each in line.removeprefix("Exit codes: ").split(", "))
    return "## Exit codes\n\n" + table(("code", "means"), codes)


def _docstring() -> str:
    return sys.modules[entry.__module__].__doc__ or ""
