"""The hooks page: every hook with its signature and purpose, from hookspecs.py."""

import inspect

from texts import table

from shipment_etl import hookspecs

INTRODUCTION = """# Hooks

The hooks that a plugin can implement. An implementation may take fewer arguments than listed here.
[How to write a plugin](../how-to/plugins.md) shows some of them in use.
"""
KINDS = {"Extensions": hookspecs.ADDING, "Events of a run": hookspecs.HEARING}


def hooks_page() -> str:
    """Return the page, with every hook."""
    parts = [INTRODUCTION]
    for title, names in KINDS.items():
        parts += [f"## {title}\n", table(("hook", "purpose"), ((_signature(name), _purpose(name)) for name in names))]
    return "\n".join(parts)


def _signature(name: str) -> str:
    arguments = ", ".join(inspect.signature(getattr(hookspecs, name)).parameters)
    return f"`{name}({arguments})`"


def _purpose(name: str) -> str:
    return inspect.getdoc(getattr(hookspecs, name)) or ""
