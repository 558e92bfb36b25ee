"""The page of the Python API: every public name, by the room it lives in; mkdocstrings fills in the docstrings."""

from importlib import import_module

import shipment_etl

INTRODUCTION = """# Python

`import shipment_etl as etl` loads no engine; each name below is imported when it is first used. Functions from frame to
frame make no session, read no table and write nothing. What starts with `run_` is a job: it reads and writes a lake.
"""


def python_page() -> str:
    """Return the page, with every name in `shipment_etl.__all__`."""
    rooms: dict[str, list[str]] = {}
    for name in shipment_etl.__all__:
        rooms.setdefault(_room(name), []).append(name)
    parts = [INTRODUCTION]
    for room, names in sorted(rooms.items()):
        parts += [f"## {room}\n", f"{_first_line(room)}\n", *(f"::: shipment_etl.{name}\n" for name in sorted(names))]
    return "\n".join(parts)


def _room(name: str) -> str:
    return shipment_etl._HOMES[name].split(".")[0]


def _first_line(room: str) -> str:
    return (import_module(f"shipment_etl.{room}").__doc__ or "").splitlines()[0]
