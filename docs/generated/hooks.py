"""The page of hooks: every one, with its signature and what it is for, from hookspecs.py."""

import inspect

from texts import table

from shipment_etl import hookspecs

INTRODUCTION = """# Hooks

What a plugin can implement; a function may take fewer arguments than stand here.
[How to write a plugin](../how-to/plugins.md) shows some of them at work.
"""
KINDS = {"What it adds": hookspecs.ADDING, "What it hears of a run": hookspecs.HEARING}


def hooks_page() -> str:
    """Return the page, with every hook."""
    parts = [INTRODUCTION]
    for title, names in KINDS.items():
        parts += [f"## {title}\n", table(("hook", "is for"), ((_signature(name), _told(name)) for name in names))]
    return "\n".join(parts)


def _signature(name: str) -> str:
    arguments = ", ".join(inspect.signature(getattr(hookspecs, name)).parameters)
    return f"`{name}({arguments})`"


def _told(name: str) -> str:
    return inspect.getdoc(getattr(hookspecs, name)) or ""
